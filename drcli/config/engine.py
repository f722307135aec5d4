"""What drcli's own engine can learn so far. Checked before a run starts, and again by the services that drive."""

from __future__ import annotations

from drcli.config.model_metadata import ModelMetadata
from drcli.errors import UsageError

NETWORK = "DEEP_CONVOLUTIONAL_NETWORK_SHALLOW"
CAMERAS = ("FRONT_FACING_CAMERA", "observation")


def check_supported(metadata: ModelMetadata, where: str = "model_metadata.json") -> str:
    """The camera's name; UsageError naming the file (`where`) for what this engine cannot do yet."""
    problem = ""
    if metadata.training_algorithm != "clipped_ppo":
        problem = f"training_algorithm {metadata.training_algorithm}"
    elif metadata.neural_network != NETWORK:
        problem = f"neural_network {metadata.neural_network}"
    elif len(metadata.sensors) != 1 or metadata.sensors[0] not in CAMERAS:
        problem = f"sensor {', '.join(metadata.sensors)}"
    if problem:
        raise UsageError(
            f"{where}: drcli's own engine cannot do {problem} yet.",
            f"Use clipped_ppo, {NETWORK} and one of the cameras {', '.join(CAMERAS)}.",
        )
    return metadata.sensors[0]
