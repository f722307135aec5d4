"""Body shells and colours: the names of the simulators are accepted, others refused with what is allowed."""

from __future__ import annotations

import pytest

from drcli.config.car_looks import COLOURS
from drcli.config.load import settings_of
from drcli.errors import UsageError
from drcli.import_checks.car_shells import SHELLS


@pytest.mark.parametrize("shell", ["deepracer", "f1_2021", "f1_car_11", "f1_car_21", *sorted(SHELLS)])
def test_shells(shell: str) -> None:
    assert settings_of({"DR_CAR_BODY_SHELL_TYPE": shell}).car_body_shell_type == shell
    assert settings_of({"DR_EVAL_OPP_CAR_BODY_SHELL_TYPE": shell}).eval_opp_car_body_shell_type == shell


@pytest.mark.parametrize("colour", [*COLOURS, "purple"])
def test_colours(colour: str) -> None:
    assert settings_of({"DR_CAR_COLOR": colour}).car_color.lower() == colour.lower()


def test_names_of_f1_colours_contain_them() -> None:
    assert COLOURS["f1_car_ff9900"] == (255, 153, 0)
    assert len(COLOURS) == 7 + 12


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DR_CAR_BODY_SHELL_TYPE", "f1_car_10", "f1_car_11 to f1_car_21"),
        ("DR_EVAL_OPP_CAR_BODY_SHELL_TYPE", "mit", "deepracer, f1_2021"),
        ("DR_CAR_COLOR", "Pink", "Black, Grey, Blue, Red, Orange, White, Purple"),
    ],
)
def test_others_are_refused(name: str, value: str, allowed: str) -> None:
    with pytest.raises(UsageError) as error:
        settings_of({name: value})
    assert f"{name}={value}: expected" in str(error.value)
    assert allowed in str(error.value)


def test_a_near_miss_gets_a_hint() -> None:
    with pytest.raises(UsageError) as error:
        settings_of({"DR_CAR_COLOR": "Gray"})
    assert "did you mean Grey" in error.value.hint
