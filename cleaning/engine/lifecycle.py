"""Who is running: the lock of a run directory, the register of live runs, and how to stop one without harming a stranger.

A process is named by its pid *and* its start time in the kernel's ticks since boot, so that a pid that was given to another process is
never signalled, and a clock that was set does not matter.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import xxhash

from cleaning.config import PROJECT_ROOT
from cleaning.errors import UserError
from cleaning.io.commit import replace_file, to_bytes

log = logging.getLogger(__name__)
PID_FILE = "run.pid"


def register_dir() -> Path:
    """Where live runs of this checkout are registered (`CLEANING_STATE` moves it)."""
    if os.environ.get("CLEANING_STATE"):
        return Path(os.environ["CLEANING_STATE"])
    if (PROJECT_ROOT / "pyproject.toml").is_file() and os.access(PROJECT_ROOT, os.W_OK):
        return PROJECT_ROOT / ".runs"
    return Path.home() / ".local" / "state" / "cleaning" / "runs"


def start_mark(pid: int) -> str | None:
    """When a process started, in a form that no later process with its pid can have; None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        fields = stat[stat.rindex(")") + 2 :].split()
        if fields[0] == "Z":
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{fields[19]}"
    except (OSError, ValueError, IndexError):
        if Path("/proc/self/stat").exists():
            return None
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
    return shown or None


@dataclass(slots=True)
class RunLock:
    """The exclusive right to work in a run directory; released when the process ends, however it ends."""

    root: Path
    handle: BinaryIO
    entry: Path

    @classmethod
    def take(cls, root: Path) -> RunLock:
        """Lock `root` and register this process. Raises UserError when another driver is at work there."""
        root.mkdir(parents=True, exist_ok=True)
        handle = (root / ".lock").open("ab")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            handle.close()
            other = read_owner(root)
            who = f"pid {other['pid']} on {other['host']}" if other else "another process"
            raise UserError(f"{root}: {who} is running here; wait for it, or stop it with: bash stopall.sh {root}") from exc
        owner = {"pid": os.getpid(), "start": start_mark(os.getpid()), "host": socket.gethostname(), "root": str(root.resolve())}
        replace_file(root / PID_FILE, to_bytes(owner))
        entry = register_dir() / f"{os.getpid()}-{xxhash.xxh64_hexdigest(str(root.resolve()).encode())}.json"
        try:
            replace_file(entry, to_bytes(owner))
        except OSError as exc:
            log.warning("this run is not registered for stopall.sh (%s); stop it with: stopall.sh %s", exc, root)
        return cls(root, handle, entry)

    def release(self) -> None:
        """Give the directory back."""
        self.entry.unlink(missing_ok=True)
        (self.root / PID_FILE).unlink(missing_ok=True)
        self.handle.close()


def read_owner(root: Path) -> dict[str, Any] | None:
    """Who says that it works in `root`."""
    try:
        return dict(orjson.loads((root / PID_FILE).read_bytes()))
    except (OSError, orjson.JSONDecodeError, ValueError, TypeError):
        return None


def is_alive(owner: dict[str, Any]) -> bool:
    """Whether the very process that registered still runs, on this host."""
    return owner.get("host") == socket.gethostname() and owner.get("start") is not None and start_mark(int(owner["pid"])) == owner["start"]


def live_runs() -> list[dict[str, Any]]:
    """Registered runs that are alive; entries of dead ones are removed."""
    found: list[dict[str, Any]] = []
    for entry in sorted(register_dir().glob("*.json")):
        try:
            owner = dict(orjson.loads(entry.read_bytes()))
        except (OSError, orjson.JSONDecodeError, ValueError, TypeError):
            continue
        if is_alive(owner):
            found.append(owner)
        elif owner.get("host") == socket.gethostname():
            entry.unlink(missing_ok=True)
    return found


def stop(owners: list[dict[str, Any]], wait_seconds: float = 25.0) -> tuple[int, int]:
    """SIGTERM each, wait, SIGKILL what is left. Returns (stopped, killed)."""
    for owner in owners:
        _signal(owner, signal.SIGTERM)
    until = time.monotonic() + wait_seconds
    while time.monotonic() < until and any(is_alive(owner) for owner in owners):
        time.sleep(0.1)
    late = [owner for owner in owners if is_alive(owner)]
    for owner in late:
        _signal(owner, signal.SIGKILL)
    return len(owners) - len(late), len(late)


def _signal(owner: dict[str, Any], number: int) -> None:
    if not is_alive(owner):
        return
    try:
        handle = os.pidfd_open(int(owner["pid"]))
    except (OSError, AttributeError):
        try:
            os.kill(int(owner["pid"]), number)
        except ProcessLookupError:
            pass
        return
    try:
        if is_alive(owner):  # the handle cannot be handed to another process between this check and the signal
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
