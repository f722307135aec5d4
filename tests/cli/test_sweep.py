"""`dr sweep`: files that are refused, dry runs, and real sweeps that are killed, stopped and continued."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import optuna
import pytest
from polling import DEADLINE_S

from drcli.contract.keys import ModelKeys
from drcli.launch import local_process, run_control
from drcli.launch.processes.process_folder import ProcessFolder
from drcli.store.checkpoints import list_checkpoints
from drcli.store.run_status import read_status
from drcli.sweep.study import open_study
from drcli.sweep.sweep_folder import SweepFolder

RAISES = """
def reward_function(params):
    if params["steps"] > 3:  # fine on the trial before the start, and reached in every episode
        raise ValueError("enough")
    return 1.0
"""
SPEED = "def reward_function(params):\n    return float(params['speed'])\n"
BASE = "settings: {DR_TRAIN_MAX_MINUTES: 20}\nevaluate: {settings: {DR_EVAL_NUMBER_OF_TRIALS: 1}}\n"


@pytest.fixture(scope="module")
def racer(new_racer: Callable[[], Any]) -> Iterator[Any]:
    racer = new_racer()
    (racer.root / "mine").mkdir()
    for name, text in (("raises", RAISES), ("speed", SPEED), ("broken", "def reward_function(params:\n")):
        (racer.root / "mine" / f"{name}.py").write_text(text)
    yield racer
    for path in racer.workspace.sweeps.glob("*"):
        process = SweepFolder(path, racer.root).process
        if process is not None:
            local_process.kill(process)


def write(racer: Any, name: str, text: str) -> str:
    (racer.root / f"{name}.yaml").write_text(text)
    return f"{name}.yaml"


def folder_of(racer: Any, name: str) -> SweepFolder:
    return SweepFolder.of(racer.workspace, name)


def test_a_dry_run_lists_the_variants_and_changes_nothing(racer: Any) -> None:
    file = write(racer, "plan", BASE + "grid:\n  reward_function: [mine/speed.py]\n  seed: [1, 2]\n")
    shown = racer.invoke("sweep", file, "--dry-run")
    assert shown.exit_code == 0, shown.stderr
    assert "speed-s1" in shown.stdout and "speed-s2" in shown.stdout
    assert "2 variants, each evaluated on tiny." in shown.stdout
    assert "at most 40 min 00 s (DR_TRAIN_MAX_MINUTES)" in shown.stdout or "at most 20 min" in shown.stdout
    assert "Disk: about" in shown.stdout
    document = json.loads(racer.invoke("sweep", file, "--dry-run", "--json", "--keep", "best").stdout)
    assert [variant["prefix"] for variant in document["variants"]] == ["plan-speed-s1", "plan-speed-s2"]
    assert document["estimate"]["variants"] == 2
    assert not list(racer.workspace.sweeps.glob("*"))
    assert not list(racer.workspace.sweeps.glob(".*"))


REFUSED = {
    "grid: {hyperparameters.lr: [0.001, fast]}": ("bad.yaml:3", "custom_files/hyperparameters.json"),
    "grid: {DR_WORKERS: [1, many]}": ("bad.yaml:3: DR_WORKERS=many: expected", ""),
    "grid:\n  reward_function: [mine/speed.py, mine/broken.py]": ("bad.yaml:4", "mine/broken.py:1"),
    "grid: {track: [tiny, nowhere]}": ("DR_WORLD_NAME", "nowhere"),
    "grid: {seed: [1]}\nname: x\nrank_by: mean": ("bad.yaml:5: rank_by", ""),
    "list: [{action_space: [{steering_angle: 9, speed: fast}]}]": ("bad.yaml:3", "model_metadata.json"),
    "grid: {DR_RACE_TYPE: [HEAD_TO_MODEL]}": ("bad.yaml:3", "for evaluations"),
    "grid: {seed: [1]}\nsettings2: {}": ("bad.yaml:4: settings2 is not a key", ""),
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_bad_file_is_refused_before_anything_starts(racer: Any, text: str) -> None:
    refused = racer.invoke("sweep", write(racer, "bad", BASE + text + "\n"))
    assert refused.exit_code in (1, 2), refused.stdout
    for words in REFUSED[text]:
        assert words in refused.stderr
    assert ".part" not in refused.stderr  # the user's own files are named, not their copies
    assert not racer.workspace.sweeps.exists() or not list(racer.workspace.sweeps.glob("*bad*"))
    assert not racer.workspace.runs.exists() or not list(run_control.running(racer.workspace))


def test_examples_are_sound(racer: Any, tmp_path: Path) -> None:
    for name in ("one-model", "one-track", "several-tracks", "search"):
        written = racer.invoke("sweep", "example", name)
        assert written.exit_code == 0, written.stderr
        command = "tune" if name == "search" else "sweep"
        planned = racer.invoke(command, f"{name}.yaml", "--dry-run")
        assert planned.exit_code == 0, planned.stderr
        assert "warning" not in planned.stderr
        again = racer.invoke("sweep", "example", name)
        assert again.exit_code == 1
        assert "exists" in again.stderr


def test_without_a_sweep_there_is_a_next_step(new_racer: Callable[[], Any]) -> None:
    nothing = new_racer().invoke("sweep", "status")
    assert nothing.exit_code == 1
    assert "No sweep was ever started here." in nothing.stderr
    assert "docs/sweeps.md" in nothing.stderr


def kill_all(racer: Any, name: str) -> None:
    """As if the machine had lost its power."""
    process = folder_of(racer, name).process
    assert process is not None
    local_process.kill(process)
    for path in racer.workspace.runs.glob("*/*"):
        seen = ProcessFolder(path, Path()).read_state()
        for ref in (seen.supervisor, *(replica.process for replica in seen.replicas)) if seen else ():
            local_process.kill(ref)


@pytest.mark.slow
def test_it_goes_on_after_everything_was_killed_and_one_failure_stops_nobody(racer: Any, until: Any) -> None:
    text = (
        BASE
        + "list:\n  - {name: fine}\n  - {name: raises, reward_function: mine/raises.py}\n  - {name: last}\n"
    )
    file = write(racer, "night", text)
    started = racer.dr("sweep", file, "-q")
    assert started.returncode == 0, started.stderr
    folder = folder_of(racer, "night")
    until(lambda: folder.variants()[0].state.state == "training")
    until(lambda: bool(list_checkpoints(racer.bucket, ModelKeys("night-fine"))))
    kill_all(racer, "night")
    broken = racer.invoke("sweep", "status")
    assert "night is interrupted." in broken.stderr
    assert "dr sweep night.yaml" in broken.stderr

    done = racer.dr("sweep", file, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["state"] == "ended"
    states = {variant["name"]: variant["state"] for variant in document["variants"]}
    assert states == {"fine": "done", "raises": "failed", "last": "done"}
    (raised,) = (variant for variant in document["variants"] if variant["name"] == "raises")
    assert raised["message"] == "mine/raises.py:4: ValueError: enough"
    assert "enough" in (folder.variant_path("raises") / "logs" / "training" / "robomaker-1.log").read_text()
    for variant in document["variants"]:
        if variant["state"] == "done":
            (result,) = variant["results"]
            assert (result["world_name"], result["trials"]) == ("tiny", 1)
            assert variant["steps"] > 0 and variant["trained_s"] > 0
    assert document["rows"][-1]["variant"] == "raises"
    assert not list(run_control.running(racer.workspace))

    table = racer.invoke("sweep", "results", "night")
    assert table.stdout.splitlines()[0].split()[:2] == ["variant", "laps"]
    assert "raises failed:" in table.stderr
    rows = list(csv.DictReader(StringIO(racer.invoke("sweep", "results", "night", "--csv").stdout)))
    assert [row["place"] for row in rows] == ["1", "2", ""]
    evaluated = racer.invoke("evaluate", "--set", f"DR_LOCAL_S3_MODEL_PREFIX={rows[0]['prefix']}", "--json")
    assert evaluated.exit_code == 0, evaluated.stderr

    refused = racer.invoke("sweep", file, "--set", "DR_SEED=7")
    assert refused.exit_code == 2
    assert "night was started with no --set" in refused.stderr
    assert len(list_checkpoints(racer.bucket, ModelKeys("night-fine"))) > 1
    again = racer.invoke("sweep", file, "--keep", "best")
    assert again.exit_code == 0
    assert "night has ended; -w starts it from scratch." in again.stderr
    for name in ("night-fine", "night-last"):
        assert len(list_checkpoints(racer.bucket, ModelKeys(name))) == 1
    write(racer, "night", text + "# changed\n")
    changed = racer.invoke("sweep", file)
    assert changed.exit_code == 2
    assert "its file has changed" in changed.stderr
    refused = racer.invoke("sweep", file, "-w", answer="n\n")
    assert "Delete 3 models" in refused.stderr
    assert refused.exit_code == 1
    assert folder.exists and list_checkpoints(racer.bucket, ModelKeys("night-fine"))


@pytest.mark.slow
def test_ctrl_c_leaves_it_and_stop_loses_nothing(racer: Any, until: Any) -> None:
    (racer.root / "endless.json").write_text(
        json.dumps({"batch_size": 32, "num_epochs": 1, "num_steps_between_training": 32})
    )
    text = BASE + "list:\n  - {name: long, hyperparameters: endless.json}\n  - {name: next}\nkeep: best\n"
    file = write(racer, "day", text)
    watched = racer.popen("sweep", file, "--at-a-time", "1")
    folder = folder_of(racer, "day")
    until(lambda: folder.exists and folder.variants()[0].state.state == "training")
    until(lambda: bool(list_checkpoints(racer.bucket, ModelKeys("day-long"))))
    watched.send_signal(signal.SIGINT)
    _, said = watched.communicate(timeout=DEADLINE_S)
    assert "the sweep continues" in said
    assert folder.process is not None
    status = json.loads(racer.invoke("sweep", "status", "day", "--json").stdout)
    assert status["state"] == "running"
    assert status["variants"][0]["state"] == "training"
    assert status["variants"][1]["state"] == "waiting"

    refused = racer.invoke("sweep", file, "--at-a-time", "2")
    assert refused.exit_code == 2
    assert "day is running" in refused.stderr
    stopped = racer.invoke("sweep", "stop")
    assert "day has stopped." in stopped.stdout
    assert folder.process is None
    assert not list(run_control.running(racer.workspace))
    assert "day is not running." in racer.invoke("sweep", "stop").stdout
    before = max(list_checkpoints(racer.bucket, ModelKeys("day-long")))
    first = read_status(racer.bucket, "day-long")
    assert first is not None

    # Give it an end, as an hour is too long for a test, and go on.
    hyperparameters = folder.variant_path("long") / "custom_files" / "hyperparameters.json"
    hyperparameters.write_text(
        json.dumps({**json.loads(hyperparameters.read_text()), "term_cond_max_episodes": first.episodes + 4})
    )
    ended = racer.dr("sweep", file, "--json")
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert [variant["state"] for variant in document["variants"]] == ["done", "done"]
    for name in ("day-long", "day-next"):
        assert len(list_checkpoints(racer.bucket, ModelKeys(name))) == 1  # keep: best
    assert document["variants"][0]["steps"] > before.steps  # it has continued to learn
    second = read_status(racer.bucket, "day-long")
    assert second is not None and second.started_at > first.started_at
    both_s = first.elapsed_s + second.elapsed_s
    assert document["variants"][0]["trained_s"] == pytest.approx(both_s, abs=0.1)


@pytest.mark.slow
def test_a_search_tries_values_and_tells_optuna(racer: Any, until: Any) -> None:
    text = (
        BASE
        + "trials: 3\nat_a_time: 2\n"  # so that one is left whenever it is killed
        + "search:\n  hyperparameters.lr: {low: 1e-4, high: 1e-2, log: true}\n  seed: [1, 2]\n"
    )
    file = write(racer, "search-lr", text)
    started = racer.dr("tune", file, "-q")
    assert started.returncode == 0, started.stderr
    folder = folder_of(racer, "search-lr")
    until(lambda: any(variant.state.is_over for variant in folder.variants()))
    kill_all(racer, "search-lr")
    done = racer.dr("tune", file, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [variant["name"] for variant in document["variants"]] == ["t1", "t2", "t3"]
    rates = [variant["choices"]["hyperparameters.lr"] for variant in document["variants"]]
    assert all(1e-4 <= rate <= 1e-2 for rate in rates)
    assert len(set(rates)) == 3
    trained = [
        json.loads(racer.bucket.get(ModelKeys(variant["prefix"]).hyperparameters))["lr"]
        for variant in document["variants"]
    ]
    assert trained == rates
    study = open_study(folder)
    assert len(study.trials) == 3
    assert all(trial.state.is_finished() for trial in study.trials)
    kept = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    assert kept and study.best_value == min(trial.value for trial in kept)
