"""What log tools read before the first SIM_TRACE_LOG line: the params, sensors, hyperparameters and actions of a run.

The lines are those that deepracer-log-guru looks for (`src/log/parse.py`), in the form of the community's engine. It
opens the logs of all workers of a run together, and then the evaluations have to be in that of the first (`log.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import yaml

from drcli.config.model_metadata import ModelMetadata
from drcli.config.params_documents import worker_file
from drcli.contract.episode import Episode
from drcli.errors import DrError
from drcli.services.observers.coach_log import selection_line
from drcli.services.observers.observer import ObservedRun, Observer
from drcli.services.shared import service_log

# What the community's engine makes lists of, one item for each car, before it logs the params; log-guru asserts that.
_LISTS = (
    *(
        "SAGEMAKER_SHARED_S3_BUCKET",
        "SAGEMAKER_SHARED_S3_PREFIX",
        "METRICS_S3_BUCKET",
        "METRICS_S3_OBJECT_KEY",
    ),
    *("MODEL_METADATA_FILE_S3_KEY", "BODY_SHELL_TYPE", "CAR_COLOR"),
)


class LogIntro(Observer):
    """Logs it just before the first episode, so that a worker that restarts earlier does not log it twice.

    After a later restart it comes again: tools that have seen a SIM_TRACE_LOG line no longer look for it.
    """

    roles = frozenset(("worker", "evaluation"))

    def __init__(self, run: ObservedRun) -> None:
        super().__init__(run)
        self._worker: int | None = None  # until the intro is logged

    def on_episode(self, worker: int, episode: Episode) -> None:
        """Log the intro if this is the first episode."""
        if self._worker is not None:
            return
        self._worker = worker
        try:
            service_log.lines(self._lines(worker))
        except DrError as error:  # the run is more important than tools that read its log
            service_log.line(f"The log lacks what log tools read at its start: {error.message}")

    def on_exam(self, episodes: Sequence[Episode]) -> None:
        """Log the reward of each episode and the progress of all, by which tools tell iterations apart.

        Workers share some exams. Where there are none log-guru divides the episodes by the hyperparameters.
        """
        if self._worker:
            return
        # The rate is the same in every log of the community's engine, which does not know what a success is.
        finished = "## agent: Finished evaluation phase. Success rate = 0.0, Avg Total Reward ="
        rewards = (f"{finished} {episode.reward:.2f}" for episode in episodes)
        service_log.lines([*rewards, selection_line(episodes)])

    def _lines(self, worker: int) -> list[str]:
        run, environment = self.run, self.run.environment
        file = environment.params_file
        if environment.configs > 1:
            file = worker_file(file, worker % environment.configs + 1)
        params = yaml.safe_load(run.bucket.get(run.keys.params(file)).decode())
        hyperparameters = (run.bucket.find(run.keys.hyperparameters) or b"{}").decode()
        return [
            # log-guru takes the date from a line with one of two phrases of TensorFlow; this is one of them.
            f"{datetime.now():%Y-%m-%d %H:%M:%S}: Your CPU supports instructions that drcli is compiled for.",
            f"Starting as worker {max(worker, 0)}, using world {params['WORLD_NAME']} and configuration {file}.",
            f"[s3] Successfully downloaded yaml file from s3 key {run.keys.params(file)}",
            params_line(params),
            # For deepracer-utils and log-guru 3, which know the community's first engine.
            *(
                f" * /{name}: {params[name]}"
                for name in ("JOB_TYPE", "RACE_TYPE", "WORLD_NAME")
                if name in params
            ),
            "Using the following hyper-parameters",
            *json.dumps(json.loads(hyperparameters), indent=2, sort_keys=True).splitlines(),
            *lines_of(run.metadata),
        ]


def lines_of(metadata: ModelMetadata) -> Iterator[str]:
    """The lines about sensors, network and actions."""
    lidar = metadata.lidar_config.model_dump(by_alias=True)
    yield (
        f"Sensor list {quoted(metadata.sensors)}, network {metadata.neural_network}, "
        f"simapp_version {metadata.version}, training_algorithm {metadata.training_algorithm}, "
        f"action_space_type {metadata.action_space_type} lidar_config {quoted(lidar)}"
    )
    if metadata.continuous:
        actions: Any = metadata.continuous.model_dump(by_alias=True)
    else:
        actions = [
            {**action.model_dump(by_alias=True), "index": index}
            for index, action in enumerate(metadata.discrete or ())
        ]
    yield f"Loaded action space from file: {quoted(actions)}"


def params_line(params: Mapping[str, Any]) -> str:
    """The params of a run, those of each car as lists."""
    many = {key: [params[key]] for key in _LISTS if not isinstance(params.get(key, []), list)}
    return quoted({**params, **many})


def quoted(values: Mapping[str, Any] | list[Any] | tuple[Any, ...]) -> str:
    """JSON with single quotes, as tools turn those back into double ones: so there are none within the values."""
    return json.dumps(_without_quotes(values), ensure_ascii=False).replace('"', "'")


def _without_quotes(value: Any) -> Any:
    match value:
        case str():
            return value.replace("'", "\u2019").replace('"', "\u201d").replace("\\", "/")
        case dict():
            return {_without_quotes(key): _without_quotes(part) for key, part in value.items()}
        case list() | tuple():
            return [_without_quotes(part) for part in value]
    return value
