"""The tree is as CONTRIBUTING.md draws it: imports run downwards, commands start fast, modules stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drcli.cli import COMMANDS

PACKAGE = Path(__file__).parents[1] / "drcli"
FLOORS = (("cli",), ("launch", "services", "watch"), ("train",), ("sim", "store"), ("config",), ("contract",), ("",))
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"torch", "numba", "numpy", "boto3", "pydantic", "yaml", "matplotlib", "zmq"}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOOR_OF else ""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path: Path) -> None:
    here = room_of("drcli." + ".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    if path == PACKAGE / "__main__.py":
        return
    for module in imports(path):
        if not module.startswith("drcli."):
            continue
        there = room_of(module)
        assert there == here or FLOOR_OF[there] > FLOOR_OF[here], f"{here} must not import {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def test_only_train_and_services_import_torch() -> None:
    users = {
        path.relative_to(PACKAGE).parts[0]
        for path in MODULES
        if "torch" in {m.split(".")[0] for m in imports(path)}
    }
    assert users <= {"train", "services"}


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from drcli.cli import main\n"
        f"try: main({arguments!r}, prog_name='dr')\n"
        "except SystemExit: pass\n"
        f"print('heavy:', sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"
    assert done.stdout.startswith("Usage: dr")
