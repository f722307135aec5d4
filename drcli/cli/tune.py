"""`dr tune FILE`: search for the best values with Optuna instead of listing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from drcli.cli.sweep_options import sweep_options
from drcli.errors import UsageError


@click.command()
@sweep_options
@click.pass_obj
def command(experiment: str | None, /, file: Path, overrides: tuple[str, ...], **how: Any) -> None:
    """Search for the best hyperparameters, settings or action space: Optuna suggests what to train next.

    Trainings whose evaluations are below the median of the others are ended early. `dr sweep status`, `results` and
    `stop` work for searches, too, and Optuna's own dashboard opens what it knows. Needs the package optuna.

    \b
      dr tune lr.yaml --dry-run
      dr tune lr.yaml
      dr sweep results lr
    """
    from importlib.util import find_spec

    from drcli.cli import follow_sweep
    from drcli.missing_package import install_command

    if find_spec("optuna") is None:
        raise UsageError("`dr tune` needs the package optuna.", f"`{install_command('optuna')}` installs it.")
    follow_sweep.run(experiment, file, overrides, is_search=True, **how)
