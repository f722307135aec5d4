"""What a training is about: the documents that `dr start-training` put into the bucket, read and checked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from drcli import env
from drcli.config.hyperparameters import Hyperparameters
from drcli.config.model_metadata import ModelMetadata
from drcli.config.params_documents import worker_file
from drcli.config.run_params import TrainingParams
from drcli.contract.keys import ModelKeys
from drcli.services.environment import Environment
from drcli.sim.race import RaceConfig
from drcli.store.client import Bucket


@dataclass(frozen=True)
class TrainingJob:
    """Params, metadata and where they are; the same for the trainer and every worker."""

    environment: Environment
    bucket: Bucket
    keys: ModelKeys
    params: TrainingParams
    metadata: ModelMetadata
    metadata_source: bytes

    @classmethod
    def read(cls, environment: Environment) -> TrainingJob:
        """From the bucket. DrError when a document is missing or wrong."""
        bucket = Bucket(environment.store)
        keys = ModelKeys(environment.prefix)
        params = _params(bucket, keys, environment, 0)
        key = env.read(env.MODELMETADATA_FILE_S3_KEY) or params.model_metadata_key
        source = bucket.get(key)
        metadata = ModelMetadata.parse(source.decode(), key)
        return cls(environment, bucket, keys, params, metadata, source)

    def of_worker(self, index: int) -> TrainingJob:
        """The job as worker `index` does it: in a multi-config run with a track and rules of its own.

        Workers beyond the last document begin with the first one again.
        """
        if self.environment.configs == 1:
            return self
        return replace(self, params=_params(self.bucket, self.keys, self.environment, index))

    def hyperparameters(self) -> Hyperparameters:
        """hyperparameters.json of the run."""
        key = env.read(env.HYPERPARAMETER_FILE_S3_KEY)
        return Hyperparameters.parse(self.bucket.get(key).decode(), key)

    def reward_function(self) -> tuple[str, str]:
        """Source of the reward function and its key: the run's own copy, else what the params document names."""
        key = self.keys.reward_function
        source = self.bucket.find(key)
        if source is None:
            key = self.params.reward_key
            source = self.bucket.get(key)
        return source.decode(), key

    def race(self, *, is_evaluation: bool = False) -> RaceConfig:
        """Rules of the training's episodes, or of the evaluations in between, spread round the track."""
        params = self.params
        return RaceConfig(
            start_position_offset=params.start_position_offset,
            round_robin_advance_dist=params.round_robin_advance_dist,
            change_start_position=params.change_start_position,
            alternate_driving_direction=params.alternate_driving_direction,
            reverse_dir=params.reverse_dir,
            number_of_reverse_counts=params.number_of_reverse_counts,
            spread_starts=is_evaluation,
        )


def _params(bucket: Bucket, keys: ModelKeys, environment: Environment, index: int) -> TrainingParams:
    name = environment.params_file
    if environment.configs > 1:
        name = worker_file(name, index % environment.configs + 1)
    return TrainingParams.parse(bucket.get(keys.params(name)).decode())
