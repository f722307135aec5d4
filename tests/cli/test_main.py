from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from polling import DEADLINE_S

from drcli.cli import COMMANDS, main

HEAVY = ("torch", "numba", "numpy", "boto3", "pydantic", "yaml", "matplotlib", "psutil")


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=DEADLINE_S
    ).stdout


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["start-training", "--help"], ["logs", "--help"]]
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = f"import sys; from drcli.cli import main; main({words!r}, standalone_mode=False)\n"
    said = fresh(code + f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])")
    assert said.splitlines()[-1] == "HEAVY []"


def test_no_command_module_imports_anything_heavy() -> None:
    modules = [f"drcli.cli.{name.replace('-', '_')}" for name in COMMANDS]
    code = f"import sys, importlib\nfor name in {modules!r}: importlib.import_module(name)\n"
    assert fresh(code + f"print([name for name in {HEAVY!r} if name in sys.modules])").strip() == "[]"


def test_help_lists_every_command() -> None:
    said = " ".join(CliRunner().invoke(main, ["--help"]).stdout.split())
    for name, short in COMMANDS.items():
        assert f" {name} {short}" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    """What it does, an example, a line for each option; and the list of commands says what it says."""
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"  dr {name}" in result.stdout
    context = main.make_context("dr", [name])
    command = main.get_command(context, name)
    assert command is not None and command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))
    words = COMMANDS[name].lower().replace(".", "").split()
    assert words[0][:4] in command.help.lower()


@pytest.mark.parametrize(
    ("word", "hint"),
    [("start-trainin", "Did you mean start-training or "), ("zzz", "`dr --help` lists the commands.")],
)
def test_an_unknown_command(word: str, hint: str) -> None:
    result = CliRunner().invoke(main, [word])
    assert result.exit_code == 2
    assert f"Unknown command '{word}'." in result.stderr
    assert hint in result.stderr


def test_python_m_drcli_is_dr() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "drcli", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
    )
    assert done.stdout.startswith("dr, version ")
