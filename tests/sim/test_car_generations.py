"""Which car a model's version drives, and how cars before version 3 differ."""

from __future__ import annotations

import numpy as np
import pytest

from drcli.config.race_settings import RaceSettings
from drcli.errors import UsageError
from drcli.sim.car_dynamics import drive, new_cars
from drcli.sim.car_generations import SIMAPP_3, SIMAPP_4, SIMAPP_5, car_of
from drcli.sim.constants import CarParams
from drcli.sim.track import Track
from drcli.sim.world import World
from drcli.tables import CARS


def of_version(version: float, **settings: str) -> CarParams:
    return car_of(RaceSettings(metadata_versions=(version,), **settings))  # type: ignore[arg-type]


def settled_mps(car: CarParams, command_mps: float) -> float:
    cars = new_cars(1)
    for _ in range(60):
        drive(car, cars, np.array([[0.0, command_mps]]), np.ones(1, np.bool_))
    return float(cars.speed_mps[0])


def test_the_version_chooses_the_car() -> None:
    assert [of_version(v) for v in (3, 4, 5, 6)] == [SIMAPP_3, SIMAPP_4, SIMAPP_5, SIMAPP_5]
    assert of_version(4.5) == SIMAPP_4
    assert of_version(1.0, car_dynamics="simapp-4") == SIMAPP_4, "a setting has priority"
    assert CarParams() == SIMAPP_5


def test_all_cars_can_be_driven() -> None:
    for name in CARS:
        assert settled_mps(CARS.load(name), 2.0) > 0.0


def test_an_unknown_car_is_refused_with_the_names_of_the_others() -> None:
    with pytest.raises(UsageError, match="no car dynamics simapp-9") as error:
        of_version(5, car_dynamics="simapp-9")
    assert "simapp-5" in error.value.hint


@pytest.mark.parametrize(("version", "of_command"), [(1, 0.3), (2, 1.083), (3, 1.029)])
def test_real_speed_follows_from_the_wheels(version: int, of_command: float) -> None:
    """Wheels of 30 mm turn as if they had 100 mm (version 1) or 27.7 mm (2); from 3 on 36 mm as if 35 mm."""
    slip = SIMAPP_3.speed_gain / 1.029
    assert settled_mps(of_version(version), 2.0) == pytest.approx(2.0 * of_command * slip, rel=1e-3)


def test_the_world_drives_the_car_of_its_settings(block: Track) -> None:
    reached = []
    for version in (1, 5):
        world = World(block, RaceSettings(metadata_versions=(version,)), 1, sensors=())
        world.reset()
        for _ in range(8):
            world.step([[0.0, 1.0]])
        reached.append(float(world.cars.x_m[0]))
    assert 0.2 < reached[0] / reached[1] < 0.4


def test_each_model_of_a_race_drives_the_car_of_its_version(block: Track) -> None:
    world = World(block, RaceSettings(metadata_versions=(1, 5)), 4, sensors=())
    world.reset()
    for _ in range(8):
        world.step([[0.0, 1.0]] * 4)
    first, second, *others = world.cars.speed_mps.tolist()
    assert others == [first, second]
    assert 0.2 < first / second < 0.4


def test_the_console_of_2023_turns_wider_the_faster_it_drives() -> None:
    """One second at 3.3 m/s acts like 0.46 to 0.75 m of wheelbase (shared/facts/peers.md, section 8)."""
    car = CARS.load("console-2023")
    assert 0.46 < car.wheelbase_m + car.understeer_s2pm * 3.3**2 < 0.75
