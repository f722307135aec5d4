"""What cannot work never starts: which code, which words, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drcli.store.client import Bucket

Racer = Any
CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def racer(new_racer: Callable[[], Racer]) -> Racer:
    """Somebody who has just typed `dr init`, offline."""
    racer = new_racer()
    racer.write_run_env(DR_TRACKS_URL=CLOSED)
    return racer


def refused(racer: Racer, code: int, *texts: str, words: tuple[str, ...] = ()) -> None:
    result = racer.invoke(*words, "start-training", "-w", "-y")
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    said = result.stderr.replace(str(racer.root) + os.sep, "")
    assert not [text for text in texts if not re.search(text, said)], said
    assert "Traceback" not in said
    assert not racer.workspace.runs.exists()


def nothing_touched(racer: Racer) -> None:
    """No store was started, no log, no run."""
    there = {path.name for path in racer.workspace.data.iterdir()} if racer.workspace.data.exists() else set()
    assert there <= {"tracks"}


@pytest.mark.parametrize(
    ("name", "text"),
    [("system.env", "No workspace|system.env is missing"), ("run.env", "run.env is missing")],
)
def test_missing_env_files(racer: Racer, name: str, text: str) -> None:
    (racer.root / name).unlink()
    refused(racer, 1, text, "hint: .*`dr init")
    nothing_touched(racer)


def test_no_workspace(racer: Racer) -> None:
    for name in ("system.env", "run.env"):
        (racer.root / name).unlink()
    refused(racer, 1, "No workspace", "hint: `dr init` creates one here")


def test_no_such_experiment(racer: Racer) -> None:
    refused(racer, 1, "Experiment 'wet' was not found", "hint: `dr -e wet init`", words=("-e", "wet"))


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("this is no assignment", (r"run\.env:\d+",)),
        ("DR_WORKERS=many", (r"run\.env:\d+", "DR_WORKERS=many", "expected")),
        ("DR_RACE_TYPE=TIME_TRAIL", (r"run\.env:\d+", "DR_RACE_TYPE", "TIME_TRIAL")),
        ("DR_RACE_TYPE=HEAD_TO_MODEL", (r"run\.env:\d+", "is for evaluations", "hint: .*TIME_TRIAL")),
        ("DR_DOCKER_STYLE=podman", (r"run\.env:\d+", "DR_DOCKER_STYLE", "process.*compose.*swarm")),
        (
            "DR_SIMAPP_SOURCE=awsdeepracercommunity/deepracer-simapp",
            ("only runs in containers", "hint: .*compose.*drcli/simapp"),
        ),
    ],
)
def test_settings(racer: Racer, line: str, texts: tuple[str, ...]) -> None:
    with racer.workspace.run_env.open("a") as file:
        file.write(line + "\n")
    refused(racer, 2, *texts)
    nothing_touched(racer)


def test_an_unknown_world(racer: Racer) -> None:
    racer.write_run_env(DR_WORLD_NAME="tinny")
    refused(racer, 1, r"run\.env:\d+: DR_WORLD_NAME: unknown world 'tinny'", "hint: Did you mean .*tiny")
    nothing_touched(racer)


REWARDS = {
    "def reward_function(params)\n    return 1": ("reward_function.py:1",),
    "x = 1": ("reward_function",),
    "def reward_function():\n    return 1.0": ("reward_function.py", "argument"),
    "def reward_function(params):\n    return params['progres']": (
        "reward_function.py:2",
        r"hint: (.*\n)*.*Did you mean params\['progress'\]",
    ),
    "def reward_function(params):\n    pass": ("reward_function.py", "returns None", "hint: Return a number"),
    "def reward_function(params):\n    return float('nan')": ("reward_function.py", "nan"),
    "import no_such_module": ("reward_function.py:1", "no_such_module"),
}


@pytest.mark.parametrize("source", REWARDS)
def test_reward_functions(racer: Racer, source: str) -> None:
    (racer.workspace.custom_files / "reward_function.py").write_text(source + "\n")
    refused(racer, 1, *REWARDS[source])
    nothing_touched(racer)


@pytest.mark.parametrize("name", ["reward_function.py", "model_metadata.json", "hyperparameters.json"])
def test_custom_files_that_cannot_be_read(racer: Racer, name: str) -> None:
    path = racer.workspace.custom_files / name
    path.unlink()
    refused(
        racer, 1, f"{re.escape(name)} cannot be read: No such file", f"hint: `dr init` puts a working {name}"
    )
    path.mkdir()
    refused(racer, 1, f"{re.escape(name)} cannot be read: Is a directory")
    nothing_touched(racer)


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({"sensor": ["LIDAR"]}, (r"model_metadata\.json:\d+", "0 cameras")),
        ({"sensor": ["LEFT_CAMERA", "STEREO_CAMERAS"]}, (r"model_metadata\.json:\d+", "2 cameras")),
        ({"neural_network": "DEEPER"}, ("DEEP_CONVOLUTIONAL_NETWORK'",)),
        (
            {"lidar_config": {"num_sectors": 5}},
            (r"model_metadata\.json:\d+: lidar_config\.num_sectors is 5",),
        ),
        ({"sensor": ["SONAR"]}, (r"model_metadata\.json:\d+", "SONAR")),
        ({"action_space": []}, (r"model_metadata\.json:\d+", "action_space")),
        ({"training_algorithm": "sac"}, ("SAC needs a continuous action space",)),
    ],
)
def test_model_metadata(racer: Racer, changes: dict[str, Any], texts: tuple[str, ...]) -> None:
    path = racer.workspace.custom_files / "model_metadata.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes, indent=1))
    refused(racer, 2, "model_metadata.json", *texts)
    nothing_touched(racer)


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ('{\n"batch_size": 32\n"lr": 1}', (r"hyperparameters\.json:[23]",)),
        ('{\n"batch_size": "many"}', (r"hyperparameters\.json:2", "batch_size")),
        ('{\n"lr": -1}', (r"hyperparameters\.json:2", "lr")),
        ("", (r"hyperparameters\.json",)),
    ],
)
def test_hyperparameters(racer: Racer, text: str, texts: tuple[str, ...]) -> None:
    (racer.workspace.custom_files / "hyperparameters.json").write_text(text)
    refused(racer, 2, *texts)
    nothing_touched(racer)


def test_the_port_is_taken(racer: Racer) -> None:
    with socket.create_server(("127.0.0.1", racer.port)):
        refused(racer, 1, rf"Port {racer.port}, which the store needs, is in use", "hint: .*DR_STORE_PORT")


def remote(racer: Racer, bucket: Bucket, **changes: str) -> None:
    config = bucket.config
    settings = {
        "DR_CLOUD": "remote",
        "DR_REMOTE_MINIO_URL": config.endpoint_url,
        "DR_LOCAL_S3_BUCKET": config.bucket,
        "DR_LOCAL_ACCESS_KEY_ID": config.access_key,
        "DR_LOCAL_SECRET_ACCESS_KEY": config.secret_key,
    }
    racer.write_run_env(**(settings | changes))


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({"DR_REMOTE_MINIO_URL": CLOSED}, ("127.0.0.1:9 is unreachable", "hint: ")),
        ({"DR_LOCAL_SECRET_ACCESS_KEY": "wrongsecret"}, ("the secret key is wrong", "hint: Check the keys")),
        ({"DR_LOCAL_ACCESS_KEY_ID": "nobody"}, ("the access key is unknown", "hint: Check the keys")),
        ({"DR_LOCAL_S3_BUCKET": "no-such"}, ("no such bucket", "hint: Create it, or set DR_LOCAL_S3_BUCKET")),
    ],
)
def test_a_store_that_cannot_be_used(
    racer: Racer, bucket: Bucket, changes: dict[str, str], texts: tuple[str, ...]
) -> None:
    remote(racer, bucket, **changes)
    result = racer.invoke("start-training")
    assert "wrongsecret" not in result.stderr and bucket.config.secret_key not in result.stderr  # type: ignore[operator]
    refused(racer, 1, *texts)
    nothing_touched(racer)
    assert bucket.list() == []


def test_a_pretrained_model_that_is_not_there(racer: Racer, bucket: Bucket) -> None:
    remote(racer, bucket, DR_LOCAL_S3_PRETRAINED="True", DR_LOCAL_S3_PRETRAINED_PREFIX="nothing")
    refused(racer, 1, "The model nothing has no complete checkpoint", "hint: `dr models`")
    racer.write_run_env(DR_LOCAL_S3_PRETRAINED_PREFIX="model")
    refused(racer, 1, "are both model", "hint: .*--resume")
    bucket.put("tf/model/3_Step-100.ckpt.index", b"")
    racer.write_run_env(DR_LOCAL_S3_PRETRAINED_PREFIX="tf")
    refused(racer, 1, "has no complete checkpoint", "hint: `dr models`")
    assert [info.key for info in bucket.list()] == ["tf/model/3_Step-100.ckpt.index"]


@pytest.fixture
def small_disk(racer: Racer) -> Iterator[Path]:
    """`data/` on a file system of 2 MB."""
    data = racer.workspace.data
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(data)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small file system")
    (racer.workspace.tracks).mkdir()
    yield data
    racer.end()
    subprocess.run(["umount", "-l", str(data)], check=True)


def test_the_disk_is_full(racer: Racer, small_disk: Path) -> None:
    racer.write_run_env(DR_WORLD_NAME="drcli_oval")
    refused(racer, 1, r"The disk is full: \d+ MB are left", "hint: Free some space")
    (small_disk / "filling").write_bytes(b"0" * (1 << 20))
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "more").write_bytes(b"0" * (2 << 20))
    refused(racer, 1, "disk is full|cannot write|No space left")


def test_settings_without_effect_are_named_before_the_start(racer: Racer) -> None:
    racer.write_run_env(DR_TRAIN_RTF="1.0", DR_EVAL_RTF="2.0")
    result = racer.invoke("start-training", "--dry-run")
    assert result.exit_code == 0, result.stderr
    said = [line for line in result.stderr.splitlines() if "no effect" in line]
    assert len(said) == 1 and re.match(r"warning: run\.env:\d+: DR_TRAIN_RTF=1\.0 has no effect", said[0])
    said = [line for line in racer.invoke("evaluate", "--dry-run").stderr.splitlines() if "no effect" in line]
    assert len(said) == 1 and "DR_EVAL_RTF=2.0" in said[0]
