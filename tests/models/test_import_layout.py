"""Which file of a foreign model is what: names as real downloads have them."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drcli.errors import DrError
from drcli.models.import_layout import arrange, is_known
from drcli.store.client import Bucket
from drcli.store.evaluation_list import list_evaluations
from drcli.store.metrics import TrainingMetrics

TRACES = Path(__file__).parents[3] / "shared" / "traces"
needs_traces = pytest.mark.skipif(not TRACES.is_dir(), reason="recorded jobs are not on this machine")
WEIGHTS = [f"7_Step-700.ckpt.{part}" for part in ("index", "meta", "data-00000-of-00001")]
JOB = "2026-04-10T19:26:15.164Z-deepracerindy-training-SA3zXdwURwRwWO1"
CONSOLE = {  # a virtual model of 2023
    "model/coach_checkpoint": "model/.coach_checkpoint",
    "model/deepracer_checkpoints.json": "model/deepracer_checkpoints.json",
    "model/model_metadata.json": "model/model_metadata.json",
    "ip/hyperparameters.json": "ip/hyperparameters.json",
    "reward_function.py": "reward_function.py",
    "training_params_b080e2d4-1823-4ec8-a221-9705ab8beea8.yaml": "training_params.yaml",
    "metrics/training/training-20230608143740-B0d4THMvQT6tt8Jkk54L3w.json": "metrics/TrainingMetrics.json",
    "metrics/evaluation/evaluation-20230609010929-osBChZcLSvmj6cN9hdR0bw.json": (
        "metrics/evaluation/evaluation-20230609010929.json"
    ),
    "sim-trace/evaluation/20230609010929-osBChZ/evaluation-simtrace/0-iteration.csv": (
        "evaluation-20230609010929/evaluation-simtrace/0-iteration.csv"
    ),
    "logs/evaluation/evaluation-20230609011402-osBChZ-robomaker.txt": "",
    "ip/ip.json": "",
    "ip/done": "",
    "model/.ready": "",
    "model/.lock": "",
    "videos/training/training-1/camera-pip/0-video.mp4": "",
} | {f"model/{name}": f"model/{name}" for name in WEIGHTS}
DEEPRACER_ON_AWS = {  # its bucket; the download has the same files without `sagemaker-artifacts/`
    "reward_function.py": "reward_function.py",
    "model_metadata.json": "",
    "sagemaker-artifacts/model/model_metadata.json": "model/model_metadata.json",
    "sagemaker-artifacts/model/model_7.pb": "model/model_7.pb",
    "sagemaker-artifacts/training_params.yaml": "training_params.yaml",
    "sagemaker-artifacts/ip/hyperparameters.json": "ip/hyperparameters.json",
    "sagemaker-artifacts/training_job_status.json": "",
    f"metrics/training/{JOB}.json": "metrics/TrainingMetrics.json",
    f"sim-trace/training/{JOB}/training-simtrace/0-iteration.csv": "training-simtrace/0-iteration.csv",
    f"metrics/evaluation/{JOB}.json": "metrics/evaluation/evaluation-20260410192615.json",
} | {f"sagemaker-artifacts/model/{name}": f"model/{name}" for name in WEIGHTS}
BUCKET = {  # DeepRacer-for-Cloud with three workers, and files of ours
    "model/model_metadata.json": "model/model_metadata.json",
    "training_params_1.yaml": "training_params_1.yaml",
    "metrics/TrainingMetrics_1.json": "metrics/TrainingMetrics_1.json",
    "metrics/EvaluationMetrics-20220709200509.json": "metrics/evaluation/evaluation-20220709200509.json",
    "0/training-simtrace/3-iteration.csv": "0/training-simtrace/3-iteration.csv",
    "1/training-simtrace/3-iteration.csv": "1/training-simtrace/3-iteration.csv",
    "evaluation-20220709200509/evaluation-simtrace/0-iteration.csv": (
        "evaluation-20220709200509/evaluation-simtrace/0-iteration.csv"
    ),
    "evaluation-20220709200509/evaluation.json": "evaluation-20220709200509/evaluation.json",
    "tracks/my_track.yaml": "tracks/my_track.yaml",
    "model/9_Step-900.ckpt.safetensors": "model/9_Step-900.ckpt.safetensors",
}
CAR = {
    "agent/model.pb": "model/model_0.pb",
    "model_metadata.json": "model/model_metadata.json",
    "agent/worker_0.simple_rl_graph.main_level.main_level.agent_0.csv": "",
}
FLAT = {"hyperparameters.json": "ip/hyperparameters.json", "x.pb": ""} | {
    name: f"model/{name}" for name in WEIGHTS
}


@pytest.mark.parametrize("folder", ["", "Deepracermodel/", "a/model/"])
@pytest.mark.parametrize("names", [CONSOLE, DEEPRACER_ON_AWS, BUCKET, CAR, FLAT])
def test_layouts(names: dict[str, str], folder: str) -> None:
    found = arrange(folder + name for name in names)
    assert found.files == {target: folder + name for name, target in names.items() if target}
    assert set(found.ignored) == {folder + name for name, target in names.items() if not target}


def test_the_rest_of_the_model_in_another_folder() -> None:
    names = [*(f"model/{name}" for name in WEIGHTS), "Deepracermodel/reward_function.py", "rewardfucntion.py"]
    found = arrange(
        [*names, "__MACOSX/model/._7_Step-700.ckpt.index", ".ipynb_checkpoints/reward_function.py"]
    )
    assert found.files["reward_function.py"] == "Deepracermodel/reward_function.py"
    assert len(found.files) == 4 and len(found.ignored) == 3


def test_several_jobs() -> None:
    """Iterations of an earlier job are not mixed with those of the last."""
    jobs = {day: f"2026-04-{day}T19:26:15.164Z-deepracerindy-training-a" for day in ("09", "10")}
    found = arrange(
        [f"sim-trace/training/{jobs['09']}/training-simtrace/{number}-iteration.csv" for number in range(9)]
        + [f"sim-trace/training/{jobs['10']}/training-simtrace/{number}-iteration.csv" for number in range(3)]
        + [f"metrics/training/{job}.json" for job in jobs.values()]
    )
    assert len(found.files) == 4 and all(jobs["10"] in name for name in found.files.values())


def test_several_models() -> None:
    with pytest.raises(DrError, match=r"several models: a/, b/\."):
        arrange(f"{folder}/model/model_1.pb" for folder in "ab")
    with pytest.raises(DrError, match="more than one graph"):
        arrange(["agent/model.pb", "agent/optimised.pb"])


@given(st.lists(st.text() | st.from_regex(r"[./\\]*(model/|ip/)?[0-9]+_Step-[0-9]+\.ckpt\.index[./\n]*")))
def test_any_names(names: list[str]) -> None:
    """Whatever the names are, the keys are plain ones under the prefix, each from a file that was there."""
    try:
        found = arrange(names)
    except DrError:
        return
    assert set(found.files.values()) | set(found.ignored) == set(names)
    for target in found.files:
        assert target.isascii() and target.isprintable() and ".." not in target and target[0] not in "/."


def test_numbers_that_do_not_lead_back_to_their_files() -> None:
    for name in ("007_Step-1.ckpt.index", "٣_Step-1.ckpt.index", f"{'9' * 5000}_Step-1.ckpt.index"):
        assert not is_known(f"model/{name}")


@needs_traces
@pytest.mark.parametrize(
    ("job", "files", "evaluations"), [("console-2020", 15, 1), ("drfc-2022", 36, 3), ("droa-2026", 48, 0)]
)
def test_recorded_jobs(bucket: Bucket, job: str, files: int, evaluations: int) -> None:
    """Every file of three real jobs has a place, where the other commands find it."""
    (archive,) = TRACES.glob(f"{job}-*.tar.gz")
    with tarfile.open(archive) as opened:
        contents = {
            entry.name.removeprefix("./"): opened.extractfile(entry).read()  # type: ignore[union-attr]
            for entry in opened
            if entry.isreg()
        }
    found = arrange(contents)
    assert len(found.files) == files and found.ignored == ()
    assert TrainingMetrics.from_json(contents[found.files["metrics/TrainingMetrics.json"]])
    for target, name in found.files.items():
        if not target.endswith(".csv"):
            bucket.put(f"old/{target}", contents[name])
    assert len(list_evaluations(bucket, "old")) == evaluations
