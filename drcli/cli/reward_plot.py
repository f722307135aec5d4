"""`dr reward plot`: draw what a reward function pays all over the track."""

from __future__ import annotations

from pathlib import Path

import click

from drcli.cli import options, present, reward_options


@click.command("plot")
@reward_options.of_a_function
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: FILE's name, with .png."
)
@click.option("--speed", type=click.FloatRange(0.1), metavar="M/S", help="Default: the model's highest.")
@click.option(
    "--steering", type=float, default=0.0, metavar="DEGREES", help="+ is left; default: 0, straight ahead."
)
@click.option(
    "--heading-error", type=float, default=0.0, metavar="DEGREES",
    help="Turn the cars against the road, + is left; default: 0, along the road.",
)  # fmt: skip
@options.overrides
@click.pass_obj
def command(
    experiment: str | None,
    file: Path | None,
    track: str | None,
    output: Path | None,
    speed: float | None,
    steering: float,
    heading_error: float,
    overrides: tuple[str, ...],
) -> None:
    """Draw what a reward function pays all over the track, to a PNG file.

    Cars stand side by side on and just beside the road, along it unless --heading-error turns them, and all do the
    same. Each goes once round the track, so functions that remember earlier steps work.

    \b
      dr reward plot
      dr reward plot --speed 3 -o fast.png
      dr reward plot --heading-error 20 --steering -15
    """
    from drcli.rewards.reward_field import Manner
    from drcli.rewards.reward_study import draw
    from drcli.rewards.subject import Subject

    subject = Subject.find(experiment, overrides, file, track)
    manner = Manner(subject.max_speed_mps if speed is None else speed, steering, heading_error)
    path = output or Path(f"{subject.path.stem}.png")
    with present.live() as live:
        live.line(f"Calling {subject.name} all over {subject.track.name}")
        low, high = draw(subject, manner, path)
    present.result(str(path))
    present.say(f"It pays {low:.4g} to {high:.4g}.")
    present.next_step("dr reward rank", "does it pay fast laps more than slow ones?")
