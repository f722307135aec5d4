"""What a Telegraf host is sent, and what happens without one."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from polling import until
from two_episodes import FAILED, LAP

from drcli.contract.checkpoint_names import CheckpointName
from drcli.contract.episode import Lap, Status
from drcli.services.observers.observer import EvaluatedCheckpoint, ObservedRun, RunEnd
from drcli.services.observers.subscriptions import Subscriptions
from drcli.services.shared.environment import MetricsTargets
from drcli.store.checkpoints import CheckpointEntry, CheckpointIndex
from drcli.watch.metrics.telegraf_lines import TelegrafLines, format_line
from drcli.watch.metrics.udp_sender import UdpSender

TIME = r" \d{19}\n"


@pytest.fixture
def telegraf() -> Iterator[socket.socket]:
    """A UDP port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(60)
        yield server


def targets(server: socket.socket) -> MetricsTargets:
    return MetricsTargets("127.0.0.1", server.getsockname()[1])


def test_episodes_of_a_training(telegraf: socket.socket, observed: Callable[..., Any]) -> None:
    lines = TelegrafLines(observed(targets(telegraf)))
    lines.on_episode(1, LAP)
    entry = CheckpointEntry(CheckpointName(1, 64), 75.0, 0.0)
    lines.on_evaluation(EvaluatedCheckpoint(entry.name, [FAILED], 50.9, CheckpointIndex(entry, entry)))
    lines.on_end(RunEnd("ended"))
    first, second = (telegraf.recv(1000).decode() for _ in range(2))
    assert re.fullmatch(
        r"dr_training_episodes,model=racer,phase=training,status=Lap\\ complete,worker=1 "
        r"elapsed_time=9500i,progress=100i,reward=30i" + TIME,
        first,
    )
    assert re.fullmatch(
        r"dr_training_episodes,model=racer,phase=evaluation,status=Off\\ track,worker=0 "
        r"elapsed_time=5000i,progress=50i,reward=10i" + TIME,
        second,
    )


def test_laps_of_an_evaluation(telegraf: socket.socket, observed: Callable[..., Any]) -> None:
    training = observed(targets(telegraf))
    run = ObservedRun(
        "evaluation", training.environment, training.bucket, training.keys, "tiny", training.metadata
    )
    laps = [Lap(100.0, 100, 109.5), Lap(109.5, 30, 112.0, Status.LAP_COMPLETE, 1, 0, 2)]
    lines = TelegrafLines(run)
    lines.on_episode(0, replace(LAP, laps=laps))
    lines.on_end(RunEnd("ended"))
    first, second = (telegraf.recv(1000).decode() for _ in range(2))
    assert re.fullmatch(
        r"dr_eval_episodes,model=racer,status=In\\ progress,worker=0 "
        r"elapsed_time=9500i,progress=100i,reset_count=0i" + TIME,
        first,
    )
    assert "elapsed_time=2500i,progress=30i,reset_count=3i" in second
    assert first.split()[-1] != second.split()[-1]  # the later would replace the earlier


def test_names_with_signs() -> None:
    assert (
        format_line("m", {"x": 1}, {"model": "my car,=1", "none": ""}, 5)
        == "m,model=my\\ car\\,\\=1 x=1i 5\n"
    )


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".example"])
def test_an_unknown_host_is_said_once_and_harms_nothing(host: str, capfd: pytest.CaptureFixture[str]) -> None:
    sender, said = UdpSender(host, 8092, pause_s=0.0), ""
    for _ in range(3):
        sender.send("a line\n")

    def log() -> str:
        nonlocal said
        said += capfd.readouterr().out
        return said

    until(lambda: host in log())
    sender.close()
    assert log().count(host) == 1
    assert "DR_TELEGRAF_HOST" in said and "goes on without" in said


def test_nobody_is_there_unless_asked_for(observed: Callable[..., Any]) -> None:
    names = {type(each).__name__ for each in Subscriptions.of(observed(MetricsTargets())).observers}
    assert not names & {"TelegrafLines", "EventFiles", "TrainerMetrics", "WorkerMetrics"}
    assert "StatusWriter" in names
