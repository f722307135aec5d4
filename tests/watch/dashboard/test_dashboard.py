"""The dashboard of a training: what it says, and that it fits every terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from drcli.launch.plan import Plan
from drcli.launch.run_view import ReplicaView, RunView
from drcli.store.learning_curve import EvaluationPoint, LearningCurve, LearningPoint
from drcli.store.metrics import EpisodeResult, TrainingMetrics
from drcli.store.run_status import RunStatus
from drcli.watch.dashboard.block_chart import block_chart
from drcli.watch.dashboard.dashboard_layout import draw
from drcli.watch.dashboard.training_picture import metrics_picture, time_left, training_picture

STATUS = RunStatus(
    "training", "racer", "drcli_oval", 0, 7, started_at=1000.0, updated_at=1100.0, workers=2, iteration=40,
    episodes=120, steps=20480, steps_per_s=512.4, real_time_factor=34.2, reward=21.5, evaluations=2,
    evaluation_progress=88.0, best_checkpoint="32_Step-16384.ckpt", best_metric=88.0,
    last_checkpoint="40_Step-20480.ckpt", trained_s=90.0, phase="pixels", max_minutes=5.0,
)  # fmt: skip
CURVE = LearningCurve(
    [
        LearningPoint(
            "pixels", i, 512 * i, 3 * i, 1000.0 + 2.5 * i, float(i), 2.0 * i, 512.0, {"entropy": 2 - i / 40}
        )
        for i in range(1, 41)
    ],
    [
        EvaluationPoint("16_Step-8192.ckpt", "16_Step-8192.ckpt", 16, 8192, 1040.0, 5, 40.0, 9.0),
        EvaluationPoint("32_Step-16384.ckpt", "32_Step-16384.ckpt", 32, 16384, 1080.0, 5, 88.0, 20.0, (9.5, 10.5)),
    ],
)  # fmt: skip
SERVICES = RunView(
    "running",
    (
        ReplicaView("sagemaker", "sagemaker", "running"),
        ReplicaView("robomaker-1", "robomaker", "running", restarts=2, node="box-2"),
        ReplicaView("robomaker-2", "robomaker", "down"),
    ),
)


def text(width: int, height: int | None = None, status: RunStatus = STATUS) -> str:
    return draw(training_picture(status, SERVICES, CURVE, now=1101.0), width, height).plain


@pytest.mark.parametrize("width", [80, 140])
def test_it_says_what_is_known(width: int) -> None:
    shown = text(width)
    for words in (
        "racer on drcli_oval", "training", "20,480", "512 steps/s", "34.2 × real time", "DR_TRAIN_MAX_MINUTES",
        "32_Step-16384.ckpt", "2/5 laps  9.50 s, mean 10.00 s", "88 %", "entropy", "reward", "progress",
        "robomaker-1  running   on box-2, 2 restarts", "robomaker-2  down",
    ):  # fmt: skip
        assert words in shown, words
    assert any(block in shown for block in "▂▃▄▅▆▇")


@pytest.mark.parametrize("width", [30, 60, 80, 110, 140, 200])
@pytest.mark.parametrize("height", [5, 10, 24, 40])
def test_it_fits_every_terminal(width: int, height: int) -> None:
    lines = text(width, height).splitlines()
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)


def test_older_evaluations_give_way_to_losses() -> None:
    losses = ("entropy", "value_loss", "surrogate_loss", "kl_divergence")
    curve = LearningCurve(
        [replace(point, stats=dict.fromkeys(losses, 1.0)) for point in CURVE.points],
        [replace(CURVE.evaluations[0], checkpoint=f"{i}_Step-{i}.ckpt") for i in range(1, 13)],
    )
    shown = draw(training_picture(STATUS, SERVICES, curve, now=1101.0), 80, 24).plain
    for words in ("entropy", "value loss", "surrogate loss", "KL divergence"):
        assert f"\n{words} " in shown, words
    assert all(f"{i}_Step-{i}.ckpt" in shown for i in (12, 11, 10))
    assert " 3_Step-3.ckpt" not in shown
    everything = draw(training_picture(STATUS, SERVICES, curve, now=1101.0), 80).plain
    assert all(f"{i}_Step-{i}.ckpt" in everything for i in range(1, 13))


def test_the_time_left_is_that_of_the_nearest_limit() -> None:
    # 90 s were trained up to the last iteration, at 1100 s.
    by_time = time_left(STATUS, CURVE.points, now=1110.0)
    assert by_time is not None and by_time.limit == "DR_TRAIN_MAX_MINUTES"
    assert by_time.seconds == pytest.approx(5 * 60 - 100)
    few = replace(STATUS, max_episodes=126)  # two iterations of 2.5 s more
    by_episodes = time_left(few, CURVE.points, now=1100.0)
    assert by_episodes is not None and by_episodes.limit == "term_cond_max_episodes"
    assert by_episodes.seconds == pytest.approx(5.0)
    assert time_left(replace(STATUS, max_minutes=None), CURVE.points, now=1100.0) is None


def test_a_failed_run_says_why() -> None:
    failed = replace(STATUS, state="failed", message="The reward function fails.", hint="Fix line 3.")
    shown = text(80, status=failed)
    assert "failed" in shown and "! The reward function fails." in shown and "! Fix line 3." in shown


def test_another_engine_is_shown_by_its_metrics() -> None:
    metrics = TrainingMetrics()
    for progress in (20.0, 60.0):
        metrics.append("training", EpisodeResult(5.0, progress, "off_track", 0.0, 4.0))
    metrics.append("evaluation", EpisodeResult(9.0, 100.0, "lap_complete", 10.0, 20.5))
    plan = Plan(
        kind="training", run_id=0, prefix="racer", world_name="reinvent_base", style="compose", is_ours=False
    )
    shown = draw(metrics_picture(plan, SERVICES, [metrics], 65.0), 80).plain
    assert "1 min 05 s" in shown and "1/1 laps  10.50 s" in shown and "60 %" in shown


def test_charts_keep_first_and_last_and_the_scale() -> None:
    assert block_chart([0.0, 100.0], 2, low=0.0, high=100.0) == ["▁█"]
    assert block_chart([1.0, 1.0, 3.0, 3.0], 2) == ["▁█"]
    assert block_chart([0.0, 7.0], 2, rows=2) == [" █", "▁█"]
    assert block_chart([], 10, rows=2) == ["", ""]
    assert block_chart([float("nan"), 1.0], 9) == ["▄▄▄"]
