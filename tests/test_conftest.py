"""The test-suite's own guards work."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import NetworkBlockedError


# addresses that are set apart for documentation
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")])
def test_network_raises(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as one, pytest.raises(NetworkBlockedError):
        one.connect((address, 9))
    with socket.socket(family) as one, pytest.raises(NetworkBlockedError):
        one.connect_ex((address, 9))


def test_unix_sockets_still_connect(tmp_path_factory: pytest.TempPathFactory) -> None:
    place = str(tmp_path_factory.mktemp("s") / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(place)
        server.listen()
        client.connect(place)
        assert client.getpeername() == place
