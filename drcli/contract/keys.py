"""Every key in the bucket. The layout is the community simulator's and DeepRacer-for-Cloud's, so that their
tools find what we write: deepracer-simapp `markov/boto/s3/constants.py`, deepracer-for-cloud `scripts/`.

Our own keys are marked "ours"; none of them resembles one of theirs.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from drcli.contract.checkpoint_names import NATIVE, file_name


def join(*parts: str) -> str:
    """A key in the one form all stores accept: no leading, doubled or trailing slash, no dots."""
    return posixpath.normpath("/".join(parts)).lstrip("/")


@dataclass(frozen=True)
class ModelKeys:
    """The keys of one model: all objects under its prefix."""

    prefix: str

    def key(self, *parts: str) -> str:
        """A key under the prefix."""
        return join(self.prefix, *parts)

    # inputs of a run

    def params(self, file_name: str) -> str:
        """The params document of a training or an evaluation."""
        return self.key(file_name)

    @property
    def reward_function(self) -> str:
        """The reward function the model was trained with."""
        return self.key("reward_function.py")

    @property
    def model_metadata(self) -> str:
        """Sensors and action space, as trained."""
        return self.key("model", "model_metadata.json")

    @property
    def hyperparameters(self) -> str:
        """The hyperparameters of the run, defaults filled in."""
        return self.key("ip", "hyperparameters.json")

    # how trainer and workers find each other

    @property
    def ip(self) -> str:
        """Where the trainer listens: `{"IP": "…"}`."""
        return self.key("ip", "ip.json")

    @property
    def ip_done(self) -> str:
        """Written after `ip.json`: workers wait for it."""
        return self.key("ip", "done")

    @property
    def ready(self) -> str:
        """Written with the first checkpoint: workers may start."""
        return self.key("model", ".ready")

    @property
    def finished(self) -> str:
        """Written when the trainer ends: workers stop."""
        return self.key("model", ".finished")

    @property
    def tracks_folder(self) -> str:
        """The run's own copies of tracks that drcli does not ship, with a slash at the end (ours)."""
        return self.key("tracks") + "/"

    @property
    def status(self) -> str:
        """Progress of the run (ours)."""
        return self.key("status.json")

    # checkpoints

    @property
    def lock(self) -> str:
        """Exists while checkpoints are being written: do not read them."""
        return self.key("model", ".lock")

    @property
    def coach_checkpoint(self) -> str:
        """One line: the name of the checkpoint in use."""
        return self.key("model", ".coach_checkpoint")

    @property
    def checkpoints_index(self) -> str:
        """The best and the last checkpoint."""
        return self.key("model", "deepracer_checkpoints.json")

    def checkpoint(self, name: str, part: str = NATIVE) -> str:
        """A file of checkpoint `name` (`12_Step-3456.ckpt`): a suffix, or GRAPH for the frozen graph next to it."""
        return self.key("model", file_name(name, part))

    @property
    def model_folder(self) -> str:
        """The folder of the checkpoints, with a slash at the end."""
        return self.key("model") + "/"

    # outputs of a run

    def training_trace(self, iteration: int, worker: int = 0, workers: int = 1) -> str:
        """The steps of one training iteration of one worker; one folder per worker if there are several."""
        folder = [str(worker)] if workers > 1 else []
        return self.key(*folder, "training-simtrace", f"{iteration}-iteration.csv")

    @property
    def default_metrics(self) -> str:
        """Where training metrics are unless DR_LOCAL_S3_METRICS_PREFIX says otherwise."""
        return self.key("metrics", "TrainingMetrics.json")

    @property
    def learning_curve(self) -> str:
        """How the training went, point by point (ours)."""
        return self.key("metrics", "learning.jsonl")

    def tensorboard(self, file_name: str) -> str:
        """An event file for TensorBoard (ours); an empty name: their folder, without a slash."""
        return self.key("tensorboard", file_name)


def training_metrics(metrics_key: str, worker: int = 0) -> str:
    """The metrics of one worker, given METRICS_S3_OBJECT_KEY: `<stem>_<worker>.json` from the second on."""
    stem, suffix = posixpath.splitext(metrics_key)
    return join(f"{stem}_{worker}{suffix}" if worker else metrics_key)


def evaluation_trace(simtrace_prefix: str) -> str:
    """The steps of an evaluation, given SIMTRACE_S3_PREFIX."""
    return join(simtrace_prefix, "evaluation-simtrace", "0-iteration.csv")


def evaluation_facts(simtrace_prefix: str) -> str:
    """The checkpoint and the track of an evaluation, given SIMTRACE_S3_PREFIX (ours)."""
    return join(simtrace_prefix, "evaluation.json")


@dataclass(frozen=True)
class CloudKeys:
    """The keys of one job on a rented machine (ours)."""

    name: str

    @property
    def folder(self) -> str:
        """All of them are under it; with a slash at the end."""
        return join("cloud", self.name) + "/"

    @property
    def job(self) -> str:
        """What the machine does."""
        return self.folder + "job.json"

    @property
    def workspace(self) -> str:
        """The packed workspace."""
        return self.folder + "workspace.tar.gz"

    @property
    def state(self) -> str:
        """What the machine reports."""
        return self.folder + "state.json"

    @property
    def sweeps(self) -> str:
        """What its sweeps know about their variants."""
        return self.folder + "sweeps.tar.gz"

    @property
    def logs(self) -> str:
        """The folder of the machine's logs, with a slash at the end."""
        return self.folder + "logs/"
