from __future__ import annotations

import pytest
import yaml

from drcli.config.retarget import Move, adopt, parse, retarget

MOVE = Move("bucket", "team/model", "elsewhere", "new")


def test_a_training_document() -> None:
    document = (
        b"---\n'METRICS_S3_BUCKET': 'bucket'\n'METRICS_S3_OBJECT_KEY': 'team/model/metrics/TrainingMetrics.json'\n"
        b"'REWARD_FILE_S3_KEY': 'custom_files/reward_function.py'\n'SAGEMAKER_SHARED_S3_PREFIX': 'team/model'\n"
        b"'SIMTRACE_S3_PREFIX': 'team/model-10'\n'CAR_NAME': 'bucket'\n'WORLD_NAME': 'team/model'\n"
        b"'MP4_S3_OBJECT_PREFIX':\n- 'team/model/mp4'\n'TRACK_DIRECTION_CLOCKWISE': true\n"
    )
    assert yaml.safe_load(retarget(document, MOVE)) == {
        "METRICS_S3_BUCKET": "elsewhere",
        "METRICS_S3_OBJECT_KEY": "new/metrics/TrainingMetrics.json",
        "REWARD_FILE_S3_KEY": "custom_files/reward_function.py",
        "SAGEMAKER_SHARED_S3_PREFIX": "new",
        "SIMTRACE_S3_PREFIX": "team/model-10",
        "CAR_NAME": "bucket",
        "WORLD_NAME": "team/model",
        "MP4_S3_OBJECT_PREFIX": ["new/mp4"],
        "TRACK_DIRECTION_CLOCKWISE": True,
    }


@pytest.mark.parametrize("document", [b"", b"- a\n", b"{", b"a: 1 # mine\n", b"\xff\xfe\x00"])
def test_what_stays_as_it_is(document: bytes) -> None:
    assert retarget(document, MOVE) == document


def test_a_document_that_says_where_the_model_was() -> None:
    """The console's document of 2023: the trainer has a folder of its own in the model's."""
    document = (
        b'---\nSAGEMAKER_SHARED_S3_BUCKET: "aws-data"\n'
        b'SAGEMAKER_SHARED_S3_PREFIX: "data-1/models/b5/sagemaker-robomaker-artifacts/"\n'
        b'REWARD_FILE_S3_KEY: "data-1/models/b5/reward_function.py"\nMETRICS_S3_BUCKET: "aws-data"\n'
        b'METRICS_S3_OBJECT_KEY: "data-1/models/b5/metrics/training/training-20230608143740-B0.json"\n'
        b"CHANGE_START_POSITION: true\n"
    )
    assert yaml.safe_load(adopt(document, "bucket", "new")) == {
        "SAGEMAKER_SHARED_S3_BUCKET": "bucket",
        "SAGEMAKER_SHARED_S3_PREFIX": "new",
        "REWARD_FILE_S3_KEY": "new/reward_function.py",
        "METRICS_S3_BUCKET": "bucket",
        "METRICS_S3_OBJECT_KEY": "new/metrics/TrainingMetrics.json",
        "CHANGE_START_POSITION": True,
    }
    race = b"MODEL_S3_BUCKET: [one, two]\nMODEL_S3_PREFIX: [a/b, c]\n"
    assert yaml.safe_load(adopt(race, "bucket", "new")) == {
        "MODEL_S3_BUCKET": ["bucket", "two"],
        "MODEL_S3_PREFIX": ["new", "c"],
    }


@pytest.mark.parametrize(
    "document",
    [
        b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
        b"&a {x: *a}\n",
        b"[" * 5000,
        b"a: " + b"[" * 5000,
        b"a: {b: {c: d}}\n",
        b"a: 2022-99-99\n",
        b"a: !!python/object:os.system x\n",
        b"".join(b"k%d: v\n" % number for number in range(5000)),
    ],
)
def test_foreign_yaml(document: bytes) -> None:
    assert parse(document) == {} and retarget(document, MOVE) == document


def test_lists_that_stand_twice() -> None:
    """DeepRacer-for-Cloud writes the same list once, with an anchor."""
    document = b"MODEL_S3_PREFIX: &id001\n- team/model\nOTHER_S3_PREFIX: *id001\n"
    assert yaml.safe_load(retarget(document, MOVE)) == {
        "MODEL_S3_PREFIX": ["new"],
        "OTHER_S3_PREFIX": ["new"],
    }
