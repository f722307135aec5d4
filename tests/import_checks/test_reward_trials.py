from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from model_samples import REWARD

from drcli import paths
from drcli.import_checks.reward_states import states
from drcli.import_checks.reward_trials import check_calls
from drcli.import_checks.track_rules import Route, reward_route
from drcli.sim.catalogue import load_track

HEAD = "def reward_function(params):\n"
DEFAULT = (paths.defaults_dir() / "custom_files/reward_function.py").read_text()


def said(source: str, route: Route | None = None) -> list[str]:
    found = check_calls(source.encode(), route or reward_route({}, None))
    return [f"{finding.severity} {finding.message}" for finding in found]


@pytest.mark.parametrize("source", [DEFAULT, REWARD.decode(), HEAD + "    return 1e5\n"])
def test_what_is_taken(source: str) -> None:
    assert said(source) == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (HEAD + "    return 1\n", "it returns 1 of type int"),
        (HEAD + "    return None\n", "it returns None of type NoneType"),
        (HEAD + "    return float('nan')\n", "it returns nan"),
        (HEAD + "    return 100001.0\n", "it returns 100001.0"),
        (HEAD + "    return float(params['progress'] * 2e3)\n", "it returns 200000.0 at the finish line"),
        (
            HEAD + "    import math\n    return math.pi\n",
            "line 2: it imports math while it runs beside the start line",
        ),
        (HEAD + "    return params['nothing']\n", "line 2: KeyError: 'nothing'"),
        (HEAD + "    raise SystemExit\n", "line 2: SystemExit"),
        ("def reward_function(params, more=1):\n    return 1.0\n", "reward_function has to take exactly one"),
        ("def reward(params):\n    return 1.0\n", "reward_function is not defined"),
        ("import math\nx = 1 / 0\n" + HEAD + "    return 1.0\n", "line 2: ZeroDivisionError"),
    ],
)
def test_one_finding(source: str, message: str) -> None:
    (line,) = [line for line in said(source) if message in line]
    assert line.startswith("refused")


@pytest.mark.slow
def test_a_call_that_does_not_return() -> None:
    (line,) = said(HEAD + "    while True:\n        pass\n")
    assert line.endswith(": it takes longer than 5 s beside the start line")


def test_the_function_has_limits_and_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    source = "import os\nkey = os.environ.get('AWS_SECRET_ACCESS_KEY', 'none')\n" + HEAD + "    return key\n"
    assert said(source) == ["refused it returns 'none' of type str"]
    if os.name == "posix" and os.uname().sysname == "Linux":
        (line,) = said(HEAD + "    return float(len(bytearray(1 << 36)))\n")
        assert "line 2: MemoryError" in line


def test_a_process_that_ends() -> None:
    (line,) = said("import os\nos._exit(0)\n")
    assert "reward_function ended the process" in line


def test_what_it_prints_is_dropped() -> None:
    assert said(HEAD + "    print('[]')\n    return 1.0\n") == []
    assert said("import sys\nsys.stdout.write('x')\n" + HEAD + "    return 1.0\n") == []


def test_an_index_beyond_another_track_is_a_note() -> None:
    params = {"WORLD_NAME": "reInvent2019_track", "TRACK_DIRECTION_CLOCKWISE": True}
    route = reward_route(params, None)
    assert route.missing == "reInvent2019_track_cw"
    assert said(HEAD + "    return float(params['waypoints'][9999][0])\n", route)[0].startswith(
        "note line 2: Ind"
    )


def test_the_route_of_the_model(tmp_path: Path) -> None:
    rows = load_track("drcli_wide", None, "").rows
    np.save(tmp_path / "Albert.npy", rows)
    route = reward_route({"WORLD_NAME": "Albert", "TRACK_DIRECTION_CLOCKWISE": True}, tmp_path)
    assert not route.missing and np.array_equal(route.track.rows, rows)


def test_the_five_states() -> None:
    rows = load_track("drcli_oval", None, "").rows
    found = states(rows)
    assert [params["progress"] for params in found.values()] == [0, 0, 50, 0, 100]
    assert [params["is_offtrack"] for params in found.values()] == [False, False, False, True, False]
    assert len({frozenset(params) for params in found.values()}) == 1
    off = found["off the track"]
    assert np.hypot(off["x"] - rows[0, 0], off["y"] - rows[0, 1]) == pytest.approx(off["track_width"])
    for params in found.values():
        before, after = params["closest_waypoints"]
        assert after == before + 1 < len(params["waypoints"]) == len(rows)
