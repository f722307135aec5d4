from __future__ import annotations

import pytest
import yaml

from drcli.config.retarget import Move, retarget

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
