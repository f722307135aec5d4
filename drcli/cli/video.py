"""`dr video`: videos of recorded drives."""

from __future__ import annotations

from pathlib import Path

import click

from drcli.cli import options, present

_VIEWS = ("camera", "behind", "above")


@click.command()
@click.argument("model", metavar="[MODEL]", required=False)
@click.option(
    "--evaluation",
    metavar="TIME|last",
    default="",
    help="Of this evaluation: the digits of its start, or last.",
)
@click.option("--trial", metavar="N", type=click.IntRange(min=1), help="Only this trial of the evaluation.")
@click.option(
    "--episode",
    metavar="NAME|fastest",
    default="",
    help="Of an episode of the training: ITERATION-WORKER-NUMBER, as in the viewer, or the fastest lap.",
)
@click.option(
    "--view", "views", type=click.Choice(_VIEWS), multiple=True, help="Only this view; can be repeated."
)
@click.option(
    "-o", "--out", "folder", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path),
    help="Default: data/videos/MODEL/…",
)  # fmt: skip
@click.option("--open", "is_opening", is_flag=True, help="Play the first video.")
@options.as_json
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    model: str | None,
    evaluation: str,
    trial: int | None,
    episode: str,
    views: tuple[str, ...],
    folder: Path | None,
    is_opening: bool,
    as_json: bool,
    overrides: tuple[str, ...],
) -> None:
    """Make three videos of an evaluation or an episode: from the car's own camera, from behind, from above.

    MODEL is a prefix in the bucket (default: the model of run.env), s3://BUCKET/PREFIX, a folder or a .tar.gz, of our
    engine, the community's or a console; MODEL/evaluation-TIME is one of its evaluations. By default the last
    evaluation, or the fastest lap of the training if there is none. Videos are made from simtraces alone, so it does
    not matter whether DR_EVAL_SAVE_MP4 was set; they are MP4 files (H.264, 640 x 480, 15 pictures a second).

    \b
      dr video --open
      dr video my-model --evaluation last --trial 2 --view behind
      dr video downloads/my-model.tar.gz --episode fastest -o videos/
    """
    from drcli.watch.videos.recorded_videos import WantedVideo, make_videos, shown_views

    workspace, settings = options.load(experiment, overrides)
    wanted = WantedVideo(model or "", evaluation, trial or 0, episode, shown_views(views), folder)
    with present.progress("Filming") as tell:
        made = make_videos(settings, workspace, wanted, tell)
    present.warn_all(made.notes)
    if as_json:
        present.as_json(
            {
                "model": made.model,
                "shows": made.shows,
                "track": made.world_name,
                "seconds": round(made.seconds, 3),
                "videos": {view: str(path) for view, path in made.paths.items()},
            }
        )
    else:
        for path in made.paths.values():
            present.result(str(path))
        present.say(f"{made.model}, {made.shows}: {made.seconds:.1f} s, made in {made.took_s:.1f} s.")
    first = next(iter(made.paths.values()))
    if is_opening and click.launch(str(first)) != 0:
        present.warn(f"No player could be opened; the video is {first}.")
    present.next_step("dr report", "write a page with curves, tables and pictures of the same model")
