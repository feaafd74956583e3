"""What a command costs: CPU seconds and peak memory of its whole process tree, seen from outside.

Every number of the table goes through `run_measured`, for our tool, the floor and the peers alike, so nobody is judged by
a clock of their own. It is *not* a profiler: it knows nothing of what happens inside.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# One thread each: libraries that start a thread per core would be compared by CPU seconds spent waiting for each other.
SINGLE_THREAD = {f"{library}_THREADS": "1" for library in ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "RAYON_NUM", "NUMBA_NUM", "POLARS_MAX")}
LAUNCH = Path(__file__).resolve().with_name("launch.py")
_TAIL_CHARS = 4000


@dataclass(frozen=True)
class Usage:
    """One run of one command. `rss_mb` is the largest single process of the tree, not the sum over it."""

    cpu_s: float
    wall_s: float
    rss_mb: float
    code: int
    stdout: str
    stderr: str

    @property
    def fault(self) -> str | None:
        """Why the command failed, in one line; None when it did not."""
        if self.code == 0:
            return None
        lines = [line.strip() for line in (self.stderr or self.stdout).splitlines() if line.strip()]
        how = f"killed by signal {-self.code}" if self.code < 0 else f"exit {self.code}"
        return f"{how}: {lines[-1][:200]}" if lines else how


def run_measured(command: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 3600) -> Usage:
    """Run `command` to its end and add up what it and all its descendants used.

    A command that overruns `timeout` seconds is killed with its process group.
    """
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        with open(place / "out", "w+b") as out, open(place / "err", "w+b") as err:
            launcher = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCH), str(place / "usage"), *command],
                cwd=cwd,
                env={**os.environ, **SINGLE_THREAD, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            try:
                launcher.wait(timeout)
            except subprocess.TimeoutExpired:
                err.write(f"gave up after {timeout:g} s\n".encode())
            finally:
                _kill_group(launcher)
        printed, complained = _tail(place / "out"), _tail(place / "err")
        if not (place / "usage").is_file():  # killed, or the command could not even be started
            return Usage(0.0, 0.0, 0.0, launcher.returncode or 1, printed, complained)
        used = json.loads((place / "usage").read_text(encoding="utf-8"))
        return Usage(used["cpu_s"], used["wall_s"], used["rss_mb"], used["code"], printed, complained)


def machine() -> dict[str, str | int | float]:
    """What the numbers were measured on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "cores": cores,
        "cpu": _cpu_model(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def _kill_group(launcher: subprocess.Popen[bytes]) -> None:
    """End a command that has not ended by itself: out of time, or we were interrupted."""
    if launcher.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(launcher.pid, signal.SIGKILL)
        launcher.wait()


def _tail(path: Path) -> str:
    """The end of what was printed."""
    return path.read_bytes()[-_TAIL_CHARS:].decode("utf-8", "replace")


def _cpu_model() -> str:
    """The processor's name, as far as the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
