"""The documents of a training, as `dr start-training` uploaded them: read and checked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from drcli.config.engine import check_supported
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.config.params_documents import worker_file
from drcli.config.run_params import TrainingParams
from drcli.contract.keys import ModelKeys
from drcli.services.shared.environment import Environment
from drcli.store.client import Bucket
from drcli.tables import RACES


@dataclass(frozen=True)
class TrainingJob:
    """Params, metadata and their location; the same for the trainer and every worker."""

    environment: Environment
    bucket: Bucket
    keys: ModelKeys
    params: TrainingParams
    metadata: ModelMetadata
    metadata_source: bytes
    race_types: tuple[str, ...]  # of all workers, each once
    is_randomised: bool = False  # whether the pictures of any worker are

    @classmethod
    def read(cls, environment: Environment) -> TrainingJob:
        """Read it from the bucket. Raises DrError for a missing, invalid or unsupported document."""
        bucket = Bucket(environment.store)
        keys = ModelKeys(environment.prefix)
        params = _params(bucket, keys, environment, 0)
        key = environment.model_metadata_key or params.model_metadata_key
        source = bucket.get(key)
        metadata = ModelMetadata.parse(source.decode(), key)
        check_supported(metadata, key)
        others = (_params(bucket, keys, environment, index) for index in range(1, environment.configs))
        races = [each.race for each in (params, *others)]
        return cls(
            environment, bucket, keys, _with_car(params, metadata), metadata, source,
            race_types=tuple(dict.fromkeys(race.race_type for race in races)),
            is_randomised=any(race.randomised_pictures for race in races),
        )  # fmt: skip

    def of_worker(self, index: int) -> TrainingJob:
        """The job of worker `index`: in a multi-config run it has its own track and rules.

        Workers beyond the last document start over with the first one.
        """
        if self.environment.configs == 1:
            return self
        params = _params(self.bucket, self.keys, self.environment, index)
        return replace(self, params=_with_car(params, self.metadata))

    def hyperparameters(self) -> Hyperparameters:
        """hyperparameters.json of the run; read by the trainer, which passes it on to the workers."""
        key = self.environment.hyperparameters_key
        return Hyperparameters.parse(self.bucket.get(key).decode(), key)

    def reward_function(self) -> tuple[str, str]:
        """Source of the reward function and its key: the run's own copy, else what the params document names."""
        key = self.keys.reward_function
        source = self.bucket.find(key)
        if source is None:
            key = self.params.reward_key
            source = self.bucket.get(key)
        return source.decode(), key


def check_race_type(name: str) -> None:
    """Raise UsageError for an unknown race type. Does not load a known one, which would import numba."""
    if name not in RACES:
        RACES.load(name)


def _with_car(params: TrainingParams, metadata: ModelMetadata) -> TrainingParams:
    """The params with the car that the model's version drives."""
    return replace(params, race=replace(params.race, metadata_versions=(metadata.version,)))


def _params(bucket: Bucket, keys: ModelKeys, environment: Environment, index: int) -> TrainingParams:
    name = environment.params_file
    if environment.configs > 1:
        name = worker_file(name, index % environment.configs + 1)
    params = TrainingParams.parse(bucket.get(keys.params(name)).decode())
    check_race_type(params.race.race_type)
    return params
