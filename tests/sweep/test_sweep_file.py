"""The file of a sweep: what it means, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcli.errors import UsageError
from drcli.sweep.sweep_file import Span, SweepFile
from drcli.sweep.variants import draw, probes_of, variants_of


def parse(text: str, folder: Path = Path("/nowhere"), *, is_search: bool = False) -> SweepFile:
    return SweepFile.parse(text.encode(), folder / "my.yaml", is_search=is_search)


def names(text: str) -> list[str]:
    return [variant.name for variant in variants_of(parse(text))]


def test_a_grid_is_every_combination() -> None:
    found = variants_of(parse("grid:\n  track: [drcli_oval, drcli_harbour]\n  seed: [1, 2]\n"))
    assert [variant.name for variant in found] == [
        "drcli_oval-s1",
        "drcli_oval-s2",
        "drcli_harbour-s1",
        "drcli_harbour-s2",
    ]
    assert [variant.group for variant in found] == ["drcli_oval"] * 2 + ["drcli_harbour"] * 2
    assert [variant.seed for variant in found] == [1, 2, 1, 2]
    assert found[2].choices["track"].value == "drcli_harbour"
    assert found[2].choices["track"].where == "/nowhere/my.yaml:2"


def test_a_list_is_combined_with_a_grid_and_its_names_count() -> None:
    text = "list: [{name: low, hyperparameters.lr: 1e-4}, {hyperparameters.lr: 0.01}]\ngrid: {DR_WORKERS: [1, 2]}"
    assert names(text) == ["low-workers1", "low-workers2", "lr0.01-workers1", "lr0.01-workers2"]


def test_a_random_sample_is_the_same_each_time() -> None:
    text = """
random:
  count: 50
  seed: {}
  values:
    hyperparameters.lr: {{low: 1e-4, high: 1e-2, log: true}}
    hyperparameters.batch_size: {{low: 8, high: 11}}
    hyperparameters.loss_type: [huber, mean squared error]
"""
    one, again, other = (variants_of(parse(text.format(seed))) for seed in (3, 3, 4))
    assert one == again
    assert one != other
    rates = [float(variant.choices["hyperparameters.lr"].value) for variant in one]
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    assert 10 < sum(rate < 1e-3 for rate in rates) < 40
    assert {variant.choices["hyperparameters.batch_size"].value for variant in one} == {8, 9, 10, 11}
    assert {variant.choices["hyperparameters.loss_type"].value for variant in one} == {
        "huber",
        "mean squared error",
    }
    assert one[0].name == "r01"


def test_ranges_include_both_ends() -> None:
    whole = Span(low=1, high=3)
    assert [draw(whole, fraction) for fraction in (0.0, 0.34, 0.999999)] == [1, 2, 3]
    assert draw(Span(low=1e-4, high=1e-2, log=True), 0.5) == pytest.approx(1e-3, rel=1e-3)


def test_same_labels_are_told_apart() -> None:
    text = "grid:\n  action_space:\n    - [{steering_angle: 0, speed: 1}]\n    - [{steering_angle: 0, speed: 2}]\n"
    assert names(text) == ["as", "as.2"]


def test_a_search_probes_each_of_its_values() -> None:
    text = "trials: 4\nsearch: {hyperparameters.lr: {low: 0.1, high: 0.2}, DR_WORKERS: [1, 2]}"
    found = probes_of(parse(text, is_search=True))
    values = [[choice.value for choice in variant.choices.values()] for variant in found]
    assert values == [[], [0.1], [0.2], [1], [2]]


FAULTS = {
    "grid: {hyperparameters.rl: [1]}": ("my.yaml:1: hyperparameters.rl is not known", "lr"),
    "grid: {lr: [1]}": ("my.yaml:1: lr cannot be varied", "did you mean hyperparameters.lr?"),
    "\ngrid: {DR_WORLD: [a]}": ("my.yaml:2: DR_WORLD is not a setting", "DR_WORLD_NAME"),
    "grid: {DR_RUN_ID: [1]}": ("my.yaml:1: DR_RUN_ID cannot be set in this file", "numbers its runs itself"),
    "grid: {DR_EVAL_MAX_RESETS: [1]}": ("all models are evaluated under the same rules", "under evaluate"),
    "grid: {track: []}": ("grid.track is []: it should be a list with at least one value", ""),
    "grid: {track: [[a]]}": ("track is a list: it should be one value", ""),
    "grid: {reward_function: [a.py]}": ("reward_function: there is no file a.py", "/nowhere"),
    "grid: {reward_function: [1]}": ("reward_function is 1: it should be the path of a file", ""),
    "grid: {seed: [1]}\nlist: [{seed: 2}]": ("my.yaml:1: seed is also in list:, line 2", ""),
    "settings: {DR_SEED: 1}\ngrid:\n  seed: [1]": ("my.yaml:3: seed is also in settings:, line 1", ""),
    "settings: {hyperparameters.lr: 1}\ngrid: {seed: [1]}": ("hyperparameters.lr is not a setting", ""),
    "grid: {seed: [1, 1]}": ("my.yaml:1: s1 is there twice", ""),
    "grid: {seed: [1]}\nrank_by: luck": ('my.yaml:2: rank_by is "luck"', ""),
    "grid: {seed: [1]}\nevalate: {}": (
        "my.yaml:2: evalate is not a key of this file",
        "did you mean evaluate?",
    ),
    "DR_WORKERS: 2": ("my.yaml:1: DR_WORKERS is not a key of this file", "put it under settings:"),
    "search: {seed: [1]}": ("search is for `dr tune`", ""),
    "settings: {}": ("nothing is varied", "add grid:, list: or random:"),
    "- 1": ("a sweep is a set of keys", ""),
    "name: ../x\ngrid: {seed: [1]}": ('my.yaml:1: name is "../x"', ""),
    "random: {count: 2, values: {seed: {low: 3, high: 2}}}": ("a range whose low is below its high", ""),
    "random: {count: 0, values: {seed: [1]}}": ("random.count is 0", ""),
    "grid: {hyperparameters.lr: [1,2,3,4,5,6,7,8,9,10]}\nrandom: {count: 101, values: {seed: {low: 1, high: 9}}}": (
        "that makes 1,010 variants",
        "",
    ),
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_bad_file_is_refused_with_line_and_key(text: str) -> None:
    message, hint = FAULTS[text]
    with pytest.raises(UsageError) as error:
        variants_of(parse(text))
    assert message in error.value.message
    assert hint in error.value.hint
    assert "Traceback" not in str(error.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(UsageError, match="2 problems") as error:
        parse("grid:\n  lr: [1]\n  DR_X: [2]\n")
    assert "my.yaml:2: lr" in error.value.message
    assert "my.yaml:3: DR_X" in error.value.message


def test_an_entry_of_the_list_may_differ_from_the_settings() -> None:
    assert names("settings: {DR_SEED: 1}\nlist: [{name: a}, {name: b, seed: 2}]") == ["a", "b-s2"]


def test_a_search_needs_trials_and_something_to_search() -> None:
    with pytest.raises(UsageError, match="2 problems") as error:
        parse("name: x", is_search=True)
    assert "search is missing" in error.value.message
    assert "trials is missing" in error.value.message
    with pytest.raises(UsageError, match="grid is for `dr sweep`"):
        parse("grid: {seed: [1]}", is_search=True)
