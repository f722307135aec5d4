"""A tournament: every pair of models races head to head, one evaluation after the other; who has the most points wins.

What is kept is in the bucket: each race is an evaluation of its first model, so that a tournament can be continued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain, combinations
from typing import Any

from drcli.config.load import load_settings
from drcli.config.params_documents import render_evaluation, to_yaml
from drcli.config.run_params import EvaluationParams
from drcli.config.settings import Settings
from drcli.contract.keys import ModelKeys
from drcli.errors import UsageError
from drcli.launch.evaluation_start import check_models
from drcli.launch.simapp import is_ours
from drcli.paths import Workspace
from drcli.store.checkpoints import Which, choose_checkpoint
from drcli.store.client import Bucket
from drcli.store.race_list import RaceFacts, races_of

WIN, DRAW = 3, 1  # points


@dataclass(frozen=True)
class Pairing:
    """A race that belongs to the tournament: the first model starts in front."""

    first: str
    second: str
    settings: Settings


@dataclass(frozen=True)
class Score:
    """A line of the table. `best_lap_s`: None without a complete lap; `time_s`: of all laps, penalties included."""

    place: int
    model: str
    points: int
    races: int
    wins: int
    draws: int
    losses: int
    laps: int
    best_lap_s: float | None
    time_s: float
    crashes: int
    off_track: int

    def to_dict(self) -> dict[str, object]:
        """For JSON and the table."""
        return asdict(self)


def pairings(
    workspace: Workspace,
    models: Sequence[str],
    overrides: Sequence[str],
    laps: int | None,
    *,
    both_ways: bool,
) -> list[Pairing]:
    """Every pair of the models, in their order; with `both_ways` also with places in the grid exchanged.

    Raises:
        UsageError: fewer than two models, one of them twice, a setting that is its own, or an engine that does not
            tell who wins.
    """
    if len(models) < 2 or len(set(models)) < len(models):
        raise UsageError(
            "A race needs two different models or more.", "`dr models` lists those of the bucket."
        )
    pairs = list(combinations(models, 2))
    pairs += [(second, first) for first, second in pairs] if both_ways else []
    found = [Pairing(*pair, _settings(workspace, overrides, pair, laps)) for pair in pairs]
    if not is_ours(found[0].settings):
        raise UsageError(
            "`dr race` needs drcli's own engine, as the community's does not tell who wins.",
            "Use --set DR_SIMAPP_SOURCE=drcli/simapp, or `dr evaluate` with DR_RACE_TYPE=HEAD_TO_MODEL.",
        )
    return found


def check(pairs: Sequence[Pairing], bucket: Bucket, which: Which) -> tuple[str, ...]:
    """What to know about the models. Raises DrError if one of them cannot race, before anything is started."""
    lines = (check_models(pair.settings, bucket, [which, which], is_ours=True) for pair in pairs)
    return tuple(dict.fromkeys(chain.from_iterable(lines)))


def driven(pair: Pairing, bucket: Bucket, which: Which) -> RaceFacts | None:
    """The race of this pair if it is in the bucket: the same checkpoints, track and rules."""
    document = render_evaluation(pair.settings, None, datetime.now())
    rules = EvaluationParams.parse(to_yaml(document.values)).race.rules
    entries = tuple(
        (model, str(choose_checkpoint(bucket, ModelKeys(model), which).name))
        for model in (pair.first, pair.second)
    )
    world = pair.settings.world_name
    same = (
        race
        for race in races_of(bucket, pair.first)
        if race.entries == entries and race.world_name == world and race.rules == rules
    )
    return next(same, None)


def table(models: Sequence[str], races: Sequence[RaceFacts]) -> list[Score]:
    """The scores of the models, the best first: by points, then by laps, then by the time for them."""
    scores = {model: _score(model, races) for model in models}
    merits = {model: (score.points, score.laps, -score.time_s) for model, score in scores.items()}
    ordered = sorted(models, key=lambda model: merits[model], reverse=True)
    places = {model: 1 + sum(other > merits[model] for other in merits.values()) for model in ordered}
    return [Score(**{**asdict(scores[model]), "place": places[model]}) for model in ordered]


def winner(scores: Sequence[Score]) -> str | None:
    """The model in the first place; None if it has to share that."""
    first = [score.model for score in scores if score.place == 1]
    return first[0] if len(first) == 1 else None


def _settings(
    workspace: Workspace, overrides: Sequence[str], pair: tuple[str, str], laps: int | None
) -> Settings:
    own, opponent = pair
    values = {
        "DR_RACE_TYPE": "HEAD_TO_MODEL",
        "DR_LOCAL_S3_MODEL_PREFIX": own,
        "DR_LOCAL_S3_METRICS_PREFIX": f"{own}/metrics",
        "DR_EVAL_OPP_S3_MODEL_PREFIX": opponent,
        "DR_EVAL_OPP_S3_METRICS_PREFIX": f"{opponent}/metrics",
        **({"DR_EVAL_NUMBER_OF_TRIALS": str(laps)} if laps is not None else {}),
    }
    given = {word.partition("=")[0] for word in overrides}
    if taken := sorted(given & set(values)):
        raise UsageError(
            f"--set {taken[0]}: `dr race` sets it for every race.",
            "The models are arguments, and --laps is the number of laps.",
        )
    return load_settings(workspace, [*overrides, *(f"{key}={value}" for key, value in values.items())])


def _score(model: str, races: Sequence[RaceFacts]) -> Score:
    mine = [race for race in races if model in dict(race.entries)]
    own = [_own(model, race) for race in mine]
    wins, draws = (
        sum(race.winner == model for race in mine),
        sum(race.winner is None for race in mine),
    )
    best = [float(each["best_lap_s"]) for each in own if each.get("best_lap_s") is not None]
    return Score(
        place=0,
        model=model,
        points=WIN * wins + DRAW * draws,
        races=len(mine),
        wins=wins,
        draws=draws,
        losses=len(mine) - wins - draws,
        laps=sum(int(each.get("laps", 0)) for each in own),
        best_lap_s=min(best, default=None),
        time_s=round(sum(float(each["time_s"]) for each in own), 6),
        crashes=sum(int(each.get("crashes", 0)) for each in own),
        off_track=sum(int(each.get("off_track", 0)) for each in own),
    )


def _own(model: str, race: RaceFacts) -> Mapping[str, Any]:
    return next(each for each in race.standings if each["model"] == model)
