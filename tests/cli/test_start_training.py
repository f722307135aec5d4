from __future__ import annotations

import json
import re
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from safetensors.numpy import load

from drcli.contract.keys import ModelKeys, training_metrics
from drcli.launch import local_process
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.paths import Workspace
from drcli.store.checkpoints import list_checkpoints, read_checkpoint, read_index
from drcli.store.client import Bucket
from drcli.store.metrics import TrainingMetrics
from drcli.store.server import server_status

Until = Callable[..., Any]
MODEL = ModelKeys("model")


def listing(bucket: Bucket) -> list[object]:
    return bucket.list()


def files(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_followed_to_its_end(finished: Any) -> None:
    done = finished.training
    assert done.returncode == 0
    assert re.search(r"ended after [^:]+: \d+ training episodes are driven", done.stdout)
    assert re.search(
        r"steps in \d+ iterations and \d+ episodes, \d+ steps/s: [\d.]+ times real time", done.stdout
    )
    assert re.search(r"The model drives \d+ % of a lap on tiny", done.stdout)
    assert "Training model on tiny with 1 worker, seed" in done.stderr
    assert re.search(
        r"iteration \d+ · [\d,]+ steps .* evaluation \d+ % \(best \d+_Step-\d+\.ckpt\)", done.stderr
    )
    assert done.stderr.splitlines()[-1].startswith("next: dr evaluate")


def test_what_it_uploads(finished: Any) -> None:
    """The custom files byte by byte, and the document that `dr render training` shows."""
    racer, bucket = finished.racer, finished.racer.bucket
    own = {f"custom_files/{path.name}": path.read_bytes() for path in racer.workspace.custom_files.iterdir()}
    assert finished.custom_files == own
    assert bucket.get(MODEL.reward_function) == own["custom_files/reward_function.py"]
    document = bucket.get(MODEL.params("training_params.yaml")).decode()
    assert document == racer.invoke("render", "training").stdout
    assert yaml.safe_load(document)["WORLD_NAME"] == "tiny"


def test_what_it_leaves(finished: Any) -> None:
    keys = {info.key.removeprefix("model/") for info in finished.racer.bucket.list("model/")}
    expected = {"training_params.yaml", "reward_function.py", "ip/ip.json", "ip/hyperparameters.json"}
    expected |= {"model/model_metadata.json", "model/.coach_checkpoint", "model/deepracer_checkpoints.json"}
    assert keys >= expected | {"metrics/TrainingMetrics.json"}
    assert [key for key in keys if re.fullmatch(r"training-simtrace/\d+-iteration\.csv", key)]
    assert [key for key in keys if re.fullmatch(r"model/\d+_Step-\d+\.ckpt\.safetensors", key)]
    assert "model/.lock" not in keys


def test_an_existing_model_is_refused(finished: Any) -> None:
    racer, before = finished.racer, listing(finished.racer.bucket)
    refused = racer.invoke("start-training")
    assert refused.exit_code == 1
    assert re.search(r"The model model already exists \(\d+ objects, \d+ checkpoints\)", refused.stderr)
    assert "--resume continues it, -w deletes it" in refused.stderr
    declined = racer.invoke("start-training", "-w", answer="n\n")
    assert declined.exit_code == 1
    assert re.search(r"Delete the model model \(\d+ objects, \d+ checkpoints\)\? \[y/N\]", declined.stderr)
    no_answer = racer.invoke("start-training", "-w", answer="")
    assert no_answer.exit_code == 1
    assert listing(racer.bucket) == before
    assert racer.status()["state"] == "ended"


def test_a_sibling_neither_blocks_nor_is_touched(finished: Any) -> None:
    assert finished.racer.bucket.get("model-10/keep.txt") == b"a sibling"


@pytest.mark.parametrize(
    ("words", "text"),
    [(("--resume", "-w"), "contradict"), (("--json",), "--dry-run"), (("--set", "DR_WORKERS"), "DR_WORKERS")],
)
def test_words_that_make_no_sense(finished: Any, words: tuple[str, ...], text: str) -> None:
    result = finished.racer.invoke("start-training", *words)
    assert (result.exit_code, text in result.stderr) == (2, True)


def test_nothing_to_resume(finished: Any) -> None:
    racer = finished.racer
    fresh = racer.invoke("start-training", "--resume", "--set", "DR_LOCAL_S3_MODEL_PREFIX=fresh")
    assert fresh.exit_code == 1
    assert "no checkpoint under fresh" in fresh.stderr and "Start without --resume" in fresh.stderr
    begun = racer.invoke("start-training", "--resume", "--set", "DR_LOCAL_S3_MODEL_PREFIX=model-10")
    assert "no checkpoint under model-10" in begun.stderr and "-w deletes what exists" in begun.stderr


def test_quiet_returns_once_it_is_up(live: Any) -> None:
    assert live.started.returncode == 0
    assert live.started.stdout == ""
    assert "Training live on tiny with 1 worker" in live.started.stderr
    assert "next: dr -e live status" in live.started.stderr
    assert json.loads(live.status.stdout)["state"] == "running"


def test_a_second_start_is_refused(live: Any) -> None:
    assert live.second.exit_code == 1
    assert "The training of run 1 is already running." in live.second.stderr
    assert "hint: `dr stop-training` stops it" in live.second.stderr


def test_a_model_that_another_run_trains_is_refused(live: Any) -> None:
    assert live.same_prefix.exit_code == 1
    assert "Run 1 is already training the model live" in live.same_prefix.stderr
    assert json.loads(live.after.stdout)["state"] == "ended"  # nobody wiped it under its hands


def test_pretrained_goes_on_from_the_last_checkpoint(live: Any) -> None:
    last = read_index(live.racer.bucket, MODEL).last.name  # type: ignore[union-attr]
    log = live.racer.workspace.logs / "1" / "training" / "sagemaker.log"
    assert f"Restoring from path=model/model/{last}" in log.read_text()
    first = list_checkpoints(live.racer.bucket, ModelKeys("live"))[0]
    assert first.number > last.number


def test_no_secret_gets_out(live: Any, finished: Any) -> None:
    racer = live.racer
    key = json.loads(racer.workspace.store_key.read_text())
    assert stat.S_IMODE(racer.workspace.store_key.stat().st_mode) == 0o600
    secrets = [
        *key.values(),
        json.loads(ProcessFolder.of(racer.workspace, "training", 1).wire_keys.read_text())["server_secret"],
    ]
    assert any("drcli.services.sagemaker" in line for line in live.command_lines)
    said = [done.stdout + done.stderr for done in (finished.training, live.started, live.status, live.second)]
    shown = racer.invoke("start-training", "--dry-run", "--json").stdout
    for secret in secrets:
        assert not [line for line in live.command_lines if secret in line]
        assert not [text for text in (*said, shown) if secret in text]
    private = {racer.workspace.store_key, *racer.workspace.runs.glob("*/*/wire.json")}
    for path in racer.root.rglob("*"):
        if path.is_file() and path not in private:
            assert not [secret for secret in secrets if secret.encode() in path.read_bytes()], path
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


# A run that is left alone, loses each of its parts, is stopped and goes on.


@pytest.fixture(scope="module")
def left(new_racer: Callable[[], Any], until: Until) -> Any:
    """A run over an older model of that name: its supervisor was killed, then Ctrl-C in its view; what `dr` said."""
    racer = new_racer()
    racer.write_run_env(DR_WORKERS="2")
    racer.write_hyperparameters({"num_steps_between_training": 32, "batch_size": 32, "num_epochs": 1})
    bucket = racer.open_bucket()
    bucket.put("model/old.txt", b"")
    bucket.put("model-10/keep.txt", b"")
    started = racer.popen("start-training", "-w", "-y")
    said = [started.stderr.readline() for _ in ("advice", "it starts")]
    folder = ProcessFolder.of(racer.workspace, "training", 0)
    supervisor = folder.read_state().supervisor  # type: ignore[union-attr]
    local_process.kill(supervisor)
    until(lambda: not folder.read_state().is_orphan)  # type: ignore[union-attr]
    started.send_signal(signal.SIGINT)
    stdout, stderr = started.communicate(timeout=60)
    return racer, started.returncode, "".join(said) + stderr, stdout


@pytest.mark.slow
def test_ctrl_c_leaves_the_view_not_the_run(left: Any) -> None:
    racer, code, said, stdout = left
    assert code == 0
    assert said.startswith("tiny is not in DeepRacer on AWS: ")
    assert "\nTraining model on tiny with 2 workers" in said
    assert "Stopped following; the run continues." in said
    assert "next: dr status" in said
    assert stdout == ""
    assert racer.status()["state"] == "running"


@pytest.mark.slow
def test_wiped_and_no_more_than_that(left: Any) -> None:
    bucket = left[0].bucket
    assert not bucket.exists("model/old.txt")
    assert bucket.exists("model-10/keep.txt")


@pytest.mark.slow
def test_it_survives_kill_9_of_any_part_then_stops_and_goes_on(left: Any, until: Until) -> None:
    racer = left[0]
    workspace: Workspace = racer.workspace

    def kill(pid: int) -> int:
        """Kill a process; the iteration at that time."""
        at: int = racer.status()["iteration"]
        psutil.Process(pid).kill()
        return at

    def goes_on(iteration: int, restarts: list[int]) -> bool:
        seen = racer.status()
        now = [service["restarts"] for service in seen["services"]]
        return seen["state"] == "running" and (seen["iteration"] or 0) > iteration and now == restarts

    for name in ("hyperparameters.json", "model_metadata.json", "reward_function.py"):
        racer.bucket.put(f"custom_files/{name}", b"of another run by now")
    trainer, _, worker = (service["pid"] for service in racer.status()["services"])
    at = kill(worker)
    until(lambda: goes_on(at, [0, 0, 1]), every_s=0.2)
    at = kill(trainer)
    until(lambda: goes_on(at, [1, 0, 1]), every_s=0.2)
    log = ProcessFolder.of(workspace, "training", 0).log("sagemaker").read_text()
    assert re.search(r"Restoring from path=model/model/\d+_Step", log)
    store = server_status(workspace).pid
    at = kill(store)
    until(lambda: server_status(workspace).pid not in (None, store) and goes_on(at, [1, 0, 1]), every_s=0.2)
    supervisor = ProcessFolder.of(workspace, "training", 0).read_state().supervisor  # type: ignore[union-attr]
    at = kill(supervisor.pid)
    until(lambda: not supervisor.is_alive)
    assert "a new one was started" in racer.invoke("status").stderr
    assert "supervisor" not in racer.invoke("status").stderr
    until(lambda: goes_on(at, [1, 0, 1]), every_s=0.2)

    assert racer.invoke("stop-training").exit_code == 0
    before = racer.status()
    bucket = racer.bucket
    index = read_index(bucket, MODEL)
    assert index is not None
    assert (
        str(index.last.name)
        == before["last_checkpoint"]
        == f"{before['iteration']}_Step-{before['steps']}.ckpt"
    )
    assert index.last.name == list_checkpoints(bucket, MODEL)[-1]
    assert len(load(read_checkpoint(bucket, MODEL)[1]["safetensors"])) > 10
    driven = 0
    for worker in range(2):
        rows = TrainingMetrics.from_json(bucket.get(training_metrics(MODEL.default_metrics, worker))).episodes
        numbers = [row.episode for row in rows if row.phase == "training"]
        assert numbers == list(range(1, len(numbers) + 1))  # none lost, none twice
        driven += len(numbers)
    assert driven == before["episodes"]

    limit = {
        "num_steps_between_training": 32,
        "batch_size": 32,
        "term_cond_max_episodes": before["episodes"] + 4,
    }
    racer.write_hyperparameters(limit)
    resumed = racer.dr("start-training", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    after = racer.status()
    assert after["iteration"] > before["iteration"] and after["seed"] == before["seed"]
    assert read_index(bucket, MODEL).last.name > index.last.name  # type: ignore[union-attr]


@pytest.mark.slow
def test_three_starts_at_the_same_moment(new_racer: Callable[[], Any], until: Until) -> None:
    """Two of the same run, of which one wins, and one beside it; then each goes its own way."""
    racer = new_racer()
    racer.write_hyperparameters({"num_steps_between_training": 32})
    beside = ("--set", "DR_RUN_ID=1", "--set", "DR_LOCAL_S3_MODEL_PREFIX=beside")
    starts = [racer.popen("start-training", "-q", *words) for words in ((), (), beside)]
    said = [each.communicate(timeout=120)[1] for each in starts]
    codes = [each.returncode for each in starts]
    assert (sorted(codes[:2]), codes[2]) == ([0, 1], 0), said
    refused = said[codes.index(1)]
    assert re.search("already running|already exists", refused), refused
    assert "Traceback" not in refused
    runs = [ProcessFolder.of(racer.workspace, "training", run_id) for run_id in (0, 1)]
    wires = {run.read_plan()["services"][0]["environment"]["DR_WIRE_ENDPOINT"] for run in runs}
    assert len(wires) == 2
    seen = racer.status()
    assert seen["state"] == "running"
    for pid in (service["pid"] for service in seen["services"]):
        sockets = psutil.Process(pid).net_connections("tcp")
        assert {each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN} <= {"127.0.0.1"}
    assert racer.invoke("stop-training").exit_code == 0
    at = racer.status(*beside)["iteration"]
    until(lambda: racer.status(*beside)["iteration"] > at, every_s=0.2)
    refused = racer.invoke("store", "stop")
    assert refused.exit_code == 1
    assert "The training of run 1 uses the store" in refused.stderr
    racer.end()


@pytest.mark.slow
def test_a_reward_function_that_fails_later(new_racer: Callable[[], Any]) -> None:
    racer = new_racer()
    source = "def reward_function(params):\n    if params['steps'] < 6:\n        return 1\n    return params['step']\n"
    (racer.workspace.custom_files / "reward_function.py").write_text(source)
    done = racer.dr("start-training")
    assert done.returncode == 1
    assert "reward_function.py:4: KeyError: 'step'" in done.stderr
    assert "Did you mean params['steps']?" in done.stderr and "'steps': 6" in done.stderr
    assert "Traceback" not in done.stderr
    status = racer.status()
    assert status["state"] == "failed"
    watched = racer.invoke("watch")
    assert watched.exit_code == 1
    assert "reward_function.py" in watched.stderr
    assert "reward_function.py:4" in status["message"]
    assert "reward_function.py:4" in racer.invoke("logs", "robomaker").stdout


# A server of the user's own.


@pytest.fixture
def nas(new_racer: Callable[[], Any], bucket: Bucket, finished: Any) -> Iterator[Any]:
    """A racer whose bucket is on another server, under the keys of a profile; with a trained model in it."""
    racer = new_racer()
    folder = Path(racer.environment["HOME"]) / ".aws"
    folder.mkdir()
    keys = f"aws_access_key_id = {bucket.config.access_key}\naws_secret_access_key = {bucket.config.secret_key}\n"
    (folder / "credentials").write_text(f"[nas]\n{keys}")
    with racer.workspace.system_env.open("a") as file:
        file.write(
            f"DR_CLOUD=remote\nDR_REMOTE_MINIO_URL={bucket.config.endpoint_url}\n"
            f"DR_LOCAL_S3_BUCKET={bucket.config.bucket}\nDR_LOCAL_S3_PROFILE=nas\n"
        )
    for info in finished.racer.bucket.list("model/model/"):
        bucket.put(f"old/{info.key.removeprefix('model/')}", finished.racer.bucket.get(info.key))
    return racer


@pytest.mark.slow
def test_a_server_of_the_users_own_and_the_best_of_a_pretrained_model(nas: Any, bucket: Bucket) -> None:
    nas.write_run_env(
        DR_LOCAL_S3_PRETRAINED="True",
        DR_LOCAL_S3_PRETRAINED_PREFIX="old",
        DR_LOCAL_S3_PRETRAINED_CHECKPOINT="best",
    )
    foreign = {
        "AWS_ACCESS_KEY_ID": "another",
        "AWS_SECRET_ACCESS_KEY": "s3cret",
        "AWS_SESSION_TOKEN": "token",
    }
    done = nas.dr("start-training", **foreign)
    assert done.returncode == 0, done.stderr
    best = read_index(bucket, ModelKeys("old")).best.name  # type: ignore[union-attr]
    log = ProcessFolder.of(nas.workspace, "training", 0).log("sagemaker").read_text()
    assert f"Restoring from path=old/model/{best}" in log
    assert read_index(bucket, MODEL) is not None
    assert not nas.workspace.store.exists()
    status = nas.status()
    assert (status["state"], status["store"]["endpoint_url"]) == ("ended", bucket.config.endpoint_url)
    assert bucket.config.secret_key not in "".join(
        path.read_text(errors="replace") for path in nas.workspace.data.rglob("*") if path.is_file()
    )


def test_dry_run_touches_nothing(tmp_path: Path) -> None:
    from contextlib import chdir

    from click.testing import CliRunner

    from drcli.cli import main

    def dr(*words: str) -> Any:
        with chdir(tmp_path):
            return CliRunner().invoke(main, words, catch_exceptions=False)

    assert dr("init").exit_code == 0
    before = files(tmp_path)
    shown = dr("start-training", "--dry-run", "--set", "DR_WORKERS=3", "--set", "DR_SEED=7")
    assert shown.exit_code == 0
    assert "deepracer-0/robomaker  x3" in shown.stdout and "DR_SEED=7" in shown.stdout
    assert "next: dr start-training" in shown.stderr
    (stack,) = json.loads(dr("start-training", "--dry-run", "--json", "--set", "DR_WORKERS=3").stdout)[
        "stacks"
    ]
    assert (stack["project"], stack["style"], stack["replicas"]["robomaker"]) == (
        "deepracer-0",
        "process",
        3,
    )
    assert stack["services"]["sagemaker"]["environment"]["AWS_SECRET_ACCESS_KEY"] == "********"
    own = ("DR_CLOUD=remote", "DR_REMOTE_MINIO_URL=http://nas:9000", "DR_LOCAL_ACCESS_KEY_ID=AKMINE")
    words = [word for text in (*own, "DR_LOCAL_SECRET_ACCESS_KEY=s3cret") for word in ("--set", text)]
    for more in ((), ("--json",)):
        for command in ("start-training", "evaluate"):
            found = dr(command, "--dry-run", *more, *words)
            assert found.exit_code == 0
            assert "nas:9000" in found.stdout
            assert not [secret for secret in ("s3cret", "AKMINE") if secret in found.stdout + found.stderr]
    assert files(tmp_path) == before
    assert not (tmp_path / "data").exists()
