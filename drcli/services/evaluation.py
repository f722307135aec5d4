"""`python -m drcli.services.evaluation` evaluates one checkpoint, on its own, and ends."""

from __future__ import annotations

from drcli.services.evaluator.evaluation_job import evaluate
from drcli.services.shared import program


def main() -> None:
    """Run one evaluation."""
    program.run(evaluate)


if __name__ == "__main__":
    main()
