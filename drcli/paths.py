"""Every local path: the files of a workspace, of the user, and those that ship with drcli."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from drcli import env

_PACKAGE = Path(__file__).resolve().parent


def defaults_dir() -> Path:
    """The folder of templates and tracks that ships with drcli (in a wheel, or in a clone)."""
    packaged = _PACKAGE / "defaults"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "defaults"


def compose_dir() -> Path:
    """The folder of compose files and the Dockerfile of our image (in a wheel, or in a clone)."""
    packaged = _PACKAGE / "compose"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "compose"


def user_folder() -> Path:
    """What belongs to the user, not to a workspace; only its owner may read what is in it."""
    configuration = env.read(env.XDG_CONFIG_HOME)
    return (Path(configuration) if configuration else Path.home() / ".config") / "drcli"


def user_cache() -> Path:
    """What can be made again, for all workspaces of the user."""
    cache = env.read(env.XDG_CACHE_HOME)
    return (Path(cache) if cache else Path.home() / ".cache") / "drcli"


def known_cars() -> Path:
    """The certificates of the user's cars."""
    return user_folder() / "known-cars.json"


def droa_logins() -> Path:
    """The folder of the user's logins to deployments of DeepRacer on AWS."""
    return user_folder() / "droa"


@dataclass(frozen=True)
class Workspace:
    """A folder with `system.env`, `run.env`, `custom_files/` and, after the first run, `data/`."""

    root: Path
    experiment: str = ""
    variant: Path | None = None  # of a sweep: the folder with its own `run.env` and `custom_files/`

    @property
    def system_env(self) -> Path:
        """Settings of the machine, shared by all experiments."""
        return self.root / "system.env"

    @property
    def folder(self) -> Path:
        """Where `run.env`, `worker-N.env` and `custom_files/` are: the root or `experiments/NAME`."""
        if self.variant is not None:
            return self.variant
        return self.root / "experiments" / self.experiment if self.experiment else self.root

    @property
    def run_env(self) -> Path:
        """Settings of a run."""
        return self.folder / "run.env"

    def worker_env(self, number: int) -> Path:
        """Settings in which worker `number` (2, 3, …) of a multi-config run differs."""
        return self.folder / f"worker-{number}.env"

    @property
    def custom_files(self) -> Path:
        """`reward_function.py`, `model_metadata.json`, `hyperparameters.json`."""
        return self.folder / "custom_files"

    @property
    def data(self) -> Path:
        """Everything that runs leave behind."""
        return self.root / "data"

    @property
    def store(self) -> Path:
        """Data of the embedded S3 server: one folder per bucket, like MinIO's in DeepRacer-for-Cloud."""
        return self.data / "minio"

    @property
    def store_key(self) -> Path:
        """The key pair of the embedded S3 server; only its owner may read it."""
        return self.data / "store.key.json"

    @property
    def store_lock(self) -> Path:
        """Held while the embedded S3 server is started or stopped."""
        return self.data / "store.lock"

    @property
    def store_users(self) -> Path:
        """Which processes use the embedded S3 server."""
        return self.data / "store.users"

    @property
    def store_log(self) -> Path:
        """The log of the embedded S3 server."""
        return self.logs / "minio.log"

    @property
    def tracks(self) -> Path:
        """Tracks fetched from the public race-data repository."""
        return self.data / "tracks"

    @property
    def logs(self) -> Path:
        """Logs of services, one folder per run."""
        return self.data / "logs"

    @property
    def pictures(self) -> Path:
        """Pictures of driven laps."""
        return self.data / "pictures"

    @property
    def videos(self) -> Path:
        """Videos of recorded drives."""
        return self.data / "videos"

    @property
    def reports(self) -> Path:
        """Pages about models."""
        return self.data / "reports"

    @property
    def metrics(self) -> Path:
        """What the metrics stack is started with; only its owner may read the password in it."""
        return self.data / "metrics"

    @property
    def analysis(self) -> Path:
        """Notebooks, and what they read besides the bucket; as in DeepRacer-for-Cloud."""
        return self.data / "analysis"

    @property
    def jupyter(self) -> Path:
        """Settings and state of Jupyter, and its token: a folder that only its owner can enter."""
        return self.data / "jupyter"

    @property
    def sweeps(self) -> Path:
        """Sweeps and searches, a folder each: their variants, what has been trained, the results."""
        return self.data / "sweeps"

    @property
    def runs(self) -> Path:
        """Run folders of process stacks: what is running, under which pids."""
        return self.data / "runs"


def is_folder_name(name: str) -> bool:
    """Whether `name` is the name of a folder, not a path to somewhere else."""
    return name not in ("", ".", "..") and not {"/", "\\", "\0"} & set(name)
