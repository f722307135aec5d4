"""Whose engine a run uses (DR_SIMAPP_SOURCE): ours, from whichever registry, or another such as the community's."""

from __future__ import annotations

from drcli.config.settings import Settings

ENGINE = "drcli/simapp"
COMMUNITY = "awsdeepracercommunity/deepracer-simapp"


def is_ours(settings: Settings) -> bool:
    """Is it our own engine, perhaps from a registry of the user's? Else it is the community's, or like it."""
    return is_our_name(settings.simapp_source)


def is_our_name(name: str) -> bool:
    """Whether an image of this name, with or without tag, is our engine's."""
    name = name if ":" not in name.rpartition("/")[2] else name.rpartition(":")[0]
    return name == ENGINE or name.endswith(f"/{ENGINE}")
