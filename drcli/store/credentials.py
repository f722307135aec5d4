"""The credentials for a bucket: profiles in the user's AWS files, and keys as variables for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drcli.errors import DrError

if TYPE_CHECKING:
    from drcli.store.store_config import StoreConfig


def has_profile(name: str) -> bool:
    """Whether the user's AWS files have a profile with this name, other than the default one."""
    from botocore.session import Session

    return name != "default" and name in Session(include_builtin_handlers=False).available_profiles


def credentials(config: StoreConfig) -> dict[str, str] | None:
    """Key, secret and possibly a token as environment variables, for other programs; None if a role is used.

    Raises DrError if there are none.
    """
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    if config.access_key is not None:
        return dict(zip(names, (config.access_key, config.secret_key or ""), strict=False))

    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        found = boto3.Session(profile_name=config.profile).get_credentials()
        if found is not None and found.method in ("iam-role", "container-role"):
            return None  # the containers of this machine have it, too
        frozen = found.get_frozen_credentials() if found is not None else None
    except BotoCoreError as error:
        raise DrError(f"There are no credentials for the {config.place}: {error}") from None
    if frozen is None:
        raise DrError(
            f"There are no credentials for the {config.place}.",
            "Run `aws configure`, or name a profile in DR_LOCAL_S3_PROFILE.",
        )
    values = (frozen.access_key, frozen.secret_key, frozen.token)
    return {name: value for name, value in zip(names, values, strict=True) if value}
