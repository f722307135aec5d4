"""How all models of a sweep are evaluated: the tracks, and the settings, which are the same for all of them."""

from __future__ import annotations

from collections.abc import Iterable

from drcli.config.envfile import Assignment
from drcli.config.load import load_settings
from drcli.config.settings import Settings
from drcli.sweep.sweep_folder import SweepFolder
from drcli.sweep.variant_files import HERE

SEED = "1"  # of evaluations, unless the file or run.env says otherwise: the same starts for all models


def tracks_among(trained_on: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """All tracks that variants are trained on: where their file names none, every model drives on each of them."""
    return tuple(dict.fromkeys(name for names in trained_on for name in names))


def evaluation_settings(folder: SweepFolder, prefix: str, track: str, run_id: int) -> Settings:
    """The settings of an evaluation: those of the base and of the file; only the model and the track differ."""
    sweep = folder.read()
    own = {
        "DR_RUN_ID": str(run_id),
        "DR_WORLD_NAME": track,
        "DR_LOCAL_S3_MODEL_PREFIX": prefix,
        "DR_LOCAL_S3_METRICS_PREFIX": f"{prefix}/metrics",
    }
    pins: list[str | Assignment] = [
        *sweep.overrides,
        *(Assignment(key, text, where) for key, (text, where) in sweep.evaluation.items()),
        *(Assignment(key, text, HERE, literal=True) for key, text in own.items()),
    ]
    return load_settings(folder.workspace(folder.base), pins)
