"""Reward functions as people write them: state, clocks, prints, and every way to fail."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap
import time
from typing import Any

import pytest

from drcli.errors import DrError
from drcli.sim import reward as module
from drcli.sim.reward import CarReward, RewardError, RewardFunction, try_once
from drcli.sim.track import Track

PARAMS = {"x": 1.0, "progress": 12.5, "closest_waypoints": [3, 4], "waypoints": [(0.0, 0.0)] * 99}


def loaded(source: str, **options: Any) -> RewardFunction:
    return RewardFunction(textwrap.dedent(source), "custom_files/reward.py", **options)


def returning(expression: str) -> CarReward:
    return loaded(f"def reward_function(params):\n    return {expression}\n").for_car()


def test_the_reward_is_a_float() -> None:
    for expression in (
        "1",
        "1.0",
        "True",
        "__import__('numpy').float32(1.0)",
        "__import__('numpy').ones(1)[0]",
        "__import__('numpy').ones(1)",
        "__import__('pandas').Series([1])",
    ):
        value = returning(expression)(dict(PARAMS), 0.0)
        assert (type(value), value) == (float, 1.0)


def test_every_car_has_its_own_instance() -> None:
    function = loaded(
        """
        count = 0
        class Memory:
            steps = 0
        def reward_function(params):
            global count
            count += 1
            Memory.steps += 1
            reward_function.calls = getattr(reward_function, "calls", 0) + 1
            return 100 * count + 10 * Memory.steps + reward_function.calls
        """
    )
    one, two = function.for_car(), function.for_car()
    assert [one({}, 0.0), one({}, 0.0), two({}, 0.0), one({}, 0.0)] == [111.0, 222.0, 111.0, 333.0]


def test_time_is_simulated_however_it_is_imported() -> None:
    source = """
        import time, datetime
        import time as clock
        from time import time as now, perf_counter
        from datetime import datetime as moment
        started = time.monotonic()
        def reward_function(params):
            import time as again
            time.sleep(100.0)
            readings = [time.time(), clock.perf_counter(), now(), perf_counter(), again.process_time(),
                        time.time_ns() / 1e9, (moment.now() - moment.fromtimestamp(0)).total_seconds(),
                        datetime.datetime.utcnow().timestamp() - datetime.datetime(1970, 1, 1).timestamp()]
            assert time.gmtime().tm_sec == int(readings[0]), time.gmtime()
            assert max(readings) - min(readings) < 1e-6, readings
            return readings[0] - started
        """
    car = loaded(source).for_car()
    before = time.time()
    assert car({}, 12.25) == pytest.approx(12.25)
    assert car({}, 31.5) == pytest.approx(31.5)
    assert time.time() >= before > 1e9, "the real clock is untouched"


def test_modules_of_the_function_import_as_usual() -> None:
    source = """
        from __future__ import annotations
        import math, numpy as np
        from collections import abc
        from dataclasses import dataclass
        import xml.etree.ElementTree as tree
        @dataclass
        class Point:
            x: float
        def reward_function(params):
            return Point(np.sqrt(4.0)).x + math.pi * isinstance([], abc.Sequence) + (tree.Element("a").tag == "a")
        """
    assert loaded(source).for_car()({}, 0.0) == pytest.approx(3.0 + math.pi)
    assert "reward_function" not in sys.modules


def test_prints_go_to_the_log_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []
    source = """
        import sys
        print("loaded")
        def reward_function(params):
            print("x", params["x"], sep="=", end=" ")
            print("and", 2)
            print("one\\ntwo", file=sys.stderr)
            return 1.0
        """
    loaded(source, log=lines.append).for_car()({"x": 1.5}, 0.0)
    assert lines[-3:] == ["x=1.5 and 2", "one", "two"]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        (
            "def reward_function(params)\n    return 1",
            "reward.py:1: expected ':'",
            "def reward_function(params)",
        ),
        ("def reward_function(params):\n\tif 1:\n        return 1", "reward.py:3: ", "return 1"),
        ("x = 1\n\nreward = 2", "reward.py: reward_function is not defined", "def reward_function(params)"),
        ("reward_function = 3", "reward.py: reward_function is not defined", "def reward_function(params)"),
        ("\ndef reward_function():\n    return 1", "reward.py:2: reward_function: too many", "one argument"),
        (
            "def reward_function(params, speed):\n    return 1",
            "reward.py:1: reward_function: missing",
            "one argument",
        ),
        ("import math\nlimit = 1 / 0", "reward.py:2: ZeroDivisionError: division by zero", "on import"),
        (
            "import no_such_module",
            "reward.py:1: ModuleNotFoundError: No module named 'no_such_module'",
            "-m pip install no_such_module` installs it, if",
        ),
        ("import sys\nsys.exit(3)", "reward.py:2: SystemExit: 3", "on import"),
        ("x = '\0'", "reward.py", ""),
    ],
)
def test_what_cannot_be_loaded_is_told_by_line(source: str, message: str, hint: str) -> None:
    with pytest.raises(DrError) as caught:
        RewardFunction(source, "reward.py")
    assert caught.value.message.startswith(message)
    assert hint in caught.value.hint


def test_optional_arguments_and_methods_are_fine() -> None:
    assert loaded("def reward_function(params, verbose=False): return 2.0").for_car()({}, 0.0) == 2.0
    assert (
        loaded("class R:\n    def go(self, p): return 3\nreward_function = R().go").for_car()({}, 0.0) == 3.0
    )


def test_a_failure_names_line_and_params() -> None:
    source = """
        def helper(params):
            return params["x"] / 0

        def reward_function(params):
            return helper(params)
        """
    with pytest.raises(RewardError) as caught:
        loaded(source).for_car()(dict(PARAMS), 0.0)
    first, params = caught.value.message.split("\n")
    assert first == "custom_files/reward.py:3: ZeroDivisionError: float division by zero"
    assert "'progress': 12.5" in params
    assert len(params) < 300, "waypoints are cut short"


def test_a_failure_inside_a_library_names_the_users_line() -> None:
    source = "import json\ndef reward_function(params):\n    return json.loads('{')\n"
    with pytest.raises(RewardError, match=r"reward\.py:3: JSONDecodeError"):
        loaded(source).for_car()({}, 0.0)


def test_a_misspelt_key_gets_the_right_one_as_a_hint() -> None:
    with pytest.raises(RewardError) as caught:
        returning("params['closest_waypoint']")(dict(PARAMS), 0.0)
    assert caught.value.hint == "Did you mean params['closest_waypoints']?"


@pytest.mark.parametrize(
    "expression",
    ["None", "'1.0'", "float('nan')", "float('inf')", "-float('inf')", "1.1e5", "-100001", "[1]", "params"],
)
def test_what_is_no_reward_is_refused(expression: str) -> None:
    with pytest.raises(RewardError, match="reward_function returns"):
        returning(expression)(dict(PARAMS), 0.0)
    assert returning("1e5")({}, 0.0) == 1e5


def test_a_function_that_takes_too_long_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT_S", 0.2)
    source = """
        def reward_function(params):
            while params["hang"]:
                params["turns"] = params.get("turns", 0) + 1
            return 1.0
        """
    car = loaded(source).for_car()
    assert car({"hang": False}, 0.0) == 1.0
    params = {"hang": True}
    with pytest.raises(RewardError, match=r"reward\.py:[34]: reward_function takes longer than 0\.2 s"):
        car(params, 0.0)
    assert params["turns"] > 0
    assert car({"hang": False}, 0.0) == 1.0, "the next call is not hit by what was meant for this one"


def test_a_module_that_never_ends_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_LIMIT_S", 0.2)
    with pytest.raises(DrError, match=r"reward\.py:2: importing it takes longer"):
        loaded("\nwhile True: pass")


def test_trying_once_uses_a_real_state_and_does_not_compile(block: Track) -> None:
    source = """
        def reward_function(params):
            assert len(params) == 27
            assert params["waypoints"][1] == (1.0, 0.0)
            assert params["steps"] == 2.0
            return params["x"]
        """
    assert try_once(loaded(source), block) == pytest.approx(0.14)
    with pytest.raises(RewardError, match="KeyError"):
        try_once(loaded("def reward_function(params): return params['nothing']"), block)
    told = loaded("def reward_function(params): return params['steering_angle'] + params['speed']")
    assert (try_once(told, block), try_once(told, block, -20.0, 3.5)) == (1.0, -16.5)
    imported = "import sys, drcli.sim.reward; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", imported], check=False).returncode == 0
