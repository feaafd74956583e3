"""What the peers' scripts share: their arguments, their documents, their one line of JSON. Standard library only.

A script runs one job of one peer in that peer's environment. Its clock covers the work alone (after imports, models and
a warm-up); the runner measures the whole process from outside as well, and the table is made from that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# No job needs the network: what a peer would fetch at run time is made here or left out, and the README says which.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@dataclass
class Job:
    """One job on one input file. `out` is an empty directory of its own."""

    peer: str
    name: str
    input: Path
    out: Path
    lang: str
    models: Path
    prepare: bool
    docs: int = 0
    bytes: int = 0
    _cpu_s: float = 0.0
    _wall_s: float = 0.0
    _stdout: int = field(default=1, repr=False)

    @contextlib.contextmanager
    def clock(self) -> Iterator[None]:
        """The work section."""
        cpu, wall = _cpu_seconds(), time.perf_counter()
        yield
        self._cpu_s += _cpu_seconds() - cpu
        self._wall_s += time.perf_counter() - wall

    def documents(self) -> Iterator[tuple[str, str]]:
        """(id, text) of each line, counted."""
        with open(self.input, encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                self.docs += 1
                self.bytes += len(record["text"].encode("utf-8"))
                yield record["id"], record["text"]

    def count(self) -> None:
        """Count documents and bytes without doing anything, for a peer that reads the file itself."""
        for _ in self.documents():
            pass

    def report(self, kept: int | None) -> None:
        """Print the result. `kept` is None for a tool that only tags."""
        peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        unit = 1 if sys.platform == "darwin" else 1024
        result = {
            "peer": self.peer,
            "job": self.name,
            "lang": self.lang,
            "docs": self.docs,
            "bytes": self.bytes,
            "kept": kept,
            "cpu_s": round(self._cpu_s, 3),
            "wall_s": round(self._wall_s, 3),
            "rss_mb": round(max(peaks) * unit / 1e6, 1),
        }
        os.write(self._stdout, (json.dumps(result) + "\n").encode())


def open_job(peer: str, name: str) -> Job:
    """Read the arguments `INPUT OUT --lang zh|en --models DIR [--prepare]` and empty OUT.

    From here on standard output is standard error: peers print banners, and only the result may appear on the real one.
    """
    parser = argparse.ArgumentParser(description=f"{peer}: {name}")
    parser.add_argument("input", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lang", choices=("zh", "en"), required=True)
    parser.add_argument("--models", type=Path, required=True, help="directory for what the peer needs and we make")
    parser.add_argument("--prepare", action="store_true", help="make the models from INPUT and stop")
    given = parser.parse_args()
    shutil.rmtree(given.out, ignore_errors=True)
    given.out.mkdir(parents=True)
    given.models.mkdir(parents=True, exist_ok=True)
    stdout = os.dup(1)
    os.dup2(2, 1)
    return Job(peer, name, given.input.resolve(), given.out.resolve(), given.lang, given.models.resolve(), given.prepare, _stdout=stdout)


def _cpu_seconds() -> float:
    """User and system time of this process and of the children it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
