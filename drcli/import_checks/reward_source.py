"""What DeepRacer on AWS forbids in the text of a reward function.

Source: reward-function-validation/lib/reward_func_validator/{test_reward_function,constants}.py. It runs Python 3.12:
an older one here neither knows that version's syntax nor looks for flake8's faults inside of f-strings.
"""

from __future__ import annotations

import ast
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from drcli import local
from drcli.errors import DrError
from drcli.import_checks.findings import REWARD, ImportFault, fault

_MODULES = ("math", "random", "numpy", "scipy", "shapely")
_CALLS = ("open", "exec", "eval", "compile", "input")
# Searched for in the whole text, including comments and longer words.
_WORDS = ("__import__", "load", "fromfile", "genfromtxt", "tofile", "save", "memmap")
_FLAKE8 = ("--isolated", "--select=E,F", "--ignore=E5,E226,E261", "--format=%(row)d %(code)s %(text)s")
_LINT_HINTS = {"F401": "remove it", "F841": "remove it", "F821": "define that name"}
_LIMIT_S = 60.0


def check_source(source: bytes) -> Iterator[ImportFault]:
    """One fault for each thing that would be refused, with its line number."""
    try:
        text = source.decode()
        tree = ast.parse(text)
    except UnicodeDecodeError:
        yield fault(REWARD, "is not UTF-8", "save it as UTF-8")
        return
    except (SyntaxError, ValueError) as error:
        hint = "save it as UTF-8 without BOM" if text.startswith("\ufeff") else "fix that line"
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) else ""
        problem = error.msg if isinstance(error, SyntaxError) else error
        yield fault(REWARD, f"{line}is not valid Python: {problem}", hint)
        return
    yield from _lint(source)
    yield from _imports(tree)
    yield from _calls(tree)
    yield from _words(text)


def _lint(source: bytes) -> Iterator[ImportFault]:
    """run_flake8: the faults of pycodestyle and Pyflakes, except for long lines and two matters of spaces."""
    with tempfile.TemporaryDirectory(prefix="drcli-lint-") as folder:
        (Path(folder) / REWARD).write_bytes(source)
        done = local.run_apart([sys.executable, "-m", "flake8", *_FLAKE8, REWARD], Path(folder), _LIMIT_S)
    if done.code not in (0, 1):
        raise DrError("flake8 cannot be run.", done.errors.strip() or "Install drcli with all that it needs.")
    for line in done.output.splitlines():
        number, _, found = line.partition(" ")
        code = found.partition(" ")[0]
        hint = _LINT_HINTS.get(code) or ("a formatter changes it" if code < "E7" else "change that line")
        yield fault(REWARD, f"line {number}: {found}", hint)


def _imports(tree: ast.Module) -> Iterator[ImportFault]:
    """test_imports. Where an import stands is seen when the function is called."""
    hint = f"only {', '.join(_MODULES)} can be imported"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "."]
        else:
            continue
        for module in modules:
            if module.partition(".")[0] not in _MODULES:
                yield fault(REWARD, f"line {node.lineno}: import of {module} is not allowed", hint)


def _calls(tree: ast.Module) -> Iterator[ImportFault]:
    """test_builtins, which fails on calls and attributes of anything but names, calls and attributes of these.

    It does not look into keyword arguments, nor into what an attribute is taken from.
    """
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if not isinstance(node, ast.Call | ast.Attribute):
            todo += reversed([*ast.iter_child_nodes(node)])
            continue
        here: ast.AST = node
        is_bare = True
        while isinstance(here, ast.Call | ast.Attribute):
            if isinstance(here, ast.Call):
                todo += reversed(here.args)
                here = here.func
            else:
                is_bare, here = False, here.value
        if not isinstance(here, ast.Name):
            shown = ast.unparse(node)
            yield fault(
                REWARD,
                f"line {node.lineno}: the validator of DeepRacer on AWS fails on {shown}",
                "it cannot read a method or attribute of something without a name: assign it to a variable first",
            )
        elif is_bare and here.id in _CALLS:
            yield fault(REWARD, f"line {node.lineno}: {here.id}() is forbidden", "do without it")


def _words(text: str) -> Iterator[ImportFault]:
    """test_forbidden_strings."""
    for word in _WORDS:
        lines = [number for number, line in enumerate(text.splitlines(), start=1) if word in line]
        if lines:
            yield fault(
                REWARD, f"line {lines[0]}: the text {word!r} is forbidden, even in a comment", "rename it"
            )
