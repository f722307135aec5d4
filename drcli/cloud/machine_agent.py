"""What a rented machine does: `python -m drcli.cloud.machine_agent JOB_KEY --bucket … --region …`.

It fetches the job and the workspace, runs the job's command, reports to the bucket, and ends the run in good order
when the provider takes the machine back, when somebody asks it to end, or when its time is over. It does not turn the
machine off: the script that has started it does, see `drcli.cloud.user_data`.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeVar

from drcli.cloud import log_sync, machine_settings
from drcli.cloud.cloud_job import CloudJob, CloudState
from drcli.cloud.job_run import JobRun, Outcome, model_state
from drcli.cloud.spot_notice import MetadataService
from drcli.cloud.state_report import AnotherMachine, StateReport, read_state, wait_for_turn
from drcli.cloud.sweep_memory import SweepMemory
from drcli.cloud.workspace_archive import unpack
from drcli.contract.exit_codes import DONE, INTERRUPTED, TIME_OVER
from drcli.errors import DrError, UsageError
from drcli.local import write_atomically
from drcli.paths import Workspace
from drcli.retry import keep_trying
from drcli.store.client import Bucket
from drcli.store.store_config import StoreConfig

FAILED = 1
_LAST_MINUTES_S = 180.0  # a run is stopped so long before its end, so that all of it arrives in the bucket
_MACHINE_TAKEN = "The provider takes the machine back"

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Pace:
    """How often and for how long, in seconds; tests are faster.

    notice: between two looks at the metadata service; report: between two reports; silent: after which another
    machine counts as gone; turn: how long to wait for that; patience: with an unreachable bucket at start and end;
    stop: how long the run may take to end, of the 2 minutes that a spot machine has.
    """

    notice: float = 5.0
    report: float = 60.0
    silent: float = 150.0
    turn: float = 600.0
    patience: float = 120.0
    stop: float = 90.0


@dataclass(frozen=True)
class Machine:
    """This machine: its name, the folder of its files, its own log; ends_at: when its run has to end (monotonic)."""

    name: str
    folder: Path
    log: Path | None = None
    ends_at: float | None = None

    @property
    def workspace_root(self) -> Path:
        """Where the workspace is unpacked."""
        return self.folder / "workspace"

    @property
    def run_log(self) -> Path:
        """What the job's command prints."""
        return self.folder / "run.log"


def say(text: str) -> None:
    """A line in the machine's log."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S', time.gmtime())} {text}\n")
    sys.stdout.flush()


class MachineAgent:
    """Does one job on one machine."""

    def __init__(self, bucket: Bucket, job_key: str, machine: Machine, pace: Pace) -> None:
        self._bucket, self._job_key, self._machine, self._pace = bucket, job_key, machine, pace
        self._metadata = MetadataService()
        self.asked_to_end = Event()  # by a signal

    def work(self) -> int:
        """Do the job to its end; the exit code. Raises DrError if it cannot start and nobody can be told."""
        job = CloudJob.from_json(self._patiently(lambda: self._bucket.get(self._job_key)))
        pace = self._pace
        self._warn_of_another(job)
        wait_for_turn(self._bucket, job, self._machine.name, pace.silent, pace.turn)
        earlier = self._patiently(lambda: log_sync.earlier_logs(self._bucket, job.keys.logs))
        sweeps = SweepMemory(self._bucket, job.keys.sweeps, Workspace(self._machine.workspace_root))
        self._patiently(sweeps.restore)
        report = self._report(job, log_sync.next_number(earlier), sweeps)
        report.start(pace.report)
        try:
            run = self._start(job, report, has_run=log_sync.has_run(earlier))
            report.change(phase="running")
            outcome = self._follow(run, report)
        except DrError as error:
            outcome = Outcome("failed", error.message, error.hint)
        return self._finish(report, outcome)

    def _report(self, job: CloudJob, number: int, sweeps: SweepMemory) -> StateReport:
        workspace = Workspace(self._machine.workspace_root)
        own = {log_sync.RUN_LOG: self._machine.run_log}
        if self._machine.log is not None:
            own[log_sync.MACHINE_LOG] = self._machine.log
        logs = log_sync.LogSync(
            self._bucket, job.keys.logs, number, lambda: own | log_sync.logs_of(workspace)
        )
        now = time.time()
        state = CloudState("installing", started_at=now, updated_at=now, machine=self._machine.name)
        return StateReport(self._bucket, job, state, (logs, sweeps), say)

    def _start(self, job: CloudJob, report: StateReport, *, has_run: bool) -> JobRun:
        """Unpack the workspace and start the command in it."""
        packed = self._patiently(lambda: self._bucket.get(job.keys.workspace))
        names = unpack(packed, self._machine.workspace_root)
        say(f"The workspace has {len(names)} files.")
        workspace = Workspace(self._machine.workspace_root, job.experiment)
        machine_settings.settle(workspace, job)
        _, refused = machine_settings.allowed_overrides(job)
        for text in refused:
            say(f"--set {text} has no effect: the machine sets it itself.")
        run = JobRun(job, workspace, self._machine.run_log, say)
        prefix = run.model_prefix()
        report.change(model_prefix=prefix)
        run.start(self._patiently(lambda: model_state(self._bucket, prefix, has_run=has_run)))
        return run

    def _follow(self, run: JobRun, report: StateReport) -> Outcome:
        """Wait for the end of the run, or end it if there is a reason to."""
        while run.is_running:
            reason = self._reason_to_end(run.job, report)
            if reason:
                say(f"{reason}: stopping the run.")
                report.change(message=f"{reason}.")
                run.stop(self._pace.stop)
                return _interrupted(run, reason)
            self.asked_to_end.wait(self._pace.notice)
        return run.outcome()

    def _reason_to_end(self, job: CloudJob, report: StateReport) -> str:
        """Why the run has to end now; empty if it may continue."""
        if self.asked_to_end.is_set():
            return "The machine was asked to end"
        if report.is_replaced.is_set():
            return "Another machine has taken over"
        if self._is_time_over():
            return f"The {job.hours:g} h of this machine are over"
        notice = self._metadata.notice()
        if notice is None:
            return ""
        report.change(notice_at=notice.at)
        return (
            f"{_MACHINE_TAKEN} at {time.strftime('%H:%M:%S', time.gmtime(notice.at))} UTC ({notice.action})"
        )

    def _is_time_over(self) -> bool:
        ends_at = self._machine.ends_at
        return ends_at is not None and time.monotonic() > ends_at

    def _finish(self, report: StateReport, outcome: Outcome) -> int:
        say(f"The run has {outcome.phase}." if outcome.phase != "interrupted" else "The run was interrupted.")
        if outcome.message:
            say(outcome.message)
        told = report.end(
            self._pace.patience,
            phase=outcome.phase,
            message=outcome.message,
            hint=outcome.hint,
            exit_code=outcome.exit_code,
        )
        if not told:
            say("That could not be reported to the bucket.")
        interrupted = TIME_OVER if self._is_time_over() else INTERRUPTED
        return {"ended": DONE, "interrupted": interrupted}.get(outcome.phase, FAILED)

    def _warn_of_another(self, job: CloudJob) -> None:
        state = self._patiently(lambda: read_state(self._bucket, job))
        if state is not None and state.machine not in ("", self._machine.name) and not state.is_over:
            say(
                f"warning: another machine, {state.machine}, has reported {state.phase} at "
                f"{time.strftime('%H:%M:%S', time.gmtime(state.updated_at))} UTC. This one waits until it is silent."
            )

    def _patiently(self, action: Callable[[], _Answer]) -> _Answer:
        """`action`, tried again while the bucket is unreachable: a role takes some seconds to work, too."""
        return keep_trying(
            action,
            is_worth_it=lambda error: not isinstance(error, UsageError),
            patience_s=self._pace.patience,
            pause_s=lambda attempt: min(2.0**attempt, 15.0),
            report=lambda error, pause_s: say(f"{error.message} Trying again in {pause_s:.0f} s."),
        )


def _interrupted(run: JobRun, reason: str) -> Outcome:
    """How a run ended that was stopped; it may have been faster."""
    outcome = run.outcome()
    if outcome.phase == "ended" and not run.was_stopped:
        return outcome
    return Outcome(
        "interrupted",
        f"{reason}. The run was stopped with its last checkpoint.",
        "`dr cloud up --resume` continues it.",
        outcome.exit_code,
    )


def main(arguments: Sequence[str] | None = None, pace: Pace | None = None) -> int:
    """Do the job that the command line names; the exit code, see `drcli.contract.exit_codes`; 1 if it failed."""
    given = _parser().parse_args(arguments)
    name = MetadataService().instance_id() or f"{socket.gethostname()}-{secrets.token_hex(3)}"
    spare_s = min(_LAST_MINUTES_S, 0.1 * (given.for_s or 0.0))
    ends_at = None if given.for_s is None else time.monotonic() + given.for_s - spare_s
    machine = Machine(name, given.folder.resolve(), given.log, ends_at)
    write_atomically(machine.folder / "machine-name", name.encode())  # the script reports with it if we fail
    bucket = Bucket(StoreConfig(given.bucket, given.endpoint_url or None, given.region))
    agent = MachineAgent(bucket, given.job_key, machine, pace or Pace())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.asked_to_end.set())
    try:
        return agent.work()
    except AnotherMachine as error:
        say(str(error))
        return FAILED
    except DrError as error:
        say(f"error: {error}")
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drcli.cloud.machine_agent", description=__doc__)
    parser.add_argument("job_key", help="the job's document in the bucket: cloud/NAME/job.json")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--endpoint-url", default="", help="of another S3 server than that of AWS")
    parser.add_argument("--folder", type=Path, default=Path("drcli-machine"), help="for files of the machine")
    parser.add_argument("--log", type=Path, help="the log of the machine itself, to be copied to the bucket")
    parser.add_argument("--for-s", type=float, help="how many seconds are left to this machine")
    return parser


if __name__ == "__main__":
    sys.exit(main())
