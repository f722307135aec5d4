from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from drcli.config import legacy
from drcli.config.load import settings_of
from drcli.config.settings import Settings, variables
from drcli.config.variable import RUN, SYSTEM, Member
from drcli.errors import UsageError
from drcli.tables import RACES


def test_every_row_is_complete() -> None:
    rows = variables()
    assert len(rows) >= 95
    for name, row in rows.items():
        assert name == row.name
        assert re.fullmatch(r"DR_[A-Z0-9_]+", name)
        assert hasattr(settings_of({}), name.removeprefix("DR_").lower())
        assert row.description.endswith(".")
        assert "\n" not in row.description
        assert row.expected
        assert row.section.file in (SYSTEM, RUN)


def test_no_name_is_both_in_use_and_old() -> None:
    assert not variables().keys() & (legacy.RENAMED.keys() | legacy.IGNORED.keys())
    assert set(legacy.RENAMED.values()) <= variables().keys()


def test_defaults_refer_to_rows_above_only() -> None:
    seen: list[str] = []
    for name, row in variables().items():
        assert set(re.findall(r"\$(DR_\w+?)(?=[^\w]|$)", row.default)) <= set(seen), name
        seen.append(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DR_WORKERS", "a whole number, 1 or more"),
        ("DR_CARS_PER_WORKER", "a whole number, 1 to 256"),
        ("DR_TRAIN_MAX_MINUTES", "a number above 0"),
        ("DR_TRAIN_STOP_PROGRESS", "a number, 0 to 100"),
        ("DR_TRAIN_BEST_MODEL_METRIC", "progress, reward, laptime"),
        ("DR_EVAL_SAVE_MP4", "True, False"),
        ("DR_CAR_NAME", "text"),
        ("DR_MINIO_URL", "an address, http://… or https://…"),
    ],
)
def test_words_for_values_come_from_the_types(name: str, expected: str) -> None:
    assert variables()[name].expected == expected


def test_settings_cannot_be_changed() -> None:
    settings = settings_of({})
    with pytest.raises(ValidationError):
        settings.workers = 3  # type: ignore[misc]
    assert isinstance(settings, Settings)


def test_a_race_type_of_another_package_is_a_race_type(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="DR_RACE_TYPE=ONE_BOX: expected TIME_TRIAL, OBJECT_AVOIDANCE, "):
        settings_of({"DR_RACE_TYPE": "ONE_BOX"})
    monkeypatch.setitem(vars(RACES), "_others", {"ONE_BOX": "somewhere:OneBox"})
    assert settings_of({"DR_RACE_TYPE": "ONE_BOX"}).race_type == "ONE_BOX"
    assert "ONE_BOX" not in variables()["DR_RACE_TYPE"].expected


def test_every_race_type_of_ours_is_listed() -> None:
    (kind,) = (kind for kind in Settings.model_fields["race_type"].metadata if isinstance(kind, Member))
    assert set(RACES.members) <= set(kind.names)


@pytest.mark.parametrize("value", ["HEAD_TO_HEAD", "head_to_head"])
def test_head_to_head_is_two_kinds_of_race(value: str) -> None:
    with pytest.raises(UsageError, match=f"DR_RACE_TYPE={value}: expected TIME_TRIAL") as caught:
        settings_of({"DR_RACE_TYPE": value})
    assert "HEAD_TO_BOT" in caught.value.hint and "HEAD_TO_MODEL" in caught.value.hint


def test_only_what_differs_from_the_default_is_changed() -> None:
    settings = settings_of({"DR_TRAIN_RTF": "2", "DR_EVAL_SAVE_MP4": "0", "DR_EVAL_RTF": ""})
    assert settings.is_changed("DR_TRAIN_RTF")
    assert not any(settings.is_changed(name) for name in ("DR_EVAL_SAVE_MP4", "DR_EVAL_RTF", "DR_HOST_X"))
    named = settings_of({"DR_CAR_NAME": "Comet", "DR_DISPLAY_NAME": "Comet", "DR_RACER_NAME": "Max"})
    assert named.is_changed("DR_RACER_NAME")
    assert not named.is_changed("DR_DISPLAY_NAME")  # by default that of the car
