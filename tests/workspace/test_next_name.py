from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drcli.config.envfile import Assignment, Scope, Value, expand_all
from drcli.workspace.next_name import escape, next_name, next_text


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("model-1", "model-2"),
        ("model-9", "model-10"),
        ("model-10", "model-11"),
        ("model-009", "model-010"),
        ("model-999", "model-1000"),
        ("rl-deepracer-sagemaker", "rl-deepracer-sagemaker-1"),
        ("model", "model-1"),
        ("model-1-E", "model-2-E"),
        ("My-Model-V2", "My-Model-V3"),
        ("m_7", "m_8"),
        ("model-v2.9", "model-v2.10"),
        ("model-0", "model-1"),
        ("7", "8"),
        ("team/v2/first-model", "team/v2/first-model-1"),
        ("team/first-3", "team/first-4"),
        ("team/first-3/", "team/first-4/"),
        ("2022_may_open", "2022_may_open-1"),
        ("reInvent2019_track-3", "reInvent2019_track-4"),
        ("reInvent2019_track", "reInvent2019_track-1"),
        ("race-2024", "race-2025"),
        ("a-1234567890123456789012345", "a-1234567890123456789012345-1"),
        ("$DR_CAR_NAME-4", "$DR_CAR_NAME-5"),
        ("$DR_CAR2", "$DR_CAR2-1"),
        ("${DR_CAR2:-x/1}/m", "${DR_CAR2:-x/1}/m-1"),
        ("$DR_LOCAL_S3_MODEL_PREFIX-1", "$DR_LOCAL_S3_MODEL_PREFIX-2"),
        ("training/$DR_WORLD_NAME/first-model", "training/$DR_WORLD_NAME/first-model-1"),
    ],
)
def test_next_name(name: str, following: str) -> None:
    assert next_name(name) == following


def test_the_delimiter_stands_before_a_number_that_is_added() -> None:
    assert next_name("model", "_") == "model_1"
    assert next_name("m_7", "_") == "m_8"
    assert next_name("model-1", "_") == "model-2"
    assert next_name("model", "") == "model1"


def test_a_name_that_is_only_the_number_is_written_out() -> None:
    values = {"TRY": "09", "CAR": "Car2"}
    assert next_text("model-$TRY", values) == "model-10"
    assert next_text("$CAR-${TRY}", values) == "$CAR-10"
    assert next_text("$CAR", values) == "$CAR-1"
    assert next_text("$CAR-$UNKNOWN", values) == "$CAR-$UNKNOWN-1"
    assert next_text("$TRY-$CAR", values) == "$TRY-$CAR-1"


@given(st.text(st.sampled_from("abZ-_.0129/"), min_size=1).filter(lambda name: name.strip("/")))
def test_each_name_differs_from_all_before_it(name: str) -> None:
    seen = [name]
    for _ in range(12):
        seen.append(next_name(seen[-1]))
    assert len(set(seen)) == 13
    assert len({re.sub(r"\d", "", other.rpartition("/")[0]) for other in seen[1:]}) == 1


@given(st.text(st.sampled_from("ab$\\{}:-1")))
def test_escaped_text_stands_for_itself(text: str) -> None:
    scope = Scope({"a": Value("x", "f:1"), "b": Value("y", "f:1")})
    expand_all([Assignment("A", escape(text), "f:2")], scope, {})
    assert scope.known["A"].text == text
