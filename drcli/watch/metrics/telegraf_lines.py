"""Results of episodes for a Telegraf host (DR_TELEGRAF_HOST), with the names of the community's simapp.

The trainer tells of a training, so that nothing is told twice; an evaluation tells of itself. Each line carries its own
time, to a nanosecond: without it episodes that arrive at once would overwrite each other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import ClassVar

from drcli.contract.episode import Episode
from drcli.contract.service_variables import Role
from drcli.services.observers.observer import EvaluatedCheckpoint, ObservedRun, Observer, RunEnd
from drcli.watch.metrics.udp_sender import UdpSender

TRAINING, EVALUATION = "dr_training_episodes", "dr_eval_episodes"


class TelegrafLines(Observer):
    """A line for each episode of a training and for each lap of an evaluation. Never waits for the host."""

    roles: ClassVar[frozenset[Role]] = frozenset(("trainer", "evaluation"))

    def __init__(self, run: ObservedRun) -> None:
        super().__init__(run)
        targets = run.environment.metrics
        self._sender = UdpSender(targets.telegraf_host, targets.telegraf_port)

    @classmethod
    def is_wanted(cls, run: ObservedRun) -> bool:
        """Whether there is a host."""
        return bool(run.environment.metrics.telegraf_host)

    def on_episode(self, worker: int, episode: Episode) -> None:
        """An episode of a training, or all laps of an evaluation's."""
        if self.run.role == "evaluation":
            self._send(evaluation_lines(self.run.environment.prefix, worker, episode))
        else:
            self._send([training_line(self.run.environment.prefix, worker, episode, "training")])

    def on_evaluation(self, evaluated: EvaluatedCheckpoint) -> None:
        """The episodes of an evaluation within a training; as in the metrics, they are those of the first worker."""
        prefix = self.run.environment.prefix
        self._send(training_line(prefix, 0, episode, "evaluation") for episode in evaluated.episodes)

    def on_end(self, end: RunEnd) -> None:
        """Send what waits."""
        self._sender.close()

    def _send(self, texts: Iterator[str] | list[str]) -> None:
        for text in texts:
            self._sender.send(text)


def training_line(model: str, worker: int, episode: Episode, phase: str) -> str:
    """`dr_training_episodes`: reward, progress in %, elapsed_time in ms of simulated time."""
    fields = {
        "reward": round(episode.reward),
        "progress": int(episode.progress),
        "elapsed_time": round((episode.end_time_s - episode.start_time_s) * 1000),
    }
    tags = {"phase": phase, "status": episode.status.label, "model": model, "worker": str(worker)}
    return format_line(TRAINING, fields, tags, _ended_ns(episode))


def evaluation_lines(model: str, worker: int, episode: Episode) -> Iterator[str]:
    """`dr_eval_episodes` for each lap: progress in %, elapsed_time in ms of simulated time, reset_count."""
    for number, lap in enumerate(episode.laps):
        fields = {
            "progress": lap.completion_percentage,
            "elapsed_time": round(lap.elapsed_s * 1000),
            "reset_count": lap.reset_count,
        }
        tags = {"status": lap.status.label, "model": model, "worker": str(worker)}
        yield format_line(EVALUATION, fields, tags, _ended_ns(episode) + number)


def format_line(measurement: str, fields: Mapping[str, int], tags: Mapping[str, str], at_ns: int) -> str:
    """A line of InfluxDB's line protocol, tags and fields sorted as pytelegraf, the community's client, does."""
    names = "".join(f",{name}={_escaped(tags[name])}" for name in sorted(tags) if tags[name])
    values = ",".join(f"{name}={fields[name]}i" for name in sorted(fields))
    return f"{measurement}{names} {values} {at_ns}\n"


def _escaped(text: str) -> str:
    """A tag's value: a comma, an equals sign and a space have a meaning in a line."""
    for sign in ",= ":
        text = text.replace(sign, f"\\{sign}")
    return text


def _ended_ns(episode: Episode) -> int:
    """When it ended, in ns since the epoch; cars in lockstep end at the same time, so each gets an ns of its own."""
    at_s = episode.rows[-1].wall_clock if episode.rows else time.time()
    return int(at_s * 1e6) * 1000 + episode.number % 1000
