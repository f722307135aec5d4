"""Whole cars in the whole world: laps, timing, starts, resets, and bit-equal repetition."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.contract.episode import Episode
from drcli.errors import UsageError
from drcli.sim.car_dynamics import put
from drcli.sim.constants import IMMOBILE_STEPS, NOSE_M, STEP_S
from drcli.sim.reward import RewardError, RewardFunction
from drcli.sim.track import OUTER_LANE, Track
from drcli.sim.world import Transition, World

CAMERA = "FRONT_FACING_CAMERA"
FIXED = RaceSettings(change_start_position=False)


@pytest.fixture
def seen() -> Iterator[list[dict[str, Any]]]:
    """Every params dict a reward function gets."""
    sink = SimpleNamespace(seen=[])
    sys.modules["params_sink"] = sink  # type: ignore[assignment]
    yield sink.seen
    del sys.modules["params_sink"]


def spy(expression: str = "1.0") -> RewardFunction:
    source = "import params_sink\ndef reward_function(params):\n    params_sink.seen.append(params)\n"
    return RewardFunction(f"{source}    return {expression}\n", "reward.py")


def step(world: World, steering_deg: float = 0.0, speed_mps: float = 1.0) -> Transition:
    return world.step(np.full((world.num_envs, 2), (steering_deg, speed_mps)), [0] * world.num_envs)


def follow(world: World, lookahead_m: float = 0.5) -> Transition:
    """Steer every car towards a point ahead of it on the centre line."""
    steering = []
    for x, y, heading, backwards in zip(*world.cars[:3], world.history.is_reversed, strict=True):
        track = world.track.reversed() if backwards else world.track
        nearest = np.hypot(*(track.center - (x, y)).T).argmin()
        ahead_x, ahead_y, _ = track.pose_at(track.ndist[nearest] + lookahead_m / track.length_m)
        turn = math.remainder(math.atan2(ahead_y - y, ahead_x - x) - heading, math.tau)
        steering.append(math.degrees(math.atan(0.428 * math.sin(turn) / lookahead_m)))
    return world.step(np.column_stack([steering, np.ones(len(steering))]))


def finish(world: World, steps: int, advance: Any = follow) -> list[Episode]:
    """Episodes that end within so many steps."""
    return [episode for _ in range(steps) for episode in advance(world).episodes]


def drive_off(world: World, steering_deg: float = 5.0, speed_mps: float = 1.0) -> Iterator[Transition]:
    """Steps up to the one in which the first car's episode ends."""
    for _ in range(300):
        now = step(world, steering_deg, speed_mps)
        yield now
        if now.terminated[0]:
            return
    raise AssertionError("the car is still on the road")


def test_a_follower_drives_full_laps_both_ways(ring: Track) -> None:
    config = RaceSettings(alternate_driving_direction=True, round_robin_advance_dist=0.1)
    world = World(ring, config, 4)
    world.reset(episodes_per_car=[1] * 4)
    episodes = finish(world, 250)
    assert {(episode.status, episode.progress) for episode in episodes} == {("lap_complete", 100.0)}
    assert sorted(episode.is_reversed for episode in episodes) == [False, False, True, True]
    assert not world.active.any()
    for episode in episodes:
        (lap,) = episode.laps
        assert (lap.completion_percentage, lap.status) == (100, "lap_complete")
        assert lap.elapsed_s == pytest.approx(ring.length_m / 1.01, abs=0.6)
        assert all(row.all_wheels_on_track for row in episode.rows)
        progress = [row.progress for row in episode.rows[2:]]
        assert progress == sorted(progress)


def test_reward_and_trace_are_those_of_the_pose_before_the_action(
    block: Track, seen: list[dict[str, Any]]
) -> None:
    world = World(block, FIXED, 1, reward=spy())
    world.reset()
    poses = []
    for speed in (9.0, 1.0, 2.0):
        poses.append((world.cars.x_m[0] + 0.14, world.cars.y_m[0]))
        step(world, 0.0, speed)
    assert [(params["x"], params["y"]) for params in seen] == poses
    assert poses[0] == (0.14, 0.0) != poses[1]
    assert [params["steps"] for params in seen] == [2.0, 3.0, 4.0]
    assert [params["speed"] for params in seen] == [9.0, 1.0, 2.0]
    assert [params["sim_time"] for params in seen] == pytest.approx([STEP_S, 2 * STEP_S, 3 * STEP_S])

    rows = world.records.episodes[0].rows
    assert [row.episode_status for row in rows] == ["prepare", *["in_progress"] * 3]
    assert [(row.X, row.Y) for row in rows[1:]] == poses
    assert [row.reward for row in rows] == [0.0, 1.0, 1.0, 1.0]
    assert [row.throttle for row in rows] == [9.0, 9.0, 1.0, 2.0]
    assert [row.tstamp for row in rows] == pytest.approx([(i + 1) * STEP_S for i in range(4)])


def test_the_reward_clock_is_the_cars_clock(ring: Track) -> None:
    source = "import time\ndef reward_function(params):\n    return time.time() - params['sim_time']\n"
    world = World(ring, FIXED, 2, reward=RewardFunction(source, "reward.py"))
    world.reset()
    assert [step(world).rewards.tolist() for _ in range(3)] == [[pytest.approx(STEP_S)] * 2] * 3


def test_leaving_the_road_ends_the_episode_and_starts_the_next(
    block: Track, seen: list[dict[str, Any]]
) -> None:
    world = World(
        block,
        RaceSettings(round_robin_advance_dist=0.25),
        1,
        reward=spy("-5.0 if params['is_offtrack'] else 1.0"),
    )
    first = world.reset()[CAMERA]
    *before, now = drive_off(world)
    assert not any(step.episodes for step in before)
    (episode,) = now.episodes
    assert (episode.number, episode.start_ndist, episode.status) == (0, 0.0, "off_track")
    assert now.rewards[0] == -5.0 == episode.rows[-1].reward
    assert episode.reward == pytest.approx(sum(row.reward for row in episode.rows))
    assert [params["is_offtrack"] for params in seen] == [False] * (len(seen) - 1) + [True]
    assert [row.done for row in episode.rows] == [False] * (len(episode.rows) - 1) + [True]

    assert (world.cars.x_m[0], world.cars.y_m[0]) == pytest.approx(block.pose_at(0.25)[:2])
    assert not any(field[0] for field in world.cars[3:-1])
    assert (now.obs[CAMERA] != first).any()
    begun = world.records.episodes[0]
    assert (begun.number, begun.start_ndist, len(begun.rows)) == (1, 0.25, 1)
    assert begun.start_time_s == pytest.approx(episode.end_time_s)
    assert step(world).rewards[0] == 1.0
    assert seen[-1]["steps"] == 2.0


def test_the_image_after_a_reset_is_that_of_the_new_start(block: Track) -> None:
    world = World(block, FIXED, 1)
    first = world.reset()[CAMERA]
    *before, now = drive_off(world)
    assert (before[-1].obs[CAMERA] != first).any()
    assert (now.obs[CAMERA] == first).all()
    obs = now.obs[CAMERA].copy()
    step(world)
    assert (now.obs[CAMERA] == obs).all(), "images are the caller's own"


def test_faults_are_forgiven_with_a_pause_on_the_nearer_lane(block: Track) -> None:
    config = RaceSettings(change_start_position=False, number_of_resets=1, off_track_penalty_s=2.0)
    world = World(block, config, 1)
    world.reset()
    for _ in range(100):
        now = step(world, 0.0, 2.0)  # past the corner at (6, 0), over the outer border
        rows = world.records.episodes[0].rows
        if any(row.episode_status == "off_track" for row in rows):
            break
    assert not now.terminated[0]
    fault = next(i for i, row in enumerate(rows) if row.episode_status == "off_track")
    pause = rows[fault + 1 :]
    assert rows[fault].pause_duration == 2.0
    assert [row.episode_status for row in pause] == ["pause"] * 30
    assert [row.pause_duration for row in pause] == pytest.approx(
        [2.0 - (i + 1) / 15 for i in range(30)], abs=1e-9
    )
    assert {row.reward for row in pause} == {0.0}
    assert pause[-1].tstamp - rows[fault].tstamp == pytest.approx(2.0)
    assert pause[-1].steps - rows[fault].steps == 30.0

    # The step before was (nearly) straight on: back to the outer lane, on the way it had come.
    x, y, heading = (field[0] for field in world.cars[:3])
    ndist = rows[fault - 1].progress / 100.0
    assert (x, y, heading) == pytest.approx(block.lane_pose_at(ndist, OUTER_LANE))
    assert (world.cars.speed_mps[0], world.cars.steering_rad[0]) == (0.0, 0.0)
    assert rows[-1].all_wheels_on_track

    *_, now = drive_off(world)
    (lap,) = now.episodes[0].laps
    assert (lap.off_track_count, lap.status) == (2, "off_track")


def test_put_back_honours_the_start_position_and_the_direction(ring: Track) -> None:
    config = RaceSettings(
        change_start_position=False, start_position_offset=0.4, reverse_dir=True, number_of_resets=1
    )
    world = World(ring, config, 1)
    world.reset()
    (episode,) = [now.episodes for now in drive_off(world, steering_deg=0.0)][-1]
    pause = next(i for i, row in enumerate(episode.rows) if row.episode_status == "pause")
    assert 5.0 < episode.rows[pause].progress < 25.0
    lane = ring.reversed().lane_pose_at(0.4 + episode.rows[pause - 2].progress / 100.0, OUTER_LANE)
    nose = lane[0] + NOSE_M * math.cos(lane[2]), lane[1] + NOSE_M * math.sin(lane[2])
    assert episode.rows[pause][2:4] == pytest.approx(nose)


def test_a_continuous_race_is_one_episode_of_many_laps(ring: Track) -> None:
    config = RaceSettings(
        change_start_position=False, is_continuous=True, number_of_trials=3, number_of_resets=9
    )
    world = World(ring, config, 1)
    world.reset(episodes_per_car=[1])
    (episode,) = finish(world, 700)
    assert [lap.status for lap in episode.laps] == ["in_progress", "in_progress", "lap_complete"]
    assert [lap.completion_percentage for lap in episode.laps] == [100, 100, 100]
    assert [lap.start_time_s for lap in episode.laps[1:]] == [lap.end_time_s for lap in episode.laps[:-1]]
    second, third = (lap.elapsed_s for lap in episode.laps[1:])
    assert second == pytest.approx(third, abs=STEP_S + 1e-9)
    assert {row.episode for row in episode.rows} == {0, 1, 2}
    assert [row.steps for row in episode.rows] == [i + 1.0 for i in range(len(episode.rows))]
    finishes = [row.progress for row in episode.rows if row.progress == 100.0]
    assert len(finishes) == 3


def test_a_car_that_cannot_move_is_immobilized(ring: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drcli.sim.world.drive", lambda *state: None)
    world = World(ring, FIXED, 1)
    world.reset()
    *before, now = drive_off(world)
    assert now.episodes[0].status == "immobilized"
    assert len(before) == IMMOBILE_STEPS - 1


def test_a_car_that_drives_back_is_reversed(ring: Track) -> None:
    world = World(ring, RaceSettings(start_position_offset=0.5, number_of_reverse_counts=5), 1)
    world.reset()
    x, y, heading = ring.pose_at(0.9)
    put(world.cars, 0, x, y, heading + math.pi)
    world._look(world.active)
    episodes = finish(world, 12, lambda world: step(world, -6.2, 1.0))
    assert episodes[0].status == "reversed"
    falling = [row.progress for row in episodes[0].rows[-5:]]
    assert falling == sorted(falling, reverse=True)


def test_a_long_episode_is_truncated(ring: Track, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drcli.sim.verdicts.MAX_STEPS", 10)
    world = World(ring, FIXED, 1)
    world.reset()
    transitions = [follow(world) for _ in range(9)]
    assert [now.truncated[0] for now in transitions] == [False] * 8 + [True]
    assert not any(now.terminated[0] for now in transitions)
    assert transitions[-1].episodes[0].status == "in_progress"


def test_cars_start_one_round_robin_step_apart(ring: Track) -> None:
    config = RaceSettings(start_position_offset=0.5, alternate_driving_direction=True)
    world = World(ring, config, 3)
    world.next_episode = 4
    world.reset()
    for k, (ndist, backwards) in enumerate([(0.7, False), (0.75, True), (0.8, False)]):
        track = ring.reversed() if backwards else ring
        assert [field[k] for field in world.cars[:3]] == pytest.approx(track.pose_at(ndist))
    assert world.next_episode == 7
    world.reset()
    assert [episode.number for episode in world.records.episodes] == [7, 8, 9]


def test_spread_starts_cover_the_track(ring: Track) -> None:
    config = RaceSettings(spread_starts=True)
    world = World(ring, config, 4)
    world.next_episode = 2
    world.reset()
    starts = [episode.start_ndist for episode in world.records.episodes]
    assert starts == pytest.approx([0.1, 0.35, 0.6, 0.85])
    world.reset(episodes_per_car=[2, 2, 1, 0])
    episodes = finish(world, 200, step)
    starts = sorted((episode.start_ndist - 0.3) % 1.0 for episode in episodes)
    assert starts == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])


def test_a_quota_parks_cars_that_are_done(block: Track) -> None:
    world = World(block, RaceSettings(), 3)
    world.reset(episodes_per_car=[1, 0, 2])
    assert world.active.tolist() == [True, False, True]
    parked, episodes = world.reset(episodes_per_car=[1, 0, 2])[CAMERA], []
    for _ in range(150):
        now = step(world, 5.0)
        episodes += now.episodes
        assert not now.terminated[~world.active & ~now.terminated].any()
        assert now.rewards[1] == 0.0
    assert (now.obs[CAMERA][1] == parked[1]).all()
    assert sorted(episode.car for episode in episodes) == [0, 2, 2]
    assert sorted(episode.number for episode in episodes) == [2, 3, 4]
    assert not world.active.any()
    assert world.reset()[CAMERA].shape == (3, 120, 160)
    assert world.active.all()


def rollout(world: World, steps: int, seed: int) -> list[Transition]:
    """Random driving, K commands a step."""
    rng, count = np.random.default_rng(seed), len(world.active)
    world.reset()
    return [
        world.step(np.column_stack([rng.uniform(-30, 30, count), rng.uniform(0.5, 4, count)]))
        for _ in range(steps)
    ]


def test_the_same_actions_give_the_same_rollout_bit_by_bit(ring: Track) -> None:
    config = RaceSettings(number_of_resets=2, off_track_penalty_s=0.5)
    one, two = (rollout(World(ring, config, 5), 120, seed=9) for _ in range(2))
    assert sum(len(now.episodes) for now in one) > 5
    for left, right in zip(one, two, strict=True):
        assert (left.obs[CAMERA] == right.obs[CAMERA]).all()
        for field in range(1, 4):
            assert (left[field] == right[field]).all()
        for mine, other in zip(left.episodes, right.episodes, strict=True):
            assert [row[:-1] for row in mine.rows] == [row[:-1] for row in other.rows]


def test_a_car_in_a_crowd_drives_as_if_alone(ring: Track) -> None:
    count, steps = 16, 40
    rng = np.random.default_rng(4)
    actions = np.stack([rng.uniform(-30, 30, (steps, count)), rng.uniform(0.5, 2, (steps, count))], axis=2)
    crowd = World(ring, RaceSettings(), count)
    alone = [World(ring, RaceSettings(), 1) for _ in range(count)]
    for k, world in enumerate(alone):
        world.next_episode = k
    first = crowd.reset()[CAMERA]
    running = np.ones(count, np.bool_)
    assert all((world.reset()[CAMERA][0] == first[k]).all() for k, world in enumerate(alone))
    for i in range(steps):
        now = crowd.step(actions[i])
        for k in running.nonzero()[0]:
            single = alone[k].step(actions[i, k : k + 1])
            assert (single.rewards[0], single.terminated[0]) == (now.rewards[k], now.terminated[k])
            if single.terminated[0]:
                running[k] = False  # the next start depends on who else has started
            else:
                assert (single.obs[CAMERA][0] == now.obs[CAMERA][k]).all()
    assert 0 < running.sum() < count


def test_without_a_reward_function_the_centre_line_is_paid(block: Track) -> None:
    world = World(block, FIXED, 4)
    world.reset()
    for k, y in enumerate((0.05, 0.2, 0.45, 0.55)):
        put(world.cars, k, 2.0, y, 0.0)
    world._look(world.active)
    assert step(world).rewards == pytest.approx([1.0, 0.5, 0.1, 1e-3])


def test_a_failing_reward_stops_the_world_with_its_line(ring: Track) -> None:
    source = "def reward_function(params):\n    speed = 'speed' if params['steps'] < 5 else 'speedo'\n"
    world = World(ring, FIXED, 2, reward=RewardFunction(f"{source}    return params[speed]\n", "reward.py"))
    world.reset()
    step(world)
    step(world)
    step(world)
    with pytest.raises(RewardError, match=r"reward\.py:3: KeyError: 'speedo'") as caught:
        step(world)
    assert "'steps': 5.0" in caught.value.message


def test_pictures_and_rows_are_there_for_who_wants_them(ring: Track) -> None:
    """Without them the same is driven, paid and judged."""
    config = RaceSettings(number_of_resets=1, off_track_penalty_s=0.5)
    full = rollout(World(ring, config, 4, reward=spy_free()), 150, seed=2)
    bare = rollout(World(ring, config, 4, reward=spy_free(), sensors=(), record=False), 150, seed=2)
    for one, other in zip(full, bare, strict=True):
        assert (one.rewards == other.rewards).all() and (one.terminated == other.terminated).all()
        assert other.obs == {}
        for mine, theirs in zip(one.episodes, other.episodes, strict=True):
            assert mine.rows and not theirs.rows
            assert (mine.laps, mine.reward, mine.progress) == (theirs.laps, theirs.reward, theirs.progress)
    assert sum(len(now.episodes) for now in full) > 5


def spy_free() -> RewardFunction:
    return RewardFunction("def reward_function(params):\n    return params['progress']\n", "reward.py")


def test_both_names_of_the_camera_can_be_asked_for(ring: Track) -> None:
    world = World(ring, FIXED, 2, sensors=("observation", CAMERA))
    seen = world.reset()
    assert list(seen) == ["observation", CAMERA]
    assert (seen["observation"] == seen[CAMERA]).all()
    assert [(spec.name, spec.shape, spec.dtype) for spec in world.sensors] == [
        ("observation", (120, 160), np.uint8),
        (CAMERA, (120, 160), np.uint8),
    ]


def test_some_cars_can_be_reset_alone(ring: Track) -> None:
    world = World(ring, RaceSettings(), 3)
    world.reset(episodes_per_car=[1] * 3)
    for _ in range(100):
        step(world, 25.0)
    assert not world.active.any()
    before = world.records.episodes.copy()
    world.reset(cars=np.array([False, True, False]))
    assert world.active.tolist() == [False, True, False]
    assert [now is then for now, then in zip(world.records.episodes, before, strict=True)] == [
        True,
        False,
        True,
    ]
    assert [episode.number for episode in world.records.episodes] == [0, 3, 2]


def test_a_parked_car_has_seen_its_end(block: Track) -> None:
    world = World(block, FIXED, 1)
    world.reset(episodes_per_car=[1])
    *before, now = drive_off(world)
    assert (before[-1].obs[CAMERA] != now.obs[CAMERA]).any()
    pose = [field[0] for field in world.cars[:3]]
    other = World(block, FIXED, 1)
    other.reset()
    put(other.cars, 0, *pose)
    assert (other._look(other.active)[CAMERA] == now.obs[CAMERA]).all()


@pytest.mark.parametrize(
    ("settings", "sensors", "part"),
    [
        (RaceSettings(race_type="NO_SUCH_RACE"), (), "There is no race type NO_SUCH_RACE"),
        (FIXED, ("LIDAR_OF_TOMORROW",), "There is no sensor LIDAR_OF_TOMORROW"),
    ],
)
def test_what_no_table_has_is_refused(
    ring: Track, settings: RaceSettings, sensors: tuple[str, ...], part: str
) -> None:
    with pytest.raises(UsageError, match=part) as caught:
        World(ring, settings, 1, sensors=sensors)
    assert "Choose one of: " in caught.value.hint


def test_specs_of_sensors_need_no_numba() -> None:
    code = (
        "import sys\nfrom drcli.sim.sensors.sensor import sensor_spec\nfrom drcli.tables import SENSORS\n"
        "print([sensor_spec(name).shape for name in SENSORS], 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ("[(120, 160), (120, 160), (120, 160), (120, 160, 2), (64,), (8,), (64,)] False\n")
