"""The driver of a run: lock, snapshot, phase by phase, publish.

It keeps no state of its own. Killed at any moment and started again with the same command, it looks at the committed directories,
computes what is missing or stale, and goes on.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from cleaning import __version__
from cleaning.config import LoadedConfig
from cleaning.engine.executors import Failure, make_executor
from cleaning.engine.lifecycle import RunLock
from cleaning.engine.local import preload
from cleaning.engine.plan import Phase, Plan, Task
from cleaning.engine.progress import EVERY_SECONDS, ProgressDisplay
from cleaning.engine.publish import Folded, fold, publish
from cleaning.engine.resolve import resolve, write_snapshot
from cleaning.engine.sampling import try_lists
from cleaning.engine.status import phase_status
from cleaning.errors import UserError
from cleaning.io.commit import read_manifest, remove_tree, replace_file, sweep, to_bytes
from cleaning.io.objects import json_values
from cleaning.io.shards import find_shards
from cleaning.stages.contract import GlobalStage

log = logging.getLogger(__name__)
DONE, FAILED, STOPPED = 0, 1, 130


@dataclass(slots=True)
class Outcome:
    """How a run ended: `code` is the exit code."""

    code: int
    plan: Plan
    folded: Folded | None = None
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0


def run(loaded: LoadedConfig, root: Path, *, every: float = EVERY_SECONDS) -> Outcome:
    """Run a configuration in the directory `root`, resuming what is there. Raises UserError before anything starts."""
    resolved = resolve(loaded)
    if resolved.config.engine.executor == "ray":
        raise UserError("engine.executor: 'ray' is not available in this version; allowed: local, inline")
    shards = find_shards(resolved.config.input)
    _refuse_foreign(root, resolved.config.input.paths)
    inside = [p.path for s in shards for p in s.pieces if root.resolve() in Path(p.path).parents]
    if inside:
        raise UserError(f"--output {root}: holds the input {inside[0]}, which this run would replace; give another directory")
    try_lists(resolved.config, resolved.stages, shards)  # before anything of an earlier run is touched
    try:
        lock = RunLock.take(root)
        handler = _log_to_file(root)
    except OSError as exc:
        raise UserError(f"--output {root}: cannot be written: {exc.strerror}") from exc
    began = time.time()
    status: dict[str, Any] = {"status": "running", "name": resolved.config.name, "pid": os.getpid(), "host": socket.gethostname()}
    status.update(version=__version__, python=sys.version.split()[0], command=sys.argv, started=began)
    with _stop_flag() as stopped:
        try:
            replace_file(root / "run.json", to_bytes(status))
            plan = write_snapshot(root, loaded, resolved, shards)
            swept = sweep(root / "phases")
            if swept:
                log.info("removed %d unfinished task directories of an earlier run", swept)
            for stage in plan.stages:
                if isinstance(stage, GlobalStage):
                    stage.begin(root, plan.scale)
            outcome = _phases(plan, stopped, every)
            if outcome.code != STOPPED:
                outcome.folded = fold(plan)
                publish(plan, outcome.folded)
                if outcome.code == DONE:
                    _finish(plan, outcome.folded)
                _remove_orphans(plan)
            outcome.seconds = time.time() - began
            status["status"] = {DONE: "done", FAILED: "failed", STOPPED: "stopped"}[outcome.code]
            status["failures"] = [{"shard": _task_name(plan, f.task), "reason": f.reason} for f in outcome.failures]
            return outcome
        except BaseException:
            status["status"] = "stopped" if stopped() else "error"
            raise
        finally:
            sweep(root / "phases")  # what workers that had to be killed left behind
            status.update(ended=time.time())
            replace_file(root / "run.json", to_bytes(status))
            logging.getLogger("cleaning").removeHandler(handler)
            handler.close()
            lock.release()


def _finish(plan: Plan, folded: Folded) -> None:
    for phase in plan.phases:
        if phase.steps and phase.steps[0].kind == "apply":
            stage = plan.stages[phase.steps[0].stage]
            assert isinstance(stage, GlobalStage)
            taps = plan.upstream(plan.phases[plan.tapped(phase).index + 1])
            stage.finish(taps, plan.reduced(phase), folded.stats)


def _log_to_file(root: Path) -> logging.Handler:
    """A copy of what is logged goes to `logs/`, one file a start."""
    (root / "logs").mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(root / "logs" / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log", encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger("cleaning").addHandler(handler)
    return handler


def _refuse_foreign(root: Path, inputs: tuple[str, ...]) -> None:
    """Do not write into a directory that is somebody's data."""
    if root.exists() and not root.is_dir():
        raise UserError(f"--output {root}: is a file; a directory is expected")
    if root.is_dir() and any(root.iterdir()) and not any((root / n).exists() for n in ("run.json", "snapshot", ".lock", "phases")):
        raise UserError(f"--output {root}: is not empty and is no run directory; give a new or an empty directory")
    for text in inputs:
        path = Path(text).expanduser()
        if path.is_dir() and (path.resolve() == root.resolve() or path.resolve() in root.resolve().parents):
            raise UserError(f"--output {root}: lies in the input {path}, and would be read as input; give another directory")


def _phases(plan: Plan, stopped: Callable[[], bool], every: float) -> Outcome:
    outcome = Outcome(DONE, plan)
    traces: set[str] = set()
    if plan.config.engine.executor == "local":
        preload()
    _warm_up(plan)
    for phase in plan.phases:
        status = phase_status(plan, phase)
        todo = {task: why for task, why in status.todo.items() if _has_upstream(plan, phase, task)}
        _announce(phase, len(status.done), todo)
        for task in status.todo:
            remove_tree(plan.task_dir(task))
        if not todo:
            continue
        display = ProgressDisplay(plan, phase, status.done, every=every)
        order = sorted(todo, key=lambda t: (-plan.shards[t.index].weight if phase.kind == "pass" else 0, t.index))
        try:
            executor = make_executor(plan.config.engine.executor, plan.root, plan)
            failures = executor.run(order, display, stopped)
        finally:
            display.close()
        for failure in failures:
            log.error("%s: %s", _task_name(plan, failure.task), failure.reason)
            if failure.trace and failure.trace not in traces:
                traces.add(failure.trace)  # eight hundred shards that fail alike need one traceback
                log.error("%s", failure.trace.rstrip())
        outcome.failures += failures
        if stopped():
            outcome.code = STOPPED
            return outcome
    outcome.code = FAILED if outcome.failures else DONE
    return outcome


def _has_upstream(plan: Plan, phase: Phase, task: Task) -> bool:
    """A shard that failed in an earlier pass has nothing to read here."""
    before = plan.previous_pass(phase)
    return phase.kind == "reduce" or before is None or read_manifest(plan.task_dir(Task(before.index, task.index))) is not None


def _announce(phase: Phase, done: int, todo: dict[Task, str]) -> None:
    reasons: dict[str, int] = {}
    for why in todo.values():
        reasons[why] = reasons.get(why, 0) + 1
    shown = "; ".join(f"{count} × {why}" for why, count in sorted(reasons.items(), key=lambda item: -item[1])[:4])
    log.info("phase %s: %d of %d tasks done already%s", phase.folder, done, phase.tasks, f"; to do: {shown}" if shown else "")


def _warm_up(plan: Plan) -> None:
    """Compile the kernels once, here, before several workers would each do it."""
    began = time.perf_counter()
    for stage in plan.stages:
        stage.warm_up()
    if any(piece.format == "json" for shard in plan.shards for piece in shard.pieces):
        list(json_values(iter([b'[{"a":1}]']), 1 << 20))
    seconds = time.perf_counter() - began
    if seconds > 2:
        log.info("compiled the kernels in %.0f s (once on this machine)", seconds)


def _task_name(plan: Plan, task: Task) -> str:
    phase = plan.phases[task.phase]
    what = plan.shards[task.index].name if phase.kind == "pass" else f"partition {task.index}"
    return f"{phase.folder}/{task.index:05d} ({what})"


def _remove_orphans(plan: Plan) -> None:
    """Phases and tasks that the current plan does not know: another stage list, fewer shards."""
    folders = {phase.folder: phase for phase in plan.phases}
    for folder in (plan.root / "phases").iterdir():
        phase = folders.get(folder.name)
        if phase is None:
            remove_tree(folder)
            continue
        for task in folder.iterdir():
            if task.name.isdigit() and int(task.name) >= phase.tasks:
                remove_tree(task)


@contextmanager
def _stop_flag() -> Iterator[Callable[[], bool]]:
    """A function that turns true after SIGINT, SIGTERM or (when it is not ignored, as under nohup) SIGHUP."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        asked = True
        log.info("stopping after %s: running tasks may finish, nothing new starts", signal.Signals(number).name)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    try:
        before = {number: signal.signal(number, ask) for number in numbers}
    except ValueError:  # not in the main thread: the caller handles signals
        yield lambda: False
        return
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
