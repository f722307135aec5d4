"""The container that DeepRacer calls sagemaker: `python -m drcli.services.sagemaker` runs the trainer of one run."""

from __future__ import annotations

from drcli.services.shared import program
from drcli.services.trainer.training_program import train


def main() -> None:
    """Run the trainer."""
    program.run(train)


if __name__ == "__main__":
    main()
