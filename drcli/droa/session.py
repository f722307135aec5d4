"""A login to one deployment, and the AWS keys that come with it, renewed when they expire."""

from __future__ import annotations

from contextlib import suppress

from drcli.droa import cognito, login_file
from drcli.droa.droa_deployment import Deployment
from drcli.droa.login_file import AwsKeys, Login
from drcli.errors import DrError


class Session:
    """Somebody who is logged in."""

    def __init__(self, deployment: Deployment, login: Login) -> None:
        self.deployment = deployment
        self._login = login

    @property
    def username(self) -> str:
        """Who it is."""
        return self._login.username

    def keys(self, *, fresh: bool = False) -> AwsKeys:
        """AWS keys that are valid for some minutes; `fresh`: new ones in any case.

        Raises DrError if the login has expired.
        """
        if fresh or not self._login.keys.are_valid:
            tokens = cognito.renew(self.deployment, self.username, self._login.refresh_token)
            keys = cognito.aws_keys(self.deployment, tokens.id_token)
            self._login = Login(self.username, tokens.refresh_token, keys)
            login_file.save(self.deployment, self._login)
        return self._login.keys


def log_in(deployment: Deployment, username: str, password: str) -> Session:
    """Log in and remember it, in place of an earlier login. Raises DrError if that is refused."""
    tokens = cognito.sign_in(deployment, username, password)
    login = Login(username, tokens.refresh_token, cognito.aws_keys(deployment, tokens.id_token))
    login_file.save(deployment, login)
    return Session(deployment, login)


def log_out(deployment: Deployment) -> bool:
    """Forget the login and make it useless; whether there was one."""
    with suppress(DrError):  # without a network, or with a broken file, it is still deleted
        if login := login_file.read(deployment):
            cognito.revoke(deployment, login.refresh_token)
    return login_file.forget(deployment)


def resume(deployment: Deployment, username: str = "") -> Session:
    """The login that is remembered. Raises DrError if there is none, or if it is not that of `username`."""
    login = login_file.read(deployment)
    if login is None:
        raise DrError(f"You are not logged in to {deployment.name}.", "Log in: dr droa login")
    if username and username != login.username:
        raise DrError(
            f"{login.username} is logged in to {deployment.name}, not {username}.",
            "Log in as the other user: dr droa login",
        )
    return Session(deployment, login)
