"""How a run shows that it is alive: bars on a terminal, one line every 30 seconds otherwise."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from tqdm import tqdm

from cleaning.engine.plan import Phase, Plan, Task
from cleaning.engine.tasks import Progress

log = logging.getLogger("cleaning.progress")
EVERY_SECONDS = 30.0


class ProgressDisplay:
    """Listens to an executor during one phase. MB are input bytes as estimated by the plan (compressed files count as text)."""

    def __init__(self, plan: Plan, phase: Phase, done: list[Task], *, every: float = EVERY_SECONDS) -> None:
        self._plan, self._phase, self._every = plan, phase, every
        self._total = sum(self._weight(Task(phase.index, i)) for i in range(phase.tasks)) or 1
        self._skipped = sum(self._weight(task) for task in done)
        self._finished = 0
        self._counts = {"documents": 0, "kept": 0}
        self._running: dict[Task, Progress] = {}
        self._begin = self._told = time.monotonic()
        self._bar: Any = None
        if sys.stderr.isatty():
            label = phase.folder
            self._bar = tqdm(total=self._total / 1e6, initial=self._skipped / 1e6, desc=label, unit="MB", dynamic_ncols=True)

    def _weight(self, task: Task) -> int:
        return self._plan.shards[task.index].weight if self._phase.kind == "pass" else 1

    def committed(self, task: Task, counts: dict[str, Any]) -> None:
        """A task is in place."""
        self._running.pop(task, None)
        self._finished += self._weight(task)
        self._counts["documents"] += counts.get("documents", 0)
        self._counts["kept"] += counts.get("kept", 0)
        self._tell()

    def progress(self, task: Task, progress: Progress) -> None:
        """A task is under way."""
        self._running[task] = progress
        self._tell()

    def retrying(self, task: Task, reason: str, attempt: int) -> None:
        """A task starts over."""
        self._running.pop(task, None)
        log.warning("%s/%05d: %s; trying again (%d)", self._phase.folder, task.index, reason, attempt)

    def close(self) -> None:
        """The phase is over."""
        if self._bar is not None:
            self._bar.close()

    def _tell(self) -> None:
        now = time.monotonic()
        documents = self._counts["documents"] + sum(p.documents for p in self._running.values())
        kept = self._counts["kept"] + sum(p.kept for p in self._running.values())
        # three bytes a character is right for Chinese and generous for English; a task under way never counts as more than whole
        under_way = sum(min(3 * p.chars, self._weight(t)) for t, p in self._running.items())
        done = self._finished + under_way
        share = 100 * kept / documents if documents else 100.0
        if self._bar is not None:
            self._bar.n = round((self._skipped + done) / 1e6, 1)
            self._bar.set_postfix_str(f"{documents:,} docs, kept {share:.1f} %", refresh=True)
            return
        if now - self._told < self._every:
            return
        self._told = now
        speed = done / max(1e-9, now - self._begin)
        left = max(0, self._total - self._skipped - done) / speed if speed else 0
        log.info(
            "%s: %s documents, %.1f MB/s, kept %.1f %%, %.0f %% done, ETA %s",
            self._phase.folder, f"{documents:,}", speed / 1e6, share, 100 * (self._skipped + done) / self._total, _clock(left),
        )  # fmt: skip


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
