"""Trust on first use: a car's certificate is self-signed, so its SHA-256 fingerprint is kept when it is first seen.

The file is `paths.known_cars()`: one object, address → fingerprint, readable only by the user. `drcli.car.connection`
checks the fingerprint again in every connection, before anything is sent.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import ssl

from drcli import paths
from drcli.car.address import CarAddress
from drcli.errors import DrError, UsageError
from drcli.local import lock, write_private

_TIMEOUT_S = 10.0


def parse(text: str) -> str:
    """A fingerprint as openssl writes it, `AB:CD:…`, from hex digits with or without colons. Raises UsageError."""
    digits = text.strip().replace(":", "").upper()
    if not re.fullmatch(r"[0-9A-F]{64}", digits):
        raise UsageError(
            f"{text!r} is not a SHA-256 fingerprint.", "It has 64 hex digits, with or without colons."
        )
    return ":".join(digits[at : at + 2] for at in range(0, 64, 2))


def presented(address: CarAddress) -> str:
    """The fingerprint of the certificate that the server at this address has now. Sends it nothing else.

    Raises:
        DrError: it is unreachable, or does not speak TLS.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is only looked at
    host = address.host.strip("[]")
    try:
        with (
            socket.create_connection((host, address.port), _TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secure,
        ):
            certificate = secure.getpeercert(binary_form=True)
    except TimeoutError:
        raise unreachable(address, f"no answer within {_TIMEOUT_S:.0f} s") from None
    except ssl.SSLError as error:
        raise unreachable(address, f"the server does not speak HTTPS ({error.reason})") from None
    except (OSError, UnicodeError) as error:
        raise unreachable(address, getattr(error, "strerror", None) or "not a valid host name") from None
    return parse(hashlib.sha256(certificate or b"").hexdigest())


def unreachable(address: CarAddress, reason: str) -> DrError:
    """The error for a car that cannot be talked to."""
    return DrError(
        f"{address} is unreachable: {reason}.",
        f"The car has to be on and in the same network. Does {address.url} open in a browser?",
    )


def settle(address: CarAddress, given: str = "") -> tuple[str, bool]:
    """The fingerprint to expect from this car, and whether it is known; if it is not, ask the user, then `remember`.

    given: the one that the user expects; it replaces one that is known.

    Raises:
        DrError: the car is unreachable, or its certificate is not the known or the given one.
    """
    found = presented(address)
    known = _load().get(_key(address), "")
    if given and given != found:
        raise DrError(
            f"The certificate of {address} has the fingerprint\n  {found}, not the given\n  {given}.",
            "Nothing was sent. Either --fingerprint is that of another car, or this is not your car.",
        )
    if given:
        remember(address, found)
    elif known and known != found:
        raise DrError(
            f"The certificate of {address} has changed. Its fingerprint is\n  {found}, but was\n  {known}.",
            "No password was sent: this may be another car, or a machine that poses as yours. If your car was reset or "
            "updated, compare the fingerprint (docs/car.md) and accept it once with --fingerprint.",
        )
    return found, bool(known or given)


def remember(address: CarAddress, fingerprint: str) -> None:
    """Keep the fingerprint of this car."""
    path = paths.known_cars()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with lock(path.with_suffix(".lock")):
            write_private(path, _load() | {_key(address): fingerprint})
    except OSError as error:
        raise DrError(f"{path} cannot be written: {error.strerror}.") from error


def _load() -> dict[str, str]:
    path = paths.known_cars()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {str(key): parse(value) for key, value in document.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, UsageError) as error:
        raise DrError(f"{path} is broken.", "Delete it; each car is then asked about once more.") from error


def _key(address: CarAddress) -> str:
    return f"{address.host}:{address.port}"
