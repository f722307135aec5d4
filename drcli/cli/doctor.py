"""`dr doctor`: check the machine and the workspace before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drcli.cli import options, present

if TYPE_CHECKING:
    from drcli.doctor.finding import Finding

_MARKS = {"ok": ("OK", "green"), "warning": ("warning", "yellow"), "error": ("error", "red")}
_INDENT = " " * 21  # the width of mark and area


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print all findings as JSON.")
@options.overrides
@click.pass_context
def command(ctx: click.Context, as_json: bool, overrides: tuple[str, ...]) -> None:
    """Check this machine and the workspace, and show how to fix each problem.

    Starts nothing and changes nothing. Outside a workspace it only checks the machine. The exit code is 1 if
    there are errors; warnings do not count.

    \b
      dr doctor
      dr doctor --json
      dr doctor --set DR_DOCKER_STYLE=compose
    """
    from dataclasses import asdict

    from drcli.doctor.examination import examine

    findings = []
    for finding in examine(ctx.obj, overrides):
        findings.append(finding)
        if not as_json:
            present.result(format_finding(finding))
    levels = [finding.level for finding in findings]
    errors, warnings = levels.count("error"), levels.count("warning")
    if as_json:
        rows = [asdict(finding) for finding in findings]
        present.as_json({"findings": rows, "errors": errors, "warnings": warnings})
    else:
        present.result(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}.")
    present.next_step(*_next_step(findings, errors))
    if errors:
        ctx.exit(1)


def format_finding(finding: Finding) -> str:
    """One line with mark, area and message; the fix is indented below it. Pure."""
    word, colour = _MARKS[finding.level]
    mark = click.style(f"{word:<8}", fg=colour)
    lines = [f"{mark} {finding.area:<12}{_indented(finding.message)}"]
    if finding.fix:
        lines.append(f"{_INDENT}{click.style('fix:', fg='cyan')} {_indented(finding.fix)}")
    return "\n".join(lines)


def _indented(text: str) -> str:
    return text.replace("\n", f"\n{_INDENT}")


def _next_step(findings: list[Finding], errors: int) -> tuple[str, str]:
    if errors:
        return "dr doctor", "check again after fixing the errors"
    if any(finding.area == "workspace" for finding in findings):
        return "dr init my-racer", "create a workspace"
    return "dr start-training", "everything is ready"


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
