"""What an executor is, and the one that needs no other process.

An executor runs tasks in any order and calls back on each commit. It knows nothing of stages, files or resume: a `Task` is two numbers,
and whoever runs it rebuilds the plan from the run directory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cleaning.engine.plan import Plan, Task
from cleaning.engine.tasks import Progress, run_task
from cleaning.errors import CleaningError, ConfigError, RetryableError

Counts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """A task that could not be committed."""

    task: Task
    reason: str
    attempts: int = 1
    trace: str = ""


class Listener(Protocol):
    """What the driver wants to hear while tasks run."""

    def committed(self, task: Task, counts: Counts) -> None: ...
    def progress(self, task: Task, progress: Progress) -> None: ...
    def retrying(self, task: Task, reason: str, attempt: int) -> None: ...


class Executor(Protocol):
    """Runs tasks; returns the failures. `should_stop` becoming true means: hand out no more, finish or abandon what runs."""

    def run(self, tasks: Sequence[Task], listener: Listener, should_stop: Callable[[], bool]) -> list[Failure]: ...


class InlineExecutor:
    """All tasks in this process, one after the other: for debugging, tests and benchmarks."""

    def __init__(self, root: Path, retries: int) -> None:
        self._plan = Plan.load(root)
        self._retries = retries

    def run(self, tasks: Sequence[Task], listener: Listener, should_stop: Callable[[], bool]) -> list[Failure]:
        """See Executor."""
        failures: list[Failure] = []
        for task in tasks:
            if should_stop():
                break
            for attempt in range(1, self._retries + 2):
                try:
                    listener.committed(task, run_task(self._plan, task, lambda p, t=task: listener.progress(t, p)))  # type: ignore[misc]
                    break
                except RetryableError as exc:
                    if attempt > self._retries:
                        failures.append(Failure(task, str(exc), attempt))
                    else:
                        listener.retrying(task, str(exc), attempt)
                except CleaningError as exc:
                    failures.append(Failure(task, str(exc), attempt))
                    break
        return failures


def make_executor(name: str, root: Path, plan: Plan) -> Executor:
    """The executor that the configuration names."""
    engine = plan.config.engine
    if name == "inline":
        return InlineExecutor(root, engine.retries)
    if name == "local":
        from cleaning.engine.local import LocalExecutor

        return LocalExecutor(root, engine.worker_count(), engine.retries, engine.grace_seconds)
    raise ConfigError(f"engine.executor: '{name}' is not available in this version; allowed: local, inline")
