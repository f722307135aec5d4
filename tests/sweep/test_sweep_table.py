"""The table of a sweep: who is first, how seeds are taken together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drcli.sweep.sweep_folder import Sweep, TrackResult, VariantFolder, VariantState
from drcli.sweep.sweep_table import Model, as_csv_rows, as_rows, in_words, matrix, rank, winner

SWEEP = Sweep("s", "s.yaml", "", "mean_lap", "all", 1, 1, "best", ("oval",), {})


def result(*laps: float, trials: int = 3, resets: int = 0, track: str = "oval") -> TrackResult:
    mean = sum(laps) / len(laps) if laps else None
    completion = 100.0 * len(laps) / trials
    return TrackResult(track, trials, len(laps), completion, min(laps, default=None), mean, resets)


def model(name: str, *results: TrackResult, seed: int | None = None, steps: int = 100) -> Model:
    full = name if seed is None else f"{name}-s{seed}"
    state = VariantState(
        "done" if results else "failed", results=results, steps=steps, message="" if results else "?"
    )
    return VariantFolder(Path(), full, name, f"s-{full}", seed), state


def order(criterion: str, *models: Model) -> list[str]:
    return [row.variant for row in rank(replace(SWEEP, rank_by=criterion), models)]


def test_models_that_complete_their_laps_come_first() -> None:
    models = (
        model("fast-once", result(8.0)),
        model("slow", result(20.0, 20, 20)),
        model("none", result()),
        model("failed"),
    )
    assert order("mean_lap", *models) == ["slow", "fast-once", "none", "failed"]
    assert order("best_lap", *models) == ["fast-once", "slow", "none", "failed"]
    assert order("laps", *models) == ["slow", "fast-once", "none", "failed"]
    assert order("completion", *models) == ["slow", "fast-once", "none", "failed"]


@pytest.mark.parametrize("criterion", ["mean_lap", "best_lap", "laps", "completion", "resets"])
def test_each_criterion_decides_between_models_that_complete_everything(criterion: str) -> None:
    better = model("better", result(10, 11, 12, resets=1))
    worse = model("worse", result(10.5, 11.5, 12.5, resets=2))
    assert order(criterion, worse, better) == ["better", "worse"]


def test_seeds_share_a_row_with_their_spread_and_the_best_prefix() -> None:
    models = (
        model("a", result(10, 10, 10), seed=1, steps=100),
        model("a", result(12, 12, 12), seed=2, steps=300),
        model("b", result(11.5, 11.5, 11.5), seed=1),
    )
    first, second = rank(SWEEP, models)
    assert (first.variant, first.models, first.mean_lap_s, first.spread, first.steps) == (
        "a",
        2,
        11.0,
        1.0,
        200,
    )
    assert (first.laps, first.trials, first.prefix, first.place) == (6, 6, "s-a-s1", 1)
    assert (second.variant, second.spread, second.place) == ("b", None, 2)
    assert as_rows([first])[0]["mean lap"] == "11.00 s"
    assert as_rows([first])[0]["spread"] == "±1.00"


def test_a_failed_model_has_no_place_and_nobody_wins_without_a_lap() -> None:
    rows = rank(SWEEP, (model("failed"), model("stuck", result())))
    assert [row.place for row in rows] == [1, None]
    assert rows[1].message == "?"
    assert winner(rows) is None
    assert winner(rank(SWEEP, (model("a", result(10, 10, 10)),))) is not None
    assert winner([]) is None


def test_a_seed_without_a_lap_makes_its_variant_worse() -> None:
    models = (
        model("risky", result(9, 9, 9), seed=1),
        model("risky", result(), seed=2),
        model("safe", result(20, 20, 20)),
    )
    assert order("mean_lap", *models) == ["safe", "risky"]
    assert order("best_lap", *models) == ["safe", "risky"]


def test_the_matrix_has_a_row_per_variant_and_a_column_per_track() -> None:
    rows = matrix(
        (
            model("a", result(10, 12, 14), result(track="harbour")),
            model("b", result(9, trials=2), result(8, 8, 8, track="harbour")),
        )
    )
    assert rows == [
        {"variant": "a", "oval": "12.00 s", "harbour": "0 % (0 of 3 laps)"},
        {"variant": "b", "oval": "9.00 s (1 of 2 laps)", "harbour": "8.00 s"},
    ]


def test_what_a_model_was_trained_with_is_shown_where_its_name_does_not_tell() -> None:
    folder, state = model("t1", result(9, 9, 9))
    tried = replace(folder, choices={"hyperparameters.lr": 0.001, "seed": 4})
    other = replace(model("t2")[0], choices={"action_space": [{"speed": 1.0, "steering_angle": 0.0}] * 3})
    first, second = rows = rank(SWEEP, ((tried, state), (other, replace(state, state="pruned", results=()))))
    assert [row["lr"] for row in as_rows(rows, ("hyperparameters.lr",))] == ["0.001", ""]
    assert as_rows(rows)[1]["prefix"] == "ended early"
    assert in_words(first.choices) == "hyperparameters.lr 0.001"
    assert len(in_words(second.choices)) < 55 and in_words(second.choices).endswith("…")
    assert [row["hyperparameters.lr"] for row in as_csv_rows(rows)] == [0.001, ""]
    assert [row["place"] for row in as_csv_rows(rows)] == [1, None]
