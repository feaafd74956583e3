"""One contestant on one job: which command, on which text; and how its cost is told apart from its start-up.

Every contestant is run on its slice and on one document of it. The difference is the work: interpreters, imports, models and
compiled kernels cost the same for one document as for a million, and a benchmark of 20 MB must not pretend otherwise. Both
numbers are reported. Contestants of a group are run in turn, round after round, so that a busy minute of the machine hits
all of them; the cheapest round counts, because noise only ever adds.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from corpus import Slice
from measure import Usage, run_measured

log = logging.getLogger("benchmarks")
MIN_WORK_SECONDS = 0.02  # below this the difference of two runs is noise
_STARTUP_ROUNDS = 2  # at least: the first run after an installation also compiles Python to bytecode


@dataclass(frozen=True)
class Contestant:
    """A tool on a job. `command` gets the input and an output path; `kept` looks at what was written (None: tags only)."""

    job: str
    lang: str
    tool: str
    about: str
    full: Slice
    one: Slice
    command: Callable[[Slice, Path], list[str]]
    kept: Callable[[Path, Usage], int | None]
    rounds: int = 1
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Row:
    """What the table says of a contestant. With a `fault` the numbers are empty."""

    job: str
    lang: str
    tool: str
    about: str
    mb: float = 0.0
    docs: int = 0
    kept: int | None = None
    total_cpu_s: float | None = None
    startup_cpu_s: float | None = None
    wall_s: float | None = None
    rss_mb: float | None = None
    fault: str | None = None
    rounds: dict[str, Any] = field(default_factory=dict)

    @property
    def work_cpu_s(self) -> float | None:
        """CPU seconds without start-up; None when too short to be told from noise."""
        if self.total_cpu_s is None or self.startup_cpu_s is None:
            return None
        work = self.total_cpu_s - self.startup_cpu_s
        return work if work >= MIN_WORK_SECONDS else None

    @property
    def speed(self) -> float | None:
        """Megabytes of text per CPU second of work."""
        return self.mb / self.work_cpu_s if self.work_cpu_s else None

    def to_json(self) -> dict[str, Any]:
        """Plain data, with what is derived."""
        return {**asdict(self), "work_cpu_s": self.work_cpu_s, "mb_per_cpu_s": self.speed}


def run_contest(contestants: Sequence[Contestant], work: Path, timeout: float) -> list[Row]:
    """Run all contestants in interleaved rounds; one row each, in their order."""
    entries = [_Entry(c, Row(c.job, c.lang, c.tool, c.about, c.full.mb, c.full.docs)) for c in contestants]
    for number in range(max((max(c.rounds, _STARTUP_ROUNDS) for c in contestants), default=0)):
        for entry in entries:
            _run_round(entry, number, work, timeout)
    for entry in entries:
        _conclude(entry)
    return [entry.row for entry in entries]


@dataclass
class _Entry:
    contestant: Contestant
    row: Row
    startups: list[Usage] = field(default_factory=list)
    totals: list[Usage] = field(default_factory=list)


def _run_round(entry: _Entry, number: int, work: Path, timeout: float) -> None:
    """Start-up and, as often as the contestant has rounds, the whole job."""
    if entry.row.fault is not None:
        return
    one, row = entry.contestant, entry.row
    if number < max(one.rounds, _STARTUP_ROUNDS):
        _run_once(entry, one.one, entry.startups, work, timeout)
    if number < one.rounds and row.fault is None:
        _run_once(entry, one.full, entry.totals, work, timeout)
        if row.fault is None:
            log.info("%s %s %s: %.2f CPU s", row.job, row.lang, row.tool, entry.totals[-1].cpu_s)
    if row.fault is not None:
        log.warning("%s %s %s: %s", row.job, row.lang, row.tool, row.fault)


def _run_once(entry: _Entry, text: Slice, into: list[Usage], work: Path, timeout: float) -> None:
    """Run the command on `text` into an empty place and note what it used."""
    contestant, row = entry.contestant, entry.row
    out = work / "out"
    shutil.rmtree(out, ignore_errors=True)
    usage = run_measured(contestant.command(text, out), cwd=work, env=contestant.env, timeout=timeout)
    row.fault = usage.fault
    if row.fault is None and text is contestant.full:
        row.kept = contestant.kept(out, usage)
    into.append(usage)
    shutil.rmtree(out, ignore_errors=True)


def _conclude(entry: _Entry) -> None:
    """The cheapest rounds make the row."""
    if entry.row.fault is not None:
        return
    best = min(entry.totals, key=lambda usage: usage.cpu_s)
    row = entry.row
    row.total_cpu_s, row.wall_s, row.rss_mb = best.cpu_s, best.wall_s, best.rss_mb
    row.startup_cpu_s = min(usage.cpu_s for usage in entry.startups)
    row.rounds = {
        "total_cpu_s": [round(usage.cpu_s, 3) for usage in entry.totals],
        "startup_cpu_s": [round(usage.cpu_s, 3) for usage in entry.startups],
        "printed": best.stdout.strip()[-500:] if best.stdout.startswith("{") else None,
    }
