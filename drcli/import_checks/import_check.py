"""Would DeepRacer on AWS accept this model? All checks of its import on the files of a folder.

The order is the import's: website, importModel (API), reward validation, model validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from drcli.import_checks import (
    agent_rules,
    checkpoint_rules,
    folder_rules,
    graph_metrics,
    params_rules,
    reward_source,
    reward_trials,
)
from drcli.import_checks.documents import read_object, read_params
from drcli.import_checks.findings import (
    HYPERPARAMETERS,
    METADATA,
    PARAMS,
    REWARD,
    VALIDATED_METADATA,
    ImportFault,
)
from drcli.import_checks.track_rules import reward_route


def check_import(
    sizes: Mapping[str, int],
    documents: Mapping[str, bytes],
    *,
    routes: Path | None = None,
) -> list[ImportFault]:
    """Everything in a model folder that the import would refuse or change. Calls the reward function, in a process.

    Args:
        sizes: size in bytes of every file in the folder, by its name under the prefix.
        documents: content of the small ones among them; of all others name and size are checked.
        routes: where `.npy` routes of the community are; the reward function is called on that of the model's track.
    """
    found = [*folder_rules.check_folder(sizes)]
    params = read_params(documents, PARAMS, found)
    metadata = read_object(documents, METADATA, found)
    validated = read_object(documents, VALIDATED_METADATA, found)
    hyperparameters = read_object(documents, HYPERPARAMETERS, found)
    if params is not None:
        found += params_rules.check_params(params)
    if metadata is not None:
        found += agent_rules.check_agent(metadata, hyperparameters or {})
    if hyperparameters is not None:
        found += agent_rules.check_hyperparameters(hyperparameters)
    found += graph_metrics.check_metrics(documents)
    if REWARD in documents:
        reward = [*reward_source.check_source(documents[REWARD])]
        found += reward
        if not reward:  # otherwise its validation ends here
            found += reward_trials.check_calls(documents[REWARD], reward_route(params or {}, routes))
    if validated is not None:
        found += agent_rules.check_network(validated)
    found += checkpoint_rules.check_checkpoint(sizes, documents)
    return found
