"""Slow reward functions in several processes: nothing that a user sees is different, except the speed."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest
from polling import until

from drcli.config.race_settings import RaceSettings
from drcli.sim import parallel_rewards
from drcli.sim.parallel_rewards import ChosenRewards, ParallelRewards, cost_ms
from drcli.sim.reward import RewardError, RewardFunction
from drcli.sim.reward_params import params_at_start
from drcli.sim.step_rewards import StepRewards
from drcli.sim.track import Track
from drcli.sim.world import World

STATEFUL = """
import time
laps = []
class Memory:
    x = None
def reward_function(params):
    reward_function.calls = getattr(reward_function, "calls", 0) + 1
    moved = 0.0 if Memory.x is None else params["x"] - Memory.x
    Memory.x = params.pop("x")
    laps.append(time.time())
    assert isinstance(params["waypoints"][0], tuple) and params["steps"].is_integer()
    return moved + 10 * reward_function.calls + laps[-1] - laps[0] + params["is_reversed"]
"""


@pytest.fixture
def every_function_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel_rewards, "SLOW_MS", -1.0)


def new_world(track: Track, reward: RewardFunction, cars: int = 5) -> World:
    settings = RaceSettings(alternate_driving_direction=True, number_of_resets=1)
    world = World(track, settings, cars, sensors=(), reward=reward, record=False)
    world.reset()
    return world


def drive(world: World, steps: int) -> list[list[float]]:
    """Rewards by step; cars that steer differently, so that episodes end at different times."""
    actions = np.column_stack([np.linspace(-30.0, 30.0, world.num_envs), np.full(world.num_envs, 2.5)])
    return [world.step(actions).rewards.tolist() for _ in range(steps)]


def chosen_for(world: World) -> object:
    """What pays the cars, after a first step."""
    if isinstance(world._rewards, ChosenRewards):
        if world._rewards.chosen is None:
            drive(world, 1)
        return world._rewards.chosen
    return world._rewards


def processes_of(world: World) -> Sequence[int]:
    chosen = chosen_for(world)
    assert isinstance(chosen, ParallelRewards)
    return chosen._pool.pids


@pytest.mark.usefixtures("every_function_is_slow")
def test_state_clock_and_order_are_those_of_one_process(block: Track) -> None:
    alone = drive(new_world(block, RewardFunction(STATEFUL, "reward.py")), 60)
    reward = RewardFunction(STATEFUL, "reward.py", processes=2)
    first, second = new_world(block, reward), new_world(block, reward)
    half = drive(first, 30)
    assert drive(second, 60) == alone
    assert processes_of(first) == processes_of(second), "two worlds share the processes, not the state"
    assert half + drive(first, 30) == alone
    assert first.reward_ms > 0.0


@pytest.mark.usefixtures("every_function_is_slow")
def test_a_world_that_is_gone_leaves_no_instances(block: Track) -> None:
    source = """
import gc, sys, weakref
class Mine: pass
kept = Mine()
sys.all_of_mine = getattr(sys, "all_of_mine", weakref.WeakSet())
sys.all_of_mine.add(kept)
def reward_function(params):
    if "drcli.sim.world" not in sys.modules:  # not in the trial calls
        gc.collect()
    return len(sys.all_of_mine)
"""
    reward = RewardFunction(source, "reward.py", processes=2)
    counts = [drive(new_world(block, reward, 4), 1)[0] for _ in range(3)]
    assert counts == [[2.0] * 4] * 3


@pytest.mark.usefixtures("every_function_is_slow")
def test_they_end_when_nobody_uses_the_function_any_more(block: Track) -> None:
    pids = processes_of(new_world(block, RewardFunction(STATEFUL, "reward.py", processes=2)))
    gc.collect()
    until(lambda: not any(map(psutil.pid_exists, pids)))


def test_what_is_quick_stays_in_this_process(block: Track) -> None:
    quick = RewardFunction("def reward_function(params):\n    return 1.0", "reward.py", processes=8)
    assert isinstance(chosen_for(new_world(block, quick)), StepRewards)
    slow = "import random\ndef reward_function(params):\n    x = [random.random() for _ in range(60000)]\n    return 1"
    random.seed(7)
    expected = random.Random(7).random()
    assert (
        cost_ms(RewardFunction(slow, "reward.py"), lambda: params_at_start(block, 0.0, 1.0))
        > parallel_rewards.SLOW_MS
    )
    assert random.random() == expected, "trial calls do not change what follows"
    never = RewardFunction(slow, "reward.py", processes=1)
    assert isinstance(chosen_for(new_world(block, never)), StepRewards)
    alone = RewardFunction(slow, "reward.py", processes=2)
    assert isinstance(chosen_for(new_world(block, alone, 1)), StepRewards), "one car has nothing to share"
    assert isinstance(chosen_for(new_world(block, alone)), ParallelRewards)


@pytest.mark.usefixtures("every_function_is_slow")
def test_prints_arrive_and_other_output_does_no_harm(block: Track) -> None:
    lines: list[str] = []
    source = """
import os, sys
def reward_function(params):
    os.write(1, b"")
    sys.stdout.flush()
    if params["steps"] == 3:
        print("three", params["steps"])
    return 1.0
"""
    drive(new_world(block, RewardFunction(source, "reward.py", lines.append, processes=2), 3), 3)
    assert lines == ["three 3.0"] * 3


@pytest.mark.usefixtures("every_function_is_slow")
def test_a_failure_is_told_as_in_one_process_and_the_next_world_works(block: Track) -> None:
    source = """
def reward_function(params):
    if params["steps"] >= 9:
        return params["closest_waypoint"]
    return 1.0
"""
    told = []
    reward = RewardFunction(source, "custom_files/reward.py", processes=2)
    for function in (RewardFunction(source, "custom_files/reward.py"), reward):
        with pytest.raises(RewardError) as caught:
            drive(new_world(block, function, 2), 12)
        told.append((caught.value.message.partition("\n")[0], caught.value.hint))
    assert told[0] == told[1]
    assert told[1][0].startswith("custom_files/reward.py:4: KeyError")
    assert drive(new_world(block, reward, 2), 2) == [[1.0, 1.0]] * 2


@pytest.mark.usefixtures("every_function_is_slow")
def test_a_call_that_does_not_return_is_interrupted(block: Track) -> None:
    source = """
def reward_function(params):
    while params["steps"] >= 9:
        pass
    return 1.0
"""
    world = new_world(block, RewardFunction(source, "reward.py", processes=2), 2)
    pids = processes_of(world)
    with pytest.raises(RewardError, match=r"reward\.py:[34]: reward_function takes longer than 1 s"):
        drive(world, 12)
    until(lambda: not any(map(psutil.pid_exists, pids)))


@pytest.mark.usefixtures("every_function_is_slow")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_process_that_was_killed_is_noticed(block: Track) -> None:
    world = new_world(block, RewardFunction(STATEFUL, "reward.py", processes=2))
    drive(world, 1)
    os.kill(processes_of(world)[0], signal.SIGKILL)
    with pytest.raises(ChildProcessError, match="has ended with -9"):
        drive(world, 1)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_they_end_with_the_worker_even_in_an_endless_call(tmp_path: Path) -> None:
    program = tmp_path / "worker.py"
    program.write_text(
        """
import numpy as np
from drcli.config.race_settings import RaceSettings
from drcli.sim import parallel_rewards
from drcli.sim.catalogue import load_track
from drcli.sim.reward import RewardFunction
from drcli.sim.world import World
parallel_rewards.SLOW_MS = -1.0
source = "def reward_function(params):\\n    while params['steps'] >= 12: pass\\n    return 1.0"
reward = RewardFunction(source, "reward.py", processes=2)
world = World(load_track("drcli_oval", None, ""), RaceSettings(), 2, sensors=(), reward=reward)
world.reset()
for _ in range(10):
    world.step(np.ones((2, 2)))
print(*world._rewards.chosen._pool.pids, flush=True)
world.step(np.ones((2, 2)))
"""
    )
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, env=environment) as worker:
        assert worker.stdout is not None
        pids = [int(word) for word in worker.stdout.readline().split()]
        worker.kill()
    assert len(pids) == 2
    until(lambda: not any(map(psutil.pid_exists, pids)))
