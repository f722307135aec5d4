"""Which engine a run uses (DR_SIMAPP_SOURCE): ours, from any registry, or another one such as the community's."""

from __future__ import annotations

from drcli.config.settings import Settings

ENGINE = "drcli/simapp"
COMMUNITY = "awsdeepracercommunity/deepracer-simapp"


def is_ours(settings: Settings) -> bool:
    """Whether it is our own engine, possibly from another registry. Otherwise it is the community's or similar."""
    return is_our_name(settings.simapp_source)


def is_our_name(name: str) -> bool:
    """Whether this is the name of our engine's image, with or without a tag."""
    name = name if ":" not in name.rpartition("/")[2] else name.rpartition(":")[0]
    return name == ENGINE or name.endswith(f"/{ENGINE}")
