from __future__ import annotations

import pytest

from drcli.car.address import CarAddress
from drcli.errors import UsageError


@pytest.mark.parametrize(
    ("text", "host", "port", "url"),
    [
        ("192.168.1.7", "192.168.1.7", 443, "https://192.168.1.7"),
        ("Deepracer.local:8443", "deepracer.local", 8443, "https://deepracer.local:8443"),
        (" https://car-3/ ", "car-3", 443, "https://car-3"),
        ("::1", "[::1]", 443, "https://[::1]"),
        ("[fd00::7]:444", "[fd00::7]", 444, "https://[fd00::7]:444"),
    ],
)
def test_a_host(text: str, host: str, port: int, url: str) -> None:
    address = CarAddress.parse(text)
    assert (address.host, address.port, address.url) == (host, port, url)


@pytest.mark.parametrize(
    "text",
    ["", "http://car", "car/models", "car:0", "car:99999", "car:x", "me:pw@car", "a b", "car?x", "[::1"],
)
def test_not_a_host(text: str) -> None:
    with pytest.raises(UsageError, match="not the address of a car") as caught:
        CarAddress.parse(text)
    assert "pw" not in caught.value.message
