from __future__ import annotations

import pytest

from drcli.config.envfile import parse
from drcli.config.load import find_workspace, load_settings
from drcli.config.reference import pages, template, write
from drcli.config.settings import variables
from drcli.config.variable import RUN, SYSTEM
from drcli.paths import defaults_dir
from tests.conftest import MakeWorkspace

ROOT = defaults_dir().parent


@pytest.mark.parametrize("path", pages())
def test_pages_are_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == pages()[path], "run `make docs`"


def test_templates_name_every_setting_once() -> None:
    lines = (template(SYSTEM) + template(RUN)).splitlines()
    named = [
        line.removeprefix("# ").partition("=")[0]
        for line in lines
        if "DR_" in line and "=" in line.split()[-1]
    ]
    assert sorted(name for name in named if name in variables()) == sorted(variables())


def test_templates_load_to_the_defaults(make_workspace: MakeWorkspace) -> None:
    fresh = load_settings(make_workspace(system=template(SYSTEM), run=template(RUN)))
    bare = load_settings(make_workspace())
    assert fresh.notices == ()
    for name in variables().keys() - {"DR_TRAIN_METHOD"}:
        assert fresh.text(name) == bare.text(name), name


def test_newcomers_train_in_seconds_and_old_folders_mean_what_they_meant(
    make_workspace: MakeWorkspace,
) -> None:
    assert load_settings(make_workspace(run=template(RUN))).train_method == "guided"
    assert load_settings(make_workspace()).train_method == "pixels"


def test_commented_lines_work_when_taken_in(make_workspace: MakeWorkspace) -> None:
    def taken_in(text: str) -> str:
        return "".join(
            f"{line.removeprefix('# ')}\n"
            for line in text.splitlines()
            if line.removeprefix("# ").startswith("DR_")
        )

    system, run = taken_in(template(SYSTEM)), taken_in(template(RUN))
    assert len(parse(system.encode() + run.encode(), "f")[0]) == len(variables())
    workspace = make_workspace(system=system.replace("DR_EXPERIMENT_NAME=one\n", ""), run=run)
    assert load_settings(workspace).notices == ()


def test_a_worker_file_from_the_template_changes_nothing(make_workspace: MakeWorkspace) -> None:
    text = template("worker.env")
    assert parse(text.encode(), "f") == ([], [])
    assert "# DR_WORLD_NAME=" in text
    assert "DR_LOCAL_S3_MODEL_PREFIX" not in text


def test_write(make_workspace: MakeWorkspace) -> None:
    root = make_workspace().root
    write(root)
    assert {path: (root / path).read_text(encoding="utf-8") for path in pages()} == pages()
    assert find_workspace(root).root == root
