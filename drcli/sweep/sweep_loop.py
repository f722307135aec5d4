"""The process of a sweep: keeps as many variants going as there is room for, until none is left.

`python -m drcli.sweep.sweep_loop ROOT NAME`, started by `drcli.sweep.sweep_control`. The runs that it starts have
supervisors of their own: if it is killed, they go on, and the next process of the sweep takes them over.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from drcli.launch import run_control
from drcli.paths import Workspace
from drcli.sweep.sweep_folder import Sweep, SweepFolder, VariantFolder, VariantState
from drcli.sweep.variant_run import VariantRun

_POLL_S = 0.25
_RUN_IDS = range(99, 0, -1)  # from the end: the first ones are those that users choose


class Source(Protocol):
    """Where variants come from: a list, or a search that thinks of the next one."""

    def waiting(self, active: int) -> Iterator[VariantFolder]:
        """The variants to start next, those first that have begun. active: how many are on their way."""

    def is_hopeless(self, run: VariantRun) -> bool:
        """Whether a training is not worth going on."""

    def tell(self, variant: VariantFolder, state: VariantState) -> None:
        """A variant is over."""


class Listed:
    """The variants of a sweep, which are all known at its start."""

    def __init__(self, folder: SweepFolder) -> None:
        self._variants = folder.variants()

    def waiting(self, active: int) -> Iterator[VariantFolder]:
        """Those that are not over, those first that have begun."""
        states = {variant.name: variant.state for variant in self._variants}
        left = [variant for variant in self._variants if not states[variant.name].is_over]
        yield from sorted(left, key=lambda variant: states[variant.name].state == "waiting")

    def is_hopeless(self, run: VariantRun) -> bool:
        """Never: all of them shall be compared."""
        return False

    def tell(self, variant: VariantFolder, state: VariantState) -> None:
        """Nothing depends on it."""


class SweepLoop:
    """Runs one sweep."""

    def __init__(self, folder: SweepFolder, source: Source) -> None:
        self._folder = folder
        self._sweep: Sweep = folder.read()
        self._source = source
        self._workspace = Workspace(folder.root, self._sweep.experiment)
        self._active: dict[str, VariantRun] = {}

    def run(self) -> bool:
        """Run until no variant is left; False if it was asked to stop before."""
        while not self._folder.stop_request.exists():
            self._fill()
            if not self._active:
                return True
            for run in list(self._active.values()):
                self._advance(run)
            time.sleep(_POLL_S)
        for run in self._active.values():
            run.stop()
        return False

    def _advance(self, run: VariantRun) -> None:
        state = run.step()
        if state.state == "training" and self._source.is_hopeless(run):
            run.prune()
            state = run.state
        if state.is_over:
            del self._active[run.variant.name]
            self._source.tell(run.variant, state)
            _say(f"{run.variant.name}: {state.state}" + (f": {state.message}" if state.message else ""))

    def _fill(self) -> None:
        """Start as many variants as there is room for."""
        if len(self._active) >= self._sweep.at_a_time:
            return
        for variant in self._source.waiting(len(self._active)):
            if variant.name not in self._active:
                run_id = self._run_id(variant)
                if run_id is None:
                    return
                self._active[variant.name] = VariantRun(self._folder, self._sweep, variant, run_id)
                _say(f"{variant.name}: run {run_id}")
            if len(self._active) >= self._sweep.at_a_time:
                return

    def _run_id(self, variant: VariantFolder) -> int | None:
        """Its run id if it has begun, else one that nobody uses; None if all are in use."""
        mine = {run.run_id for run in self._active.values()}
        state = variant.state
        if (
            state.state in ("training", "evaluating")
            and state.run_id is not None
            and state.run_id not in mine
        ):
            return state.run_id
        taken = mine | {folder.run_id for folder in run_control.running(self._workspace)}
        return next((run_id for run_id in _RUN_IDS if run_id not in taken), None)


def source_of(folder: SweepFolder) -> Source:
    """The source of a sweep's or a search's variants."""
    if folder.read().trials is None:
        return Listed(folder)
    from drcli.sweep.study import Study

    return Study(folder)


def _say(text: str) -> None:
    sys.stdout.write(f"{time.strftime('%Y/%m/%d %H:%M:%S')} {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Run the sweep that the command line names."""
    root, name = Path(sys.argv[1]), sys.argv[2]
    folder = SweepFolder.of(Workspace(root), name)
    has_ended = SweepLoop(folder, source_of(folder)).run()
    _say("Ended." if has_ended else "Stopped.")


if __name__ == "__main__":
    main()
