"""What DeepRacer on AWS forbids in a reward function, as far as the source code shows it. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_MODULES = ("math", "random", "numpy", "scipy", "shapely")
_CALLS = ("open", "exec", "eval", "compile", "input")
# Searched for in the whole text, including comments and longer words.
_WORDS = ("__import__", "load", "fromfile", "genfromtxt", "tofile", "save", "memmap")


def reward_faults(source: bytes) -> Iterator[str]:
    """One message for each thing that would be refused, with its line number."""
    try:
        text = source.decode("utf-8-sig")
        tree = ast.parse(text)
    except UnicodeDecodeError:
        yield "is not UTF-8"
        return
    except (SyntaxError, ValueError) as error:
        yield f"is not valid Python: {error}"
        return
    yield from _words(text)
    yield from _imports(tree)
    yield from _calls(tree)
    yield from _signature(tree)


def _words(text: str) -> Iterator[str]:
    for word in _WORDS:
        lines = [number for number, line in enumerate(text.splitlines(), start=1) if word in line]
        if lines:
            yield f"line {lines[0]}: the text {word!r} is forbidden, even in a comment"


def _imports(tree: ast.Module) -> Iterator[str]:
    at_top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "."]
        else:
            continue
        for module in modules:
            if module.partition(".")[0] not in _MODULES:
                yield f"line {node.lineno}: import of {module} is not allowed, only {', '.join(_MODULES)}"
            elif id(node) not in at_top and _is_in_function(tree, node):
                yield f"line {node.lineno}: import of {module} inside a function; move it to the top of the file"


def _is_in_function(tree: ast.Module, wanted: ast.AST) -> bool:
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return any(inner is wanted for function in functions for inner in ast.walk(function))


def _calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            yield f"line {node.lineno}: {node.func.id}() is forbidden"


def _signature(tree: ast.Module) -> Iterator[str]:
    found = [
        node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "reward_function"
    ]
    if not found:
        yield "does not define reward_function(params)"
        return
    spec = found[-1].args
    others = (*spec.kwonlyargs, *filter(None, (spec.vararg, spec.kwarg)))
    if len(spec.posonlyargs) + len(spec.args) != 1 or others:
        yield f"line {found[-1].lineno}: reward_function has to take exactly one parameter"
