"""The container that DeepRacer calls robomaker: `python -m drcli.services.robomaker` runs one worker of a training."""

from __future__ import annotations

from drcli.services.shared import program
from drcli.services.worker.worker_program import work


def main() -> None:
    """Run one worker."""
    program.run(work)


if __name__ == "__main__":
    main()
