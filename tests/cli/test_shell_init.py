"""What `dr shell-init` prints, in the shells themselves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from polling import DEADLINE_S

from drcli.cli import main
from drcli.cli.drfc import NAMES
from drcli.cli.shell_init import SHELLS

Shell = Callable[[str], str]
LOAD = {
    "bash": 'eval "$(dr shell-init bash)"',
    "zsh": 'eval "$(dr shell-init zsh)"',
    "fish": "dr shell-init fish | source",
}
NO_RC = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}


def in_shell(name: str, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script after loading; `dr` in the path prints its words, one a line, if DR_TOY is set."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"there is no {name}")
    bin_dir = folder / "bin"
    bin_dir.mkdir(exist_ok=True)
    dr = bin_dir / "dr"
    dr.write_text(
        f'#!/bin/sh\nif [ -n "$DR_TOY" ]; then printf "[%s]\\n" "$@"; else exec {sys.executable} -m drcli "$@"; fi\n'
    )
    dr.chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}"}
    command = [program, *NO_RC[name], "-c", f"{LOAD[name]}\n{script}"]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=folder, timeout=DEADLINE_S
    )


@pytest.mark.parametrize("name", SHELLS)
def test_functions_hand_their_words_on(name: str, tmp_path: Path) -> None:
    toy = {"fish": "set -x DR_TOY 1"}.get(name, "export DR_TOY=1")
    done = in_shell(name, f"{toy}\ndr-start-training -w -r 2 'a  b' '$x' ''\n", tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        *("[as-drfc]", "[start-training]", "[-w]", "[-r]", "[2]", "[a  b]", "[$x]", "[]"),
    ]


@pytest.mark.parametrize("name", SHELLS)
def test_all_of_them_are_there_and_loading_says_nothing(name: str, tmp_path: Path) -> None:
    look = {"fish": "functions -q {0}; or echo {0}"}.get(name, "typeset -f {0} >/dev/null || echo {0}")
    done = in_shell(name, "\n".join(look.format(f"dr-{command}") for command in NAMES), tmp_path)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("name", SHELLS)
def test_the_exit_code_is_the_commands(name: str, tmp_path: Path) -> None:
    status = {"fish": "echo $status"}.get(name, "echo $?")
    done = in_shell(name, f"dr-reload\n{status}\ndr-stop-training\n{status}\n", tmp_path)
    assert done.stdout.split() == ["0", "1"]
    assert "No workspace" in done.stderr


def test_completion_in_bash(tmp_path: Path) -> None:
    ask = 'COMPREPLY=(); COMP_WORDS=({words}); COMP_CWORD={at}; _dr_completion {first}; echo "${{COMPREPLY[*]}}"\n'
    script = (
        ask.format(words="dr start-tr", at=1, first="dr")
        + ask.format(words="dr shell-init ''", at=2, first="dr")
        + ask.format(words="dr nonsense --x", at=2, first="dr")
        + ask.format(words="dr increment-training --p", at=2, first="dr")
        + "complete -p dr\n"
    )
    done = in_shell("bash", script, tmp_path)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "start-training"
    assert lines[1].split() == ["bash", "zsh", "fish"]
    assert lines[2:4] == ["", "--prefix"]
    assert "_dr_completion" in lines[4]


def test_completion_in_fish(tmp_path: Path) -> None:
    done = in_shell("fish", "complete -C 'dr start-tr'", tmp_path)
    assert done.stderr == ""
    assert done.stdout.split("\t")[0].strip() == "start-training"


def test_completion_in_zsh(tmp_path: Path) -> None:
    done = in_shell("zsh", "print -r -- ${_comps[dr]}", tmp_path)
    assert (done.stdout, done.stderr) == ("_dr_completion\n", "")


@pytest.mark.parametrize("name", SHELLS)
def test_says_nothing_but_the_script(name: str) -> None:
    answer = CliRunner().invoke(main, ["shell-init", name])
    assert answer.exit_code == 0
    assert answer.stderr == ""


def test_other_shells() -> None:
    answer = CliRunner().invoke(main, ["shell-init", "tcsh"])
    assert answer.exit_code == 2
