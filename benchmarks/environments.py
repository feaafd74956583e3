"""The peers' environments: one each under `.envs/`, made on first use, stamped so that the next run starts at once.

Peers pin each other's dependencies away, so they never share an environment, nor ours. A peer that cannot be installed is
a row of the table with its reason, never a gap.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE / ".envs"
_INSTALL_SECONDS = 1800


@dataclass(frozen=True)
class Peer:
    """Another tool: what to install, which script runs its job, and what that job is.

    `prepared` scripts are first called with --prepare. `slices` multiplies the peers' slice, for a tool whose start-up is so
    long, or so uneven, that a short job would drown in it.
    """

    name: str
    requirements: tuple[str, ...]
    script: str
    about: str
    prepared: bool = False
    slices: int = 1

    @property
    def directory(self) -> Path:
        """Its environment."""
        return HOME / self.name

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.directory / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


# Versions are pinned: a table that says "datatrove" must mean the same code next year. spaCy and jieba are what datatrove
# itself chooses for English and Chinese words; they are in its large extra `multilingual`, of which nothing else is needed.
PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "datatrove",
            ("datatrove[processing,io]==0.10.1", "spacy>=3.8,<4", "jieba==0.42.1", "pyyaml"),
            "datatrove_heuristics.py",
            "FineWeb-2 filters (zh), FineWeb filters (en); reader to writer",
        ),
        Peer(
            "data-juicer",
            ("py-data-juicer==1.6.1", "aiohttp", "sentencepiece", "pyyaml"),
            "data_juicer_heuristics.py",
            "ten text operators called in process; tokens by SentencePiece",
            prepared=True,
        ),
        Peer(
            "dolma",
            ("dolma==1.2.1",),
            "dolma_heuristics.py",
            "`dolma tag` with gopher_v2 and c4_v2; tags, drops nothing",
            slices=4,
        ),
    )
}


@dataclass(frozen=True)
class Installed:
    """Whether a peer can be run: `fault` is None, or the reason in one line."""

    fault: str | None
    version: str = ""


class _InstallError(Exception):
    """An installer failed; the message is one line."""


def install(peer: Peer) -> Installed:
    """Make the peer's environment unless it is there already."""
    stamp = peer.directory / "stamp.json"
    wanted = {"requirements": list(peer.requirements), "python": sys.version.split()[0]}
    if stamp.is_file() and peer.python.exists():
        found = json.loads(stamp.read_text(encoding="utf-8"))
        if {key: found.get(key) for key in wanted} == wanted:
            return Installed(None, found["version"])
    try:
        shutil.rmtree(peer.directory, ignore_errors=True)
        _fill(peer)
        version = _version(peer)
    except (_InstallError, OSError, subprocess.TimeoutExpired) as error:
        shutil.rmtree(peer.directory, ignore_errors=True)
        return Installed(str(error).splitlines()[0][:200])
    stamp.write_text(json.dumps({**wanted, "version": version}, indent=1), encoding="utf-8")
    return Installed(None, version)


def _fill(peer: Peer) -> None:
    """An environment with the requirements in it; by uv, because pip's resolver needs over twenty minutes for dolma."""
    HOME.mkdir(exist_ok=True)
    uv = _find_uv()
    if uv is not None:
        _call([uv, "venv", "--python", sys.executable, str(peer.directory)])
        _call([uv, "pip", "install", "--python", str(peer.python), *peer.requirements])
    else:
        _call([sys.executable, "-m", "venv", str(peer.directory)])
        _call([str(peer.python), "-m", "pip", "install", *peer.requirements])


def _find_uv() -> str | None:
    """uv from PATH, else from an environment of its own that we make with pip; None if even that fails."""
    found = shutil.which("uv")
    if found is not None:
        return found
    tools = Peer(".tools", (), "", "")
    own = tools.python.with_name("uv")
    try:
        if not own.exists():
            _call([sys.executable, "-m", "venv", "--clear", str(tools.directory)])
            _call([str(tools.python), "-m", "pip", "install", "--quiet", "uv"])
    except (_InstallError, OSError, subprocess.TimeoutExpired):
        return None
    return str(own) if own.exists() else None


def _version(peer: Peer) -> str:
    """The installed version of the peer's own package, which comes first in its requirements."""
    package = peer.requirements[0].partition("==")[0].partition("[")[0]
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return _call([str(peer.python), "-c", code]).strip()


def _call(command: list[str]) -> str:
    """Standard output of a command; raises with the line that says what went wrong."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if done.returncode:
        lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        telling = [line for line in lines if "Because" in line] or [line for line in lines if "rror" in line]  # uv's cause, else anybody's
        raise _InstallError((telling or lines or [f"exit {done.returncode}"])[0].lstrip("×╰─▶ ").removeprefix("cause: "))
    return done.stdout
