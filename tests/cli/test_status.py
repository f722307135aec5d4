from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from drcli.launch.plan import Plan
from drcli.launch.processes.process_folder import ProcessFolder, ServiceProcess, SupervisedRun
from drcli.local import ProcessRef


def test_before_anything_ran(new_racer: Callable[[], Any]) -> None:
    racer = new_racer()
    table, document = racer.invoke("status"), racer.invoke("status", "--json")
    assert (table.exit_code, document.exit_code) == (0, 0)
    assert table.stdout.startswith("run 0       never started\nmodel       model\n")
    assert "next: dr start-training" in table.stderr
    assert json.loads(document.stdout)["state"] == "never started"
    assert [path.name for path in racer.workspace.data.iterdir()] == ["tracks"]


def test_while_it_runs(live: Any) -> None:
    seen = json.loads(live.status.stdout)
    assert (seen["run_id"], seen["state"], seen["model"], seen["world_name"]) == (
        1,
        "running",
        "live",
        "tiny",
    )
    assert {service["name"]: service["state"] for service in seen["services"]} == {
        "sagemaker": "running",
        "robomaker-1": "running",
    }
    for key in ("iteration", "episodes", "steps", "evaluations", "workers", "seed"):
        assert isinstance(seen[key], int), key
    assert seen["steps_per_s"] >= 0 and seen["elapsed_s"] > 0
    assert seen["last_checkpoint"].endswith(".ckpt") and seen["best_checkpoint"].endswith(".ckpt")
    assert {"reward", "evaluation_progress"} <= set(seen)
    assert seen["store"]["state"] == "running"
    assert (
        live.status.stderr
        == "next: dr -e live logs -f   # follow the trainer; `dr stop-training` stops the run\n"
    )
    rows = dict(line.split("  ", 1) for line in live.table.stdout.splitlines())
    assert rows["run 1"].strip() == "running"
    assert rows["sagemaker"].strip() == rows["robomaker-1"].strip() == "running"
    assert "steps/s" in rows["steps"]


def test_after_it_was_stopped(live: Any) -> None:
    seen = json.loads(live.after.stdout)
    assert (seen["state"], seen["stop_reason"]) == ("ended", "stopped on request")
    assert [service["state"] for service in seen["services"]] == ["ended", "ended"]
    assert seen["last_checkpoint"].endswith(f"_Step-{seen['steps']}.ckpt")
    assert seen["reward"] is not None and seen["evaluation_progress"] is not None


def test_after_the_end(finished: Any) -> None:
    seen = finished.racer.status()
    assert seen["state"] == "ended"
    assert "term_cond_max_episodes" in seen["stop_reason"]
    assert (seen["episodes"], seen["evaluation"]["state"]) == (8, "ended") or seen["episodes"] > 8
    text = finished.racer.invoke("status")
    assert "training episodes are driven" in text.stdout.splitlines()[0]
    assert "next: dr evaluate" in text.stderr


def test_a_run_that_was_killed_as_a_whole(new_racer: Callable[[], Any]) -> None:
    """As after a power cut; nobody starts it again behind the user's back."""
    racer, gone = new_racer(), ProcessRef(2**22 + 1, 0.0)
    folder = ProcessFolder.of(racer.workspace, "training", 0)
    folder.write_plan(Plan(kind="training", run_id=0, prefix="model", world_name="tiny", style="process"))
    folder.write_state(SupervisedRun("running", gone, 0.0, (ServiceProcess("sagemaker", 0, gone),)))
    result = racer.invoke("status")
    assert result.exit_code == 0
    assert result.stdout.startswith("run 0       lost, ")
    assert "--resume" in result.stdout
    assert racer.invoke("stop-training").stdout == "No training of run 0 is running.\n"
