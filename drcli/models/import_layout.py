"""What each file of a model from elsewhere is in our layout. Pure: names in, names out; nothing is opened.

Known are buckets of drcli and DeepRacer-for-Cloud, virtual models of the AWS console and of DeepRacer on AWS, and car
archives, whatever folder they are in. What matches no rule is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from drcli.errors import DrError

_LONGEST = 512  # a name; keys in the bucket have at most 1024 bytes
_HIDDEN = re.compile(r"(?:.*/)?(?:\.|__)[^/]*/.*")  # __MACOSX/, .ipynb_checkpoints/
_ARTIFACTS = re.compile(
    r"(?<![^/])sagemaker-(?:robomaker-)?artifacts/"
)  # the consoles' folder of the trainer
_NUMBER = r"(?:0|[1-9]\d{0,11})"  # as we write it, so that a name leads back to its file
_CHECKPOINT = rf"{_NUMBER}_Step-{_NUMBER}\.ckpt"
_DAY = r"(?P<y>\d{4})-?(?P<m>\d\d)-?(?P<d>\d\d)T?(?P<H>\d\d):?(?P<M>\d\d):?(?P<S>\d\d)"
_TIME = r"{y}{m}{d}{H}{M}{S}"
_CAR_GRAPH = "model/model_0.pb"
_WEIGHTS = re.compile(rf"model/(?:{_CHECKPOINT}\..+|model_{_NUMBER}\.pb)")
_TRACES = "training-simtrace/"


class _Rule(NamedTuple):
    """`name`: pattern of a name after its folder; `target`: its name in our layout; `is_late`: a second choice."""

    name: str
    target: str
    is_late: bool = False


_RULES = (
    _Rule(
        rf"(?:model/)?(?P<n>{_CHECKPOINT}\.(?:safetensors|index|meta|data-\d{{5}}-of-\d{{5}}))", "model/{n}"
    ),
    _Rule(rf"(?:model/)?(?P<n>model_{_NUMBER}\.pb)", "model/{n}"),
    _Rule(r"(?:agent/)?[^/]+\.pb", _CAR_GRAPH, is_late=True),
    _Rule(r"(?:model/)?\.?coach_checkpoint", "model/.coach_checkpoint"),
    _Rule(r"(?:model/)?deepracer_checkpoints\.json", "model/deepracer_checkpoints.json"),
    _Rule(r"model/model_metadata\.json", "model/model_metadata.json"),
    _Rule(r"model_metadata\.json", "model/model_metadata.json", is_late=True),
    _Rule(r"reward_function\.py", "reward_function.py"),
    _Rule(r"ip/hyperparameters\.json", "ip/hyperparameters.json"),
    _Rule(r"hyperparameters\.json", "ip/hyperparameters.json", is_late=True),
    _Rule(r"(?P<n>(?:training_params(?:_\d{1,3})?|evaluation_params)\.yaml)", "{n}"),
    _Rule(r"training_params_[0-9a-f-]{36}\.yaml", "training_params.yaml", is_late=True),
    _Rule(r"metrics/(?P<n>TrainingMetrics(?:_\d{1,3})?\.json)", "metrics/{n}"),
    _Rule(r"metrics/learning\.jsonl", "metrics/learning.jsonl"),
    _Rule(r"metrics/training/[^/]+\.json", "metrics/TrainingMetrics.json", is_late=True),
    _Rule(
        rf"metrics/(?:evaluation/|EvaluationMetrics-)(?:evaluation-)?{_DAY}[^/]*\.json",
        f"metrics/evaluation/evaluation-{_TIME}.json",
    ),
    _Rule(r"(?P<n>(?:\d{1,3}/)?training-simtrace/\d{1,6}-iteration\.csv)", "{n}"),
    _Rule(
        rf"(?:evaluation-|sim-trace/evaluation/){_DAY}[^/]*/(?P<n>evaluation-simtrace/\d{{1,6}}-iteration\.csv)",
        f"evaluation-{_TIME}/{{n}}",
    ),
    _Rule(r"(?P<n>evaluation-\d{14}/evaluation\.json)", "{n}"),
    _Rule(r"(?P<n>tracks/[\w-][\w.-]*\.(?:yaml|npy))", "{n}"),
)
_PATTERNS = tuple((re.compile(rf"(?P<folder>(?:[^/]+/)*?){rule.name}", re.ASCII), rule) for rule in _RULES)


class _Match(NamedTuple):
    """What a name may be. `folder`: of the model it belongs to."""

    target: str
    folder: str
    is_late: bool

    @property
    def is_weights(self) -> bool:
        """Whether it is, or is a part of, a checkpoint."""
        return _WEIGHTS.fullmatch(self.target) is not None

    @property
    def is_car_graph(self) -> bool:
        """Whether it is a graph under another name than in a bucket."""
        return self.is_late and self.target == _CAR_GRAPH


@dataclass(frozen=True)
class Layout:
    """`files`: name in our layout → name at the source; `ignored`: the other names at the source."""

    files: Mapping[str, str]
    ignored: tuple[str, ...]


def is_known(name: str) -> bool:
    """Whether a name can be a part of a model."""
    return _match(name) is not None


def arrange(names: Iterable[str]) -> Layout:
    """The layout of the one model among these files. Raises DrError if there are several."""
    every = set(names)
    found = {name: match for name in every if (match := _match(name))}
    if any(match.is_weights and not match.is_car_graph for match in found.values()):
        found = {name: match for name, match in found.items() if not match.is_car_graph}
    root = _root(found)
    traces = _newest({match.folder for match in found.values() if _TRACES in match.target})
    choices: dict[str, dict[str, _Match]] = {}
    for name, match in found.items():
        if _TRACES not in match.target or match.folder == traces:
            choices.setdefault(match.target, {})[name] = match
    files = {target: _best(some, root) for target, some in sorted(choices.items())}
    return Layout(files, tuple(sorted(every - set(files.values()))))


def _match(name: str) -> _Match | None:
    path = _ARTIFACTS.sub("", name)
    if len(name) > _LONGEST or _HIDDEN.fullmatch(path):
        return None
    for pattern, rule in _PATTERNS:
        if match := pattern.fullmatch(path):
            return _Match(rule.target.format(**match.groupdict()), match["folder"], rule.is_late)
    return None


def _root(found: Mapping[str, _Match]) -> str:
    """The folder of the model: that of its weights."""
    graphs = sorted(name for name, match in found.items() if match.is_car_graph)
    if len(graphs) > 1:
        raise DrError(
            f"There is more than one graph: {', '.join(graphs[:5])}. A car would ignore all of them.",
            "Remove all but one; a model of a bucket calls them model_<N>.pb.",
        )
    folders = sorted({match.folder for match in found.values() if match.is_weights})
    if len(folders) > 1:
        raise DrError(
            f"There are several models: {', '.join(folder or './' for folder in folders[:5])}.",
            "Import one of them by its folder; unpack an archive first.",
        )
    return folders[0] if folders else ""


def _best(choices: Mapping[str, _Match], root: str) -> str:
    """Of several files for one place: in the model's folder, with the usual name, least deep, last by name."""

    def rank(name: str) -> tuple[bool, bool, int]:
        match = choices[name]
        return match.folder != root, match.is_late, name.count("/")

    return min(sorted(choices, reverse=True), key=rank)


def _newest(folders: Collection[str]) -> str:
    """Of the folders of several jobs, the last by name, as that starts with the time; least deep first."""
    return min(sorted(folders, reverse=True), key=lambda folder: folder.count("/"), default="")
