"""What the author of a reward function is told, next to the error itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from drcli.errors import DrError
from drcli.sim.reward import RewardFunction, try_once
from drcli.sim.track import Track

# The beginning of a template that many racers use, with its own spelling of the first step.
RACING_LINE = """
class Reward:
    def __init__(self, verbose=False):
        self.first_racingpoint_index = None
        self.verbose = verbose

    def reward_function(self, params):
        def indexes_cyclical(start, end):
            if end < start:
                end += 10
            return range(start, end)
        steps = params["steps"]
        if self.verbose == False:
            self.first_racingpoint_index = 0
        if {first}:
            self.first_racingpoint_index = 4
        return float(len(indexes_cyclical(self.first_racingpoint_index, 7)))

reward_function = Reward(verbose=True).reward_function
"""


def hint(source: str, track: Track, filename: str = "custom_files/reward.py") -> str:
    with pytest.raises(DrError) as caught:
        try_once(RewardFunction(source, filename), track)
    return caught.value.hint


@pytest.mark.parametrize("first", ["steps == 1", "steps==1", 'params["steps"] == 1', "(steps) == 1.0"])
def test_what_is_set_at_the_first_step_is_never_set(first: str, block: Track) -> None:
    assert hint(RACING_LINE.format(first=first), block) == (
        "Line 15 checks for steps == 1, but the first call of an episode has steps = 2, here as in the "
        "community's engine, so its code never runs. Write steps <= 2 there."
    )
    assert try_once(RewardFunction(RACING_LINE.format(first="steps <= 2"), "reward.py"), block) == 3.0


@pytest.mark.parametrize(
    "body",
    [
        "    if params['steps'] == 1:\n        start = 1\n    return start",
        "    global first\n    if params['steps'] == 1:\n        first = 1\n    return first",
        "    if params['steps'] == 1:\n        reward_function.first = 1\n    return reward_function.first",
    ],
)
def test_however_it_is_kept(body: str, block: Track) -> None:
    assert "Write steps <= 2 there" in hint(f"def reward_function(params):\n{body}\n", block)


@pytest.mark.parametrize(
    "body",
    ["# steps == 1\n    return None + 1", "if params['steps'] == 10:\n        pass\n    return None + 1"],
)
def test_other_steps_have_nothing_to_do_with_it(body: str, block: Track) -> None:
    assert hint(f"def reward_function(params):\n    {body}\n", block) == ""


@pytest.mark.parametrize("call", ["float", "int", "math.sqrt", "math.floor"])
def test_an_array_of_one_element_is_no_number(call: str, block: Track) -> None:
    source = f"import math, numpy\ndef reward_function(params):\n    return {call}(numpy.ones(1))\n"
    assert "x.item() or x[0]" in hint(source, block)


def test_the_command_that_installs_what_is_missing(block: Track) -> None:
    here = "import not_here_cv\ndef reward_function(params): return 1.0"
    later = "def reward_function(params):\n    import not_here_cv.utils\n    return 1.0"
    assert hint(here, block) == hint(later, block)
    assert "-m pip install not_here_cv`" in hint(here, block)


def test_a_file_of_the_users_own_does_not_travel(tmp_path: Path, block: Track) -> None:
    (tmp_path / "racing_line.py").write_text("POINTS = []\n")
    source = "from racing_line import POINTS\ndef reward_function(params): return 1.0"
    assert "copy the code of racing_line into it" in hint(source, block, str(tmp_path / "reward.py"))
