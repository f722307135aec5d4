"""The logins of this user, one file per deployment: who is logged in, the refresh token, the current AWS keys.

No password is kept. The refresh token is valid for a day in a default deployment, the keys for an hour.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from drcli import paths
from drcli.droa.droa_deployment import Deployment
from drcli.errors import DrError
from drcli.local import write_private

_MARGIN_S = 300.0  # keys that expire sooner are renewed first


@dataclass(frozen=True)
class AwsKeys:
    """Temporary AWS keys."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires_at: float  # seconds since the epoch

    @property
    def are_valid(self) -> bool:
        """Whether they are, for long enough to use them."""
        return time.time() + _MARGIN_S < self.expires_at


@dataclass(frozen=True)
class Login:
    """Who is logged in, and with what."""

    username: str
    refresh_token: str = field(repr=False)
    keys: AwsKeys


def login_path(deployment: Deployment) -> Path:
    """The file of a deployment."""
    identity = f"{deployment.user_pool_client_id} {deployment.identity_pool_id} {deployment.api_endpoint}"
    host = urlsplit(deployment.name).hostname or "droa"
    return paths.droa_logins() / f"{host}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.json"


def save(deployment: Deployment, login: Login) -> None:
    """Keep a login; only the user can read it. Raises DrError if that is not possible."""
    path = login_path(deployment)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
        write_private(path, asdict(login))
    except OSError as error:
        raise DrError(f"The login cannot be saved in {path}: {error.strerror}.") from error


def read(deployment: Deployment) -> Login | None:
    """The login to a deployment; None if there is none. Raises DrError if its file is broken."""
    path = login_path(deployment)
    try:
        values = json.loads(path.read_text())
        return Login(values["username"], values["refresh_token"], AwsKeys(**values["keys"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise DrError(f"{path} cannot be read.", "`dr droa login` writes it again.") from None


def forget(deployment: Deployment) -> bool:
    """Delete the login; whether there was one."""
    path = login_path(deployment)
    try:
        existed = path.exists()
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DrError(f"{path}: {error.strerror}.") from error
    return existed
