"""Env files nobody should write: they are read, or refused with file and line; nothing in them ever runs.

And whatever values pass, the documents made of them are plain quoted texts.
"""

from __future__ import annotations

import json
import random
import re
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from drcli.config.load import load_settings, load_workers
from drcli.config.params_documents import Document, render_evaluation, render_training, render_upload, to_yaml
from drcli.config.settings import Settings, variables
from drcli.config.variable import Variable
from drcli.errors import UsageError
from drcli.paths import Workspace
from drcli.workspace.env_edit import edited
from tests.conftest import MakeWorkspace

NOW = datetime(2026, 1, 2, 3, 4, 5)
PLACE = re.compile(r"(?m)^ *(?:experiments/\w+/)?(?:system|run)\.env:\d+: ")

VALUES = (
    *(
        "$(touch {canary})",
        "`touch {canary}`",
        '"$(touch {canary})"',
        "x; touch {canary}",
        "x && touch {canary}",
    ),
    *(
        "${{IFS}}$(touch {canary})",
        "$((1+1))",
        "$[touch {canary}]",
        "<(touch {canary})",
        "| touch {canary}",
        "~/x",
    ),
    *(
        "'open",
        '"open',
        "'it''s'",
        '"a"b',
        "'",
        '"',
        '"\\"',
        "'\\'",
        '"\\\\"',
        "\\",
        "\\n",
        '"\\n"',
        "'$DR_WORLD_NAME'",
    ),
    *(
        "🏎️",
        "é",
        "\u202e",
        "\u2028",
        "\x85",
        "\x0b",
        "\x1b[31m",
        "\x7f",
        "\t",
        "\0",
        "\ufeff",
        "$",
        "${{",
        "${{}}",
        "$$",
    ),
    *(
        "${{A:-${{B}}}}",
        "$DR_CAR_NAME$DR_CAR_NAME",
        "%s",
        "{{}}",
        "!!python/object:os.system",
        "&a *a",
        "- x",
        "#",
        "a #b",
    ),
    *(
        "True",
        "no",
        "0x10",
        "1e3",
        "-1",
        "nan",
        "null",
        "~",
        "99999999999999999999",
        "../../etc/passwd",
        "=",
        "a=b",
    ),
)
BEFORE = ("", "", "", "export ", " ", "\t", "# ", "source ", "eval ", ". ", "-", "x")
NAMES = (
    "A",
    "PATH",
    "BASH_ENV",
    "LD_PRELOAD",
    "IFS",
    "a-b",
    "1A",
    "",
    "A B",
    "DR_",
    "__class__",
    "DR_EXPERIMENT_NAME",
)


def hostile(seed: int, canary: Path) -> bytes:
    """An env file made of all that went wrong for somebody."""
    rng = random.Random(seed)
    known = list(variables())
    lines = []
    for _ in range(rng.randint(1, 30)):
        name = rng.choice(known if rng.random() < 0.6 else NAMES)
        value = "".join(rng.choices(VALUES, k=rng.choice((1, 1, 1, 2, 3)))).format(canary=canary)
        equals = rng.choice(("=", "=", "=", " = ", "=\t", ":", "", "+=", "=="))
        lines.append(rng.choice(BEFORE) + name + equals + value + rng.choice(("", "", " # note", "\\")))
    if rng.random() < 0.15:
        lines.append("DR_CAR_NAME=" + rng.choice(("x", " ", "$A", "KEY", "\\", '"', "=")) * 1_000_000)
    text = rng.choice(("\n", "\n", "\r\n", "\r")).join(lines)
    data = text.encode("utf-16" if rng.random() < 0.03 else "utf-8")
    if rng.random() < 0.05:
        data += b"\nDR_CAR_NAME=\xff\xfe\n"
    return data


@pytest.mark.parametrize("seed", range(200))
def test_hostile_env_files(seed: int, make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    workspace = make_workspace()
    canary = tmp_path / "canary"
    rng = random.Random(seed)
    target = rng.choice((workspace.run_env, workspace.system_env))
    data = hostile(seed, canary)
    target.write_bytes(data)
    try:
        found = load_settings(workspace)
    except UsageError as refused:
        assert PLACE.search(refused.message), refused.message
        assert len(str(refused)) < 100_000
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", str(refused))  # a terminal would obey them
    else:
        rendered(found)
    assert not canary.exists()
    assert target.read_bytes() == data


def test_some_of_them_are_read_and_some_are_refused(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    """Else the test above would tell little."""
    outcomes = set()
    for seed in range(200):
        workspace = make_workspace(run="")
        workspace.run_env.write_bytes(hostile(seed, tmp_path / "canary"))
        try:
            load_settings(workspace)
            outcomes.add("read")
        except UsageError as refused:
            outcomes |= set(
                re.findall(r"NUL|UTF-8|not an assignment|control character|characters|expected", str(refused))
            )
    assert outcomes == {
        "read",
        "NUL",
        "UTF-8",
        "not an assignment",
        "control character",
        "characters",
        "expected",
    }


@pytest.mark.parametrize("char", ["x", " ", "$A", "KEY", "\\", '"', "'", "="])
def test_a_line_of_a_megabyte_is_refused_at_once(make_workspace: MakeWorkspace, char: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_settings(make_workspace(run="# head\nDR_CAR_NAME=x" + char * 1_000_000 + "y\n"))
    assert caught.value.message.startswith("run.env:2: a line of ")
    assert len(str(caught.value)) < 500


def test_a_comment_of_a_megabyte_is_none_of_our_business(make_workspace: MakeWorkspace) -> None:
    assert load_settings(make_workspace(run="#" + "x " * 500_000 + "\nDR_WORKERS=2\n")).workers == 2


# --- random settings


def value_of(row: Variable) -> st.SearchStrategy[str]:
    """Values that a racer could write for a setting."""
    text = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30)
    if row.choices:
        return st.sampled_from(row.choices)
    if row.boolean:
        return st.sampled_from(["True", "False", "true", "yes", "0", "on"])
    if "number" in row.expected:
        return st.sampled_from(["0", "1", "2", "5", "0.5", "1.0", "1e0", "007", "3.25", "100", "-1"])
    if "address" in row.expected:
        return st.sampled_from(["", "http://nas:9000", "https://x.example/y?z=1#a", "http://[::1]:9"])
    if "lane" in row.expected:
        return st.sampled_from(["", "0.2,-1;0.5,1", "0.2, -1 ;", ".5,+1"])
    odd = st.sampled_from(
        ["yes", "null", "~", "1", "1e3", "0x10", "- a", "a: b", "&a", "*a", "!!bool x", "'", '"', "{", "%"]
    )
    return text | odd | text.map(lambda some: f"{some} $DR_CAR_NAME")


@settings(max_examples=30)
@given(
    st.data(),
    st.lists(
        st.sampled_from(list(variables().values())), min_size=1, max_size=20, unique_by=lambda r: r.name
    ),
)
def test_documents_of_random_settings_are_quoted_texts(
    make_workspace: MakeWorkspace, data: st.DataObject, rows: list[Variable]
) -> None:
    values = {
        row.name: data.draw(value_of(row), row.name) for row in rows if row.name != "DR_EXPERIMENT_NAME"
    }
    workspace = make_workspace()
    try:
        workspace.run_env.write_bytes(edited(b"", values, "run.env")[0])
        found = load_settings(workspace)
        workers = workers_of(workspace, found)
    except UsageError as refused:
        assert "DR_" in refused.message
        event("refused")
        return
    event("rendered")
    rendered(found, workers)


def workers_of(workspace: Workspace, found: Settings) -> tuple[Settings, ...]:
    for number in range(2, min(found.workers, 5) + 1):
        workspace.worker_env(number).write_text("DR_CAR_COLOR=Blue\n")
    return load_workers(workspace, found) if found.workers <= 5 else ()


def rendered(found: Settings, workers: tuple[Settings, ...] = ()) -> None:
    """Render all documents; each is read back as it was, and only its numbers and booleans are bare."""
    documents: list[Document] = [
        *render_training(found, None, workers),
        render_evaluation(found, None, NOW),
        render_evaluation(found, None, NOW, clone=True),
        render_upload(found, "target", "some/prefix"),
    ]
    for document in documents:
        text = to_yaml(document.values)
        assert yaml.safe_load(text) == document.values
        assert text.isascii()
        bare = {json.dumps(value) for value in document.values.values() if isinstance(value, int)}
        for part in yaml.parse(text):
            if isinstance(part, yaml.ScalarEvent):
                assert part.tag is None and (part.style in ("'", '"') or part.value in bare), part
            assert not isinstance(part, yaml.AliasEvent)
