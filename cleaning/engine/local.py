"""Worker processes on this machine, supervised one by one.

Why not a pool of the standard library: when the OOM killer takes a worker, `multiprocessing.Pool` waits for ever and
`ProcessPoolExecutor` fails every pending job without naming the culprit. Here each worker has a pipe of its own, so the task of a dead
worker is known, tried again, and in the end reported as that shard; the others go on.

Workers come from a forkserver that has loaded the kernels once: they start in milliseconds, share those pages, and do not inherit each
other's pipe ends (with plain fork a dead worker's pipe would never reach its end).
"""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from cleaning.engine.executors import Failure, Listener
from cleaning.engine.plan import Task
from cleaning.engine.tasks import Progress
from cleaning.engine.worker import worker_main
from cleaning.errors import RetryableError

log = logging.getLogger(__name__)
POLL_SECONDS = 0.25
START_ATTEMPTS = 20


@dataclass(slots=True, eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task | None = None


def preload() -> None:
    """Start the forkserver, which loads the kernels while the driver is still planning."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        multiprocessing.get_context("forkserver").set_forkserver_preload(["cleaning.engine.worker"])
        forkserver.ensure_running()


class LocalExecutor:
    """`workers` processes, each with one task at a time."""

    def __init__(self, root: Path, workers: int, retries: int, grace_seconds: float) -> None:
        self._root, self._count, self._retries, self._grace = root, workers, retries, grace_seconds
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        self._context: Any = multiprocessing.get_context(method)
        preload()
        self._workers: list[_Worker] = []

    def run(self, tasks: Sequence[Task], listener: Listener, should_stop: Callable[[], bool]) -> list[Failure]:
        """See Executor."""
        queue = list(reversed(tasks))
        attempts: dict[Task, int] = {}
        failures: list[Failure] = []

        def again(task: Task, reason: str) -> None:
            attempts[task] = attempts.get(task, 0) + 1
            if attempts[task] > self._retries:
                failures.append(Failure(task, f"{reason} (tried {attempts[task]} times)", attempts[task]))
            else:
                listener.retrying(task, reason, attempts[task])
                queue.append(task)

        try:
            while (queue and not should_stop()) or any(w.task is not None for w in self._workers):
                if should_stop():
                    queue.clear()
                    self._wind_down(listener)
                    break
                self._fill(queue)
                for worker in self._ready():
                    self._hear(worker, listener, again, failures)
        finally:
            self._dismiss()
        return failures

    def _fill(self, queue: list[Task]) -> None:
        while len(self._workers) < self._count and len(self._workers) < len(queue) + sum(w.task is not None for w in self._workers):
            self._start()
        for worker in self._workers:
            if worker.task is None and queue:
                task = queue.pop()
                try:
                    worker.pipe.send((task.phase, task.index))
                    worker.task = task
                except (BrokenPipeError, OSError):
                    queue.append(task)  # the worker died idle; _ready finds it by its sentinel

    def _start(self) -> None:
        """One more worker. The forkserver, or the worker itself before it has said its pid, may be killed too: try again."""
        for attempt in range(START_ATTEMPTS):
            mine, theirs = self._context.Pipe()
            process = self._context.Process(target=worker_main, args=(theirs, str(self._root)), daemon=True)
            try:
                process.start()
            except (EOFError, OSError) as exc:
                mine.close()
                log.warning("a worker could not be started (%s: %s); trying again", type(exc).__name__, exc)
                time.sleep(min(2.0, 0.1 * 2**attempt))
                continue
            finally:
                theirs.close()
            self._workers.append(_Worker(process, mine))
            return
        raise RetryableError(f"no worker can be started ({START_ATTEMPTS} attempts)")

    def _ready(self) -> list[_Worker]:
        handles: dict[Any, _Worker] = {}
        for worker in self._workers:
            handles[worker.pipe] = worker
            handles[worker.process.sentinel] = worker
        return list(dict.fromkeys(handles[h] for h in wait(list(handles), POLL_SECONDS)))

    def _hear(self, worker: _Worker, listener: Listener, again: Callable[[Task, str], None], failures: list[Failure]) -> None:
        """One message, or the news that the worker is dead."""
        try:
            if not worker.pipe.poll():
                raise EOFError
            kind, body = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(1)
            code = worker.process.exitcode
            self._drop(worker)
            if worker.task is not None:
                how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
                again(worker.task, f"the worker {how}")
            return
        task = worker.task
        assert task is not None
        if kind == "progress":
            listener.progress(task, Progress(**body))
            return
        worker.task = None
        if kind == "done":
            listener.committed(task, body)
        elif kind == "retry":
            again(task, body)
        else:
            failures.append(Failure(task, body[0], 1, body[1]))

    def _wind_down(self, listener: Listener) -> None:
        """Let running tasks finish for a while; what does not is abandoned and will be redone."""
        until = time.monotonic() + self._grace
        while time.monotonic() < until and any(w.task is not None for w in self._workers):
            for worker in self._ready():
                self._hear(worker, listener, lambda task, reason: None, [])
        left = sum(w.task is not None for w in self._workers)
        if left:
            log.info("%d unfinished tasks abandoned; the same command redoes them", left)

    def _drop(self, worker: _Worker) -> None:
        worker.pipe.close()
        if worker in self._workers:
            self._workers.remove(worker)

    def _dismiss(self) -> None:
        for worker in self._workers:
            if worker.task is None:
                try:
                    worker.pipe.send(None)
                except OSError:
                    pass
            else:
                worker.process.kill()
        for worker in list(self._workers):
            worker.process.join(2)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join(2)
            self._drop(worker)
