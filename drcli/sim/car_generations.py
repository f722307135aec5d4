"""Cars of the generations of the community's simulator, the members of `drcli.tables.CARS`. No numba.

docs/simulator.md says which constants were fitted to which recorded job (benchmarks/car_fit.py), and which follow from
the car's model alone.
"""

from __future__ import annotations

from typing import cast

from drcli.config.race_settings import BY_VERSION, RaceSettings
from drcli.sim.constants import CarParams
from drcli.tables import CARS

# Radius of the wheels, and that by which simapp turns speed into rotation.
_WHEEL_M, _MADE_FOR_M = 0.036, 0.035
_OLD_WHEEL_M, _OLD_WHEELBASE_M, WHEELBASE_M = 0.03, 0.195, 0.164

SIMAPP_3 = CarParams(
    speed_gain=1.06,
    accelerate_s=0.173,
    brake_s=0.196,
    steer_s=0.548,
    yaw_s=0.001,
    wheelbase_m=0.173,
    understeer_s2pm=0.039,
    drift_s2pm=0.0114,
    grip_mps2=7.0,  # SIMAPP_4's: at 1 m/s there is no telling
)
SIMAPP_4 = CarParams(
    speed_gain=0.999,
    accelerate_s=0.231,
    brake_s=0.22,
    steer_s=0.474,
    yaw_s=0.001,
    wheelbase_m=0.219,
    understeer_s2pm=0.0122,
    drift_s2pm=0.0089,
    grip_mps2=7.0,
)
SIMAPP_5 = CarParams()
# At 3 to 3.6 m/s its effective wheelbase over a second was 0.46 to 0.75 m; there is no job of that year to fit to.
CONSOLE_2023 = SIMAPP_4._replace(understeer_s2pm=0.035)


def _old(made_for_m: float) -> CarParams:
    """Cars before version 3 are longer and have smaller wheels."""
    return SIMAPP_3._replace(
        speed_gain=SIMAPP_3.speed_gain * (_OLD_WHEEL_M / made_for_m) / (_WHEEL_M / _MADE_FOR_M),
        wheelbase_m=SIMAPP_3.wheelbase_m * _OLD_WHEELBASE_M / WHEELBASE_M,
    )


SIMAPP_1, SIMAPP_2 = _old(0.1), _old(0.0277)


def car_of(settings: RaceSettings, place: int = 0) -> CarParams:
    """The car of the model in that place of a race. Raises UsageError if there is none with that name."""
    name = settings.car_dynamics
    if name == BY_VERSION:
        name = f"simapp-{min(int(settings.metadata_versions[place]), 5)}"
    return cast(CarParams, CARS.load(name))
