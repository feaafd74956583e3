"""Run one command and write down what it and its descendants used: `launch.py RESULT COMMAND...`.

A process of its own, and a small one on purpose: Linux counts the memory of the process that a command was forked from into
the command's peak, so a runner that has once held the input would show up in every row. Standard library only.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence

_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_ORPHAN_SECONDS = 10.0


def main(arguments: Sequence[str]) -> int:
    """Run the command; its exit code, seconds and peak memory go to RESULT as JSON."""
    result, *command = arguments
    _adopt_orphans()
    start = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    cpu, rss = used.ru_utime + used.ru_stime, used.ru_maxrss
    for seconds, peak in _reap_orphans():
        cpu, rss = cpu + seconds, max(rss, peak)
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    found = {"cpu_s": cpu, "wall_s": wall, "rss_mb": rss * unit / 1e6, "code": os.waitstatus_to_exitcode(status)}
    with open(result, "w", encoding="utf-8") as sink:
        json.dump(found, sink)
    return 0


def _adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies first.

    A fork server outlives the command that started it by a moment; without this its CPU seconds, and those of every worker
    that it reaped, would go to init and be lost from the count. Linux only; elsewhere such a tool looks a little cheaper.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap_orphans() -> Iterator[tuple[float, int]]:
    """CPU seconds and peak memory of each adopted process, waiting for the last of them but not for ever."""
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while time.monotonic() < deadline:
        try:
            pid, _, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            yield used.ru_utime + used.ru_stime, used.ru_maxrss
        else:
            time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
