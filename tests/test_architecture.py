"""The tree is as CONTRIBUTING.md draws it: imports run downwards, commands start fast, modules stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from drcli.cli import COMMANDS

PACKAGE = Path(__file__).parents[1] / "drcli"
FLOORS = (
    ("cli",),
    ("cloud", "doctor", "droa", "sweep"),
    ("car", "rewards", "workspace"),
    ("watch",),
    ("models",),
    ("launch", "services"),
    ("train", "import_checks"),
    ("sim", "store", "tensorflow"),
    ("config",),
    ("contract",),
    ("",),
)
FLOOR_OF = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
MODULES = {
    ".".join(("drcli", *path.relative_to(PACKAGE).with_suffix("").parts)): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
HEAVY = {"torch", "numba", "numpy", "boto3", "pydantic", "yaml", "matplotlib", "zmq"}

MAX_LINES, MAX_FUNCTION_LINES = 300, 40
LONG_MODULES = {  # lines
    "drcli.config.settings": 400,  # the table: a row for each setting
}
LONG_FUNCTIONS = {  # lines
    "drcli.sim.reward_params.reward_params": 47,  # one line for each key of the dict
}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOOR_OF else ""


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """The syntax tree of a file, node by node."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def imports(path: Path) -> tuple[str, ...]:
    """Every module that a file names in an import, wherever in the file."""
    return tuple(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def files_imported_by(module: str) -> set[str]:
    """Our own files among them; the face of a package counts where nothing below it is meant."""
    named = set(imports(MODULES[module]))
    files = named & MODULES.keys()
    faces = {f"{name}.__init__" for name in named} & MODULES.keys()
    return (files | {face for face in faces if face not in ("drcli.__init__",)}) - {module}


def docstring_lines(function: ast.FunctionDef) -> int:
    """Of a command that is its help; it is read elsewhere."""
    first = function.body[0]
    is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return first.end_lineno - first.lineno + 1 if is_text and first.end_lineno else 0


def test_imports_run_downwards() -> None:
    upwards = [
        f"{module} imports {other}"
        for module in MODULES.keys() - {"drcli.__main__"}
        for other in imports(MODULES[module])
        if other.startswith("drcli.")
        and room_of(other) != room_of(module)
        and FLOOR_OF[room_of(other)] <= FLOOR_OF[room_of(module)]
    ]
    assert upwards == []


def test_no_files_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter({module: files_imported_by(module) for module in MODULES}).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_file_name_stands_twice() -> None:
    """A command's file is named after the command, whatever else is called so."""
    names = Counter(
        module.rpartition(".")[2] for module in MODULES if room_of(module) != "cli" and "__" not in module
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_modules_fit_on_a_few_screens() -> None:
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in MODULES.items()}
    assert [m for m, count in lines.items() if count > LONG_MODULES.get(m, MAX_LINES)] == []


def test_functions_fit_on_a_screen() -> None:
    lines = {
        f"{module}.{node.name}": node.end_lineno - node.lineno + 1 - docstring_lines(node)
        for module, path in MODULES.items()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    }
    assert [f for f, count in lines.items() if count > LONG_FUNCTIONS.get(f, MAX_FUNCTION_LINES)] == []


def test_the_exceptions_are_still_needed() -> None:
    assert set(LONG_MODULES) <= MODULES.keys()
    assert {name.rpartition(".")[0] for name in LONG_FUNCTIONS} <= MODULES.keys()


def test_only_train_and_services_import_torch() -> None:
    users = {
        room_of(module)
        for module, path in MODULES.items()
        if "torch" in {name.split(".")[0] for name in imports(path)}
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
