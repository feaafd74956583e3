"""The process that runs tasks for the local executor.

It gets a run directory and task numbers through a pipe and sends back progress, counts or an error. When its driver is gone (the pipe is
at its end) it leaves at once and commits nothing more: the next driver may already be planning.
"""

from __future__ import annotations

import os
import signal
import traceback
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# imported here so that a forkserver that preloads this module shares numpy, numba and the tables with all workers
import cleaning.stages.normalize
import cleaning.stages.rule_filter  # noqa: F401
from cleaning.engine.plan import Plan, Task
from cleaning.engine.tasks import Progress, run_task
from cleaning.errors import CleaningError, RetryableError
from cleaning.text.charclass import char_tables

if os.environ.get("CLEANING_PRELOAD", "1") != "0":
    char_tables()


class DriverGone(BaseException):
    """The other end of the pipe is closed."""


def worker_main(connection: Connection, root: str) -> None:
    """Serve tasks until the driver says so or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        _serve(connection, Path(root))
    except (DriverGone, EOFError, BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        os._exit(0)


def _serve(connection: Connection, root: Path) -> None:
    plan: Plan | None = None

    def report(progress: Progress) -> None:
        if connection.poll():  # the driver sends nothing while a task runs: readable means gone
            raise DriverGone
        connection.send(("progress", asdict(progress)))

    while True:
        message: Any = connection.recv()
        if message is None:
            return
        task = Task(*message)
        try:
            plan = plan or Plan.load(root)
            counts = run_task(plan, task, report)
        except RetryableError as exc:
            answer: tuple[str, Any] = ("retry", str(exc))
        except CleaningError as exc:
            answer = ("failed", (str(exc), ""))
        except MemoryError:
            answer = ("retry", "out of memory")
        except Exception as exc:
            answer = ("failed", (f"{type(exc).__name__}: {exc}", traceback.format_exc()))
        else:
            answer = ("done", counts)
        connection.send(answer)
