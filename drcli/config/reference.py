"""Generates the templates of the env files and docs/settings.md from the table of settings.

`python -m drcli.config.reference` writes them into the repository; a test checks that they are up to date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from drcli.config import legacy
from drcli.config.settings import variables
from drcli.config.variable import RUN, SYSTEM, Variable

WORKER = "worker.env"

_HEADS = {
    SYSTEM: "Settings of this machine and of the bucket; run.env can override them.",
    RUN: "Settings of a run.",
    WORKER: "For DR_TRAIN_MULTI_CONFIG: copy to worker-2.env, …; keep only what differs for that worker.",
}
_PAGE = """\
# Settings

<!-- Written by `make docs` from the table in drcli/config/settings.py. -->

Settings live in `system.env` and `run.env` of a workspace, one `NAME=value` per line. `system.env` is read
first, then `run.env`, then `--set NAME=value` of the command line; later lines win. `dr config` shows each
value and the line it comes from.

- `$NAME` and `${NAME}` stand for a value set above, in either file, including variables of your own; if it
  is not set there, for that of the environment `dr` was started in. `${NAME:-text}` has a fallback text,
  `\\$` is a dollar sign.
- `# …` after a space is a comment. Quotes go around a whole value; in single quotes, `$` is an ordinary
  character.
- Nothing is executed: `$(command)` stays text.
- `--set NAME=value` replaces the line that sets `NAME`, so `$NAME` in other lines uses the new value.
- An empty value means the default, except where the table says what empty means.
- Booleans: True or False; yes, no, 1 and 0 are also accepted.
- An unknown `DR_` name gets a warning unless another line uses it as `$NAME`.

`worker-2.env`, `worker-3.env`, … may set the names marked with *: see `DR_TRAIN_MULTI_CONFIG`.
"""


def pages() -> Mapping[str, str]:
    """Path in the repository → text, of everything generated from the table."""
    templates = {f"defaults/template-{file}": template(file) for file in (SYSTEM, RUN, WORKER)}
    return templates | {"docs/settings.md": settings_page()}


def template(file: str) -> str:
    """The template of `system.env`, `run.env` or `worker.env`; rarely used lines are commented out."""
    rows = [row for row in variables().values() if row.worker or file != WORKER]
    if file != WORKER:
        rows = [row for row in rows if row.section.file == file]
    lines = [f"# {_HEADS[file]}", "# For meanings and ranges see docs/settings.md or `dr config`."]
    for title, group in _sections(rows):
        lines += ["", f"## {title}"]
        for row in group:
            off = "# " if row.rare or file == WORKER else ""
            lines += [f"# {row.meaning}{_choices(row)}", f"{off}{row.name}={row.example}"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """The reference page, in Markdown."""
    lines = [_PAGE]
    for file, rows in groupby(variables().values(), key=lambda row: row.section.file):
        lines.append(f"\n## {file}\n")
        for title, group in _sections(rows):
            lines += [f"### {title}\n", "| name | value | default | meaning |", "|---|---|---|---|"]
            lines += [_cells(row) for row in group]
            lines.append("")
    lines += [
        "\n## Older names\n",
        "If both are set, the new name counts.\n",
        "| name | now |",
        "|---|---|",
    ]
    lines += [f"| `{old}` | `{new}` |" for old, new in legacy.RENAMED.items()]
    lines += ["\n## Names without effect\n", "| name | |", "|---|---|"]
    lines += [f"| `{name}` | {why} |" for name, why in legacy.IGNORED.items()]
    return "\n".join(lines) + "\n"


def write(root: Path) -> None:
    """Write all pages under the repository at `root`."""
    for path, text in pages().items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")


def _sections(rows: Iterable[Variable]) -> Iterator[tuple[str, Iterator[Variable]]]:
    return groupby(rows, key=lambda row: row.section.title)


def _choices(row: Variable) -> str:
    return f" ({row.expected})" if row.choices and not row.boolean else ""


def _cells(row: Variable) -> str:
    name, default = f"`{row.name}`{'*' if row.worker else ''}", f"`{row.default}`" if row.default else ""
    meaning = re.sub(r"docs/([\w-]+)\.md", r"[\1](\1.md)", row.meaning)
    return f"| {name} | {row.expected} | {default} | {meaning} |"


if __name__ == "__main__":
    write(Path(__file__).resolve().parents[2])
