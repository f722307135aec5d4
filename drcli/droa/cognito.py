"""Amazon Cognito: a user name and a password become tokens (user pool), tokens become AWS keys (identity pool).

Both are called unsigned; AWS settings and keys of this machine play no role.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from drcli.droa.droa_deployment import Deployment
from drcli.droa.login_file import AwsKeys
from drcli.droa.web import PassingError
from drcli.errors import DrError
from drcli.store.store_config import api_descriptions

ATTEMPTS = 4  # also after throttling
_BROWSER = "Log in once in a browser, at {name}, and follow what it asks for; then try again."
_CHALLENGES = {
    "NEW_PASSWORD_REQUIRED": "The password of {user} is a temporary one and has to be replaced.",
}
# Error of the user pool → what it means, what to do
_REASONS = {
    "UserNotFoundException": ("There is no user {user} at {name}.", "Check --username or DR_DROA_USERNAME."),
    "UserNotConfirmedException": ("The user {user} has not been confirmed.", _BROWSER),
    "PasswordResetRequiredException": ("The password of {user} has to be reset.", _BROWSER),
    "ResourceNotFoundException": (
        "{name} does not know its own user pool ({said})",
        "Has it been deployed anew? Check --user-pool-client-id and --region if you use them.",
    ),
    "InvalidParameterException": (
        "{name} does not accept logins from programs ({said})",
        "Its administrator can allow USER_PASSWORD_AUTH in the client of the user pool.",
    ),
}
_NO_ROLE = "An administrator of {name} has to add the user to a group, such as dr-racers."


@dataclass(frozen=True)
class Tokens:
    """What the user pool returns."""

    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def sign_in(deployment: Deployment, username: str, password: str) -> Tokens:
    """Log in. Raises DrError with the reason if that is refused."""
    values = {"user": username, "name": deployment.name}
    with _explained(deployment, "cognito-idp", username):
        answer = _client(deployment, "cognito-idp").initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
            ClientId=deployment.user_pool_client_id,
        )
    if challenge := answer.get("ChallengeName"):
        text = _CHALLENGES.get(challenge, f"The login of {{user}} needs another step: {challenge}.")
        hint = _BROWSER if challenge in _CHALLENGES else "`dr droa login` only supports passwords."
        raise DrError(text.format(**values), hint.format(**values))
    result = answer["AuthenticationResult"]
    return Tokens(result["IdToken"], result["RefreshToken"])


def renew(deployment: Deployment, username: str, refresh_token: str) -> Tokens:
    """New tokens. Raises DrError if the login has expired or was revoked."""
    from botocore.exceptions import ClientError

    with _explained(deployment, "cognito-idp", username):
        try:
            answer = _client(deployment, "cognito-idp").initiate_auth(
                AuthFlow="REFRESH_TOKEN_AUTH",
                AuthParameters={"REFRESH_TOKEN": refresh_token},
                ClientId=deployment.user_pool_client_id,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "NotAuthorizedException":
                raise expired(deployment) from None
            raise
    result = answer["AuthenticationResult"]
    return Tokens(result["IdToken"], result.get("RefreshToken", refresh_token))


def expired(deployment: Deployment) -> DrError:
    """The login has to be repeated."""
    return DrError(f"Your login to {deployment.name} has expired.", "Log in again: dr droa login")


def revoke(deployment: Deployment, refresh_token: str) -> None:
    """Make a refresh token useless. Raises DrError if that fails."""
    with _explained(deployment, "cognito-idp", ""):
        _client(deployment, "cognito-idp").revoke_token(
            Token=refresh_token, ClientId=deployment.user_pool_client_id
        )


def aws_keys(deployment: Deployment, id_token: str) -> AwsKeys:
    """The AWS keys of the user's role. Raises DrError if the user has none."""
    logins = {f"cognito-idp.{deployment.region}.amazonaws.com/{deployment.user_pool_id}": id_token}
    with _explained(deployment, "cognito-identity", ""):
        client = _client(deployment, "cognito-identity")
        identity = client.get_id(IdentityPoolId=deployment.identity_pool_id, Logins=logins)["IdentityId"]
        keys = client.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    expires_at: float = keys["Expiration"].timestamp()
    return AwsKeys(keys["AccessKeyId"], keys["SecretKey"], keys["SessionToken"], expires_at)


def _client(deployment: Deployment, service: str) -> Any:
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.session import Session

    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    config = Config(signature_version=UNSIGNED, connect_timeout=10, read_timeout=30, retries=retries)
    session = Session(session_vars={"profile": (None, None, None, None)})
    session.register_component("data_loader", api_descriptions())
    return session.create_client(service, region_name=deployment.region, config=config)


@contextmanager
def _explained(deployment: Deployment, service: str, username: str) -> Iterator[None]:
    """Turn exceptions of botocore into a `DrError`; none of its messages has what was sent."""
    from botocore.exceptions import BotoCoreError, ClientError, SSLError

    try:
        yield
    except ClientError as error:
        raise _refusal(deployment, service, username, error.response["Error"]) from None
    except SSLError as error:
        raise DrError(f"No secure connection to {service}: {error.kwargs['error']}.") from None
    except BotoCoreError as error:
        raise PassingError(
            f"{service} in {deployment.region} is unreachable ({type(error).__name__}).",
            "Check your network.",
        ) from None


def _refusal(deployment: Deployment, service: str, username: str, said: dict[str, str]) -> DrError:
    code, text = said.get("Code", ""), said.get("Message", "")
    if code in ("TooManyRequestsException", "LimitExceededException"):
        return DrError(
            f"{deployment.name} refuses further logins for now.", "Wait a few minutes, then try again."
        )
    if service == "cognito-identity":
        return DrError(
            f"{deployment.name} grants this user no access ({text.rstrip('.')}).",
            _NO_ROLE.format(name=deployment.name),
        )
    if code == "NotAuthorizedException":
        return DrError(f"The login of {username} to {deployment.name} was refused: {text}")
    message, hint = _REASONS.get(code, ("The login to {name} failed: {said} ({code})", ""))
    values = {"user": username, "name": deployment.name, "said": text, "code": code}
    return DrError(message.format(**values), hint.format(**values))
