"""What every test shares: the network is blocked, and the real corpora are found or their tests are skipped."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPO_ROOT = Path(__file__).resolve().parent.parent


class NetworkBlockedError(RuntimeError):
    """A test tried to leave this machine."""


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Only UNIX sockets and loopback connect: a test that needs the network is a defect. This machine is not the network."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guard(real: Any) -> Any:
        def checked(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
                raise NetworkBlockedError(f"tests may not use the network: {address!r}")
            return real(self, address)

        return checked

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guard(connect))
    patch.setattr(socket.socket, "connect_ex", guard(connect_ex))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real corpora: `CLEANING_DATA_ROOT`, else `../shared/data` beside the checkout; the test is skipped without them."""
    configured = os.environ.get("CLEANING_DATA_ROOT")
    root = Path(configured) if configured else REPO_ROOT.parent / "shared" / "data"
    if not (root / "alt").is_dir():
        pytest.skip(f"no corpora at {root}; set CLEANING_DATA_ROOT")
    return root


@pytest.fixture(scope="session")
def lid176() -> Path:
    """The real language identifier, from $CLEANING_MODELS or models/; the test is skipped without it. run_tests.sh gets it."""
    path = Path(os.environ.get("CLEANING_MODELS") or REPO_ROOT / "models") / "lid.176.ftz"
    if not path.is_file():
        pytest.skip(f"no {path}; get it with: python -m cleaning models fetch lid.176.ftz")
    pytest.importorskip("fasttext", reason="the extra models is not installed")
    return path
