"""Writes reports and single pictures about models, wherever they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Literal

from drcli.config.settings import Settings
from drcli.errors import DrError, UsageError
from drcli.local import write_atomically
from drcli.paths import Workspace
from drcli.watch.figures import drawing
from drcli.watch.figures.drawing import Drawing, NoData
from drcli.watch.recordings.recording_sources import opened
from drcli.watch.report import page
from drcli.watch.report.facts import facts_of, hyperparameters_of, numbers_of, summary_of, trials_of
from drcli.watch.report.kinds import COMPARED, CURVES, KINDS, OFF_TRACK, TRACK, Comparison, Kind
from drcli.watch.report.report_subject import Subject

Tell = Callable[[str], None]
_EVALUATIONS = 12  # the newest, as tables


@contextmanager
def subjects(
    settings: Settings, workspace: Workspace, names: Sequence[str], tell: Tell
) -> Iterator[list[Subject]]:
    """The models with these names or addresses; without any, that of the workspace."""
    with ExitStack() as stack:
        found = []
        for name in names or [settings.local_s3_model_prefix]:
            tell(f"Looking for {name}")
            recording = stack.enter_context(opened(settings, workspace, name))
            found.append(Subject(recording, settings.tracks_url, tell))
        yield found


def write_report(
    settings: Settings, workspace: Workspace, names: Sequence[str], path: Path | None, tell: Tell
) -> Path:
    """Write the page about the models; returns its path, by default data/reports/MODEL.html."""
    with subjects(settings, workspace, names, tell) as models:
        title = "Report on " + ", ".join(model.name for model in models)
        file = "-".join(model.name.replace("/", "-") for model in models)[:120]
        target = path or workspace.reports / f"{file}.html"
        made = f"Made with drcli on {datetime.now():%Y-%m-%d at %H:%M}."
        sections = [("Comparison", _comparison(models, tell))] if len(models) > 1 else []
        for number, model in enumerate(models):
            lead = f"{model.name}: " if len(models) > 1 else ""
            sections += _about(model, f"m{number}", lead, tell)
    _write(target, page.page(title, made, sections).encode())
    return target


def report_numbers(
    settings: Settings, workspace: Workspace, names: Sequence[str], tell: Tell
) -> dict[str, Any]:
    """The numbers of a report."""
    with subjects(settings, workspace, names, tell) as models:
        return numbers_of(models)


def write_plot(
    settings: Settings, workspace: Workspace, kind: str, names: Sequence[str], path: Path | None, tell: Tell
) -> tuple[Path, str]:
    """Write one picture as PNG or SVG, by the end of the file's name; returns its path and what is in it.

    Raises:
        UsageError: no such kind, a file of another type, or not as many models as the kind compares.
        DrError: the models have no data for it.
    """
    row = KINDS.get(kind)
    if row is None:
        raise UsageError(f"{kind} is not a kind of picture.", "`dr plot --list` shows all kinds.")
    target = path or Path(f"{kind}.png")
    if target.suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"{target} is neither a .png nor a .svg file.", "End the name in one of them.")
    if isinstance(row, Kind) and len(names) > 1:
        raise UsageError(f"{kind} shows one model.", "Name one; the kinds compare-… show several.")
    with subjects(settings, workspace, names, tell) as models:
        try:
            drawn = _drawn(row, models)
        except NoData as error:
            raise DrError(
                f"There is nothing to draw for {kind}: {error}.", "`dr report` shows what there is."
            ) from None
    file_type: Literal["png", "svg"] = "svg" if target.suffix.lower() == ".svg" else "png"
    _write(target, drawing.as_file(drawn, file_type))
    return target, drawn.alt


def _drawn(row: Kind | Comparison, models: Sequence[Subject]) -> Drawing:
    if isinstance(row, Comparison):
        return drawing.draw(lambda: row.draw(models))
    return drawing.draw(lambda: row.draw(models[0]))


def _picture(name: str, row: Kind | Comparison, models: Sequence[Subject], mark: str, tell: Tell) -> str:
    tell(f"Drawing {row.title.lower()} of {models[0].name}")
    try:
        drawn = _drawn(row, models)
    except NoData as error:
        return page.missing(row.title, str(error))
    return page.picture(row.title, row.shows, drawing.as_inline_svg(drawn, f"{mark}-{name}"), drawn.alt)


def _comparison(models: Sequence[Subject], tell: Tell) -> str:
    table = page.rows_table(
        "The models, with the last evaluation of each", [summary_of(each) for each in models]
    )
    return table + page.grid([_picture(name, row, models, "all", tell) for name, row in COMPARED.items()])


def _about(model: Subject, mark: str, lead: str, tell: Tell) -> list[tuple[str, str]]:
    """The sections about one model."""
    tables = [page.facts_table("What it is and how it was trained", facts_of(model))]
    if hyperparameters := hyperparameters_of(model):
        tables.append(page.facts_table("Hyperparameters", hyperparameters))
    episodes = f"<p>From {len(model.episodes):,} episodes of {model.source} on {escape(model.world_name or '?')}.</p>"
    kinds, warning = TRACK, ""
    try:
        _ = model.track
    except NoData as error:
        kinds, warning = OFF_TRACK, f"<p>Pictures of the track are missing: {escape(str(error))}.</p>"
    pictures = {
        group: page.grid([_picture(name, row, [model], mark, tell) for name, row in rows.items()])
        for group, rows in (("curves", CURVES), ("track", kinds))
    }
    return [
        (f"{lead}Facts", page.grid(tables)),
        (f"{lead}Curves", pictures["curves"]),
        (f"{lead}On the track", episodes + warning + pictures["track"]),
        (f"{lead}Evaluations", _evaluations(model)),
    ]


def _evaluations(model: Subject) -> str:
    if not model.evaluations:
        return "<p>It was not evaluated on its own; <code>dr evaluate</code> does that.</p>"
    parts = []
    for evaluation in model.evaluations[: -_EVALUATIONS - 1 : -1]:
        where = f", {evaluation.world_name}" if evaluation.world_name else ""
        which = f", checkpoint {evaluation.checkpoint}" if evaluation.checkpoint else ""
        parts.append(
            page.rows_table(f"{evaluation.started:%Y-%m-%d %H:%M:%S}{where}{which}", trials_of(evaluation))
        )
    older = len(model.evaluations) - _EVALUATIONS
    return "".join(parts) + (f"<p>{older} older evaluations are not shown.</p>" if older > 0 else "")


def _write(path: Path, data: bytes) -> None:
    """The whole file or none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data)
    except OSError as error:
        raise DrError(f"Cannot write {path}: {error.strerror}.", "Choose another file.") from None
