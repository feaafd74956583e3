"""Execute and commit one task: the only function that executors call.

A pass streams one shard through its steps in batches; a reduce calls the stage's function on one partition. Both write to a scratch
directory, check that no document got lost, and commit. Nothing is left behind but a committed directory or nothing.
"""

from __future__ import annotations

import errno
import gc
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from cleaning import __version__
from cleaning.doc import Batch, Doc, Drop
from cleaning.engine.conservation import READ, check_task
from cleaning.engine.memory import peak_rss_mb
from cleaning.engine.metrics_file import MetricsFile
from cleaning.engine.plan import FORMAT, Phase, Plan, Task
from cleaning.engine.redaction import mask_of, redact_samples, redacting
from cleaning.engine.reducing import run_reduce
from cleaning.errors import RetryableError, ShardError, UserError
from cleaning.io.carry import STEM as CARRY
from cleaning.io.carry import carry_line, fresh, read_carried
from cleaning.io.commit import TaskDirectory, to_bytes, write_file
from cleaning.io.parts import PartitionedWriter
from cleaning.io.reader import MAX_BATCH_DOCS, ShardReader
from cleaning.io.streams import digest_file
from cleaning.io.writer import PartWriter, line_writer
from cleaning.stages.contract import GlobalStage, Partitioned, ShardContext, Step
from cleaning.stats import Stats

PROGRESS_SECONDS = 0.5


@dataclass(slots=True)
class Progress:
    """What a running task has done so far."""

    documents: int = 0
    kept: int = 0
    chars: int = 0
    bytes_read: int = 0


Report = Callable[[Progress], None]


@dataclass(slots=True)
class _Pass:
    """The state of one pass task."""

    plan: Plan
    phase: Phase
    task: Task
    stats: Stats = field(default_factory=Stats)
    seconds: dict[str, float] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"{self.phase.folder}/{self.task.index:05d}"


def run_task(plan: Plan, task: Task, report: Report | None = None) -> dict[str, Any]:
    """Run a task to its commit and return its counts. Idempotent. Raises ShardError, RetryableError, or what a stage's own code raised."""
    phase = plan.phases[task.phase]
    target = plan.task_dir(task)
    target.parent.mkdir(parents=True, exist_ok=True)
    started = time.time(), time.perf_counter(), time.process_time()
    try:
        directory = TaskDirectory.begin(target)
    except OSError as exc:
        raise _io_error(exc) from exc
    collecting = gc.isenabled()
    gc.disable()  # millions of documents come and go without a cycle among them; the collector would walk them for nothing
    try:
        if phase.kind == "reduce":
            manifest, stats, seconds = run_reduce(plan, phase, task, directory.scratch)
        else:
            manifest, stats, seconds = _run_pass(plan, phase, task, directory.scratch, report)
        manifest["files"]["stats.json"] = write_file(directory.scratch / "stats.json", to_bytes(stats.to_json()))
        manifest.update(format=FORMAT, fingerprint=plan.fingerprint(task), policy=plan.policy(phase))
        timing: dict[str, Any] = {"seconds": seconds, "started": started[0]}
        timing.update(wall=time.perf_counter() - started[1], cpu=time.process_time() - started[2])
        timing.update(max_rss_mb=peak_rss_mb(), version=__version__, python=sys.version.split()[0])
        (directory.scratch / "timing.json").write_bytes(to_bytes(timing))
        if report is not None:
            report(Progress())  # a worker whose driver is gone leaves here, before it commits
        directory.commit(manifest)
    except OSError as exc:
        directory.abort()
        raise _io_error(exc) from exc
    except BaseException as exc:
        if isinstance(exc, ShardError):
            _keep_bad_lines(plan, phase, task, directory.scratch)
        directory.abort()
        raise
    finally:
        if collecting:
            gc.enable()
    return dict(manifest["counts"])


def _keep_bad_lines(plan: Plan, phase: Phase, task: Task, scratch: Path) -> None:
    """The quarantine of a shard that fails goes to `logs/`, so that one can see what is wrong with it."""
    found = scratch / "bad_lines.jsonl"
    if found.is_file() and found.stat().st_size:
        (plan.root / "logs").mkdir(exist_ok=True)
        found.replace(plan.root / "logs" / f"{phase.folder}-{task.index:05d}-bad_lines.jsonl")


def _io_error(exc: OSError) -> Exception:
    if exc.errno in (errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.ENOENT):
        return ShardError(f"{exc.strerror}: {exc.filename or ''}".rstrip(": "))
    return RetryableError(f"{type(exc).__name__}: {exc}")


# -- passes ---------------------------------------------------------------------------------------------------------------------


def build_steps(plan: Plan, phase: Phase) -> list[tuple[str, str, Step]]:
    """(stage, kind, step) of a pass; built once per process and phase."""
    cache: dict[int, list[tuple[str, str, Step]]] = plan.__dict__.setdefault("_steps", {})
    if phase.index not in cache:
        steps: list[tuple[str, str, Step]] = []
        for spec in phase.steps:
            stage = plan.stages[spec.stage]
            if isinstance(stage, GlobalStage):
                step = stage.tap() if spec.kind == "tap" else stage.apply()
            else:
                step = stage.step()
            steps.append((stage.name, spec.kind, step))
        cache[phase.index] = steps
    return cache[phase.index]


def _run_pass(plan: Plan, phase: Phase, task: Task, scratch: Path, report: Report | None) -> tuple[dict[str, Any], Stats, dict[str, float]]:
    work = _Pass(plan, phase, task)
    steps = build_steps(plan, phase)
    last = phase == plan.last_pass
    shard = plan.shards[task.index]
    context = ShardContext(task.index, len(plan.shards), shard.name, tuple(plan.reduced(phase)))
    kept_line, rejected_line = line_writer(plan.config.output, plan.fields)
    rejected_line = redacting(rejected_line, mask_of(plan))
    if not last:
        kept_line = carry_line
    kept = PartWriter(scratch, "kept" if last else CARRY, plan.config.output if last else _carry_output(plan))
    rejected: dict[str, PartWriter] = {}
    side = MetricsFile()
    taps = _open_taps(plan, phase, scratch)
    for _, _, step in steps:
        step.open(context)
    reader: ShardReader | None = None
    first = plan.previous_pass(phase) is None
    bad_path = scratch / "bad_lines.jsonl"
    with open(bad_path if first else scratch / ".none", "wb", buffering=1 << 16) as quarantine:
        batches, reader = _source(plan, phase, task, scratch, quarantine)
        told = clock = time.perf_counter()
        for docs in batches:
            now = time.perf_counter()
            work.seconds[READ] = work.seconds.get(READ, 0.0) + now - clock
            batch = _run_batch(work, docs, steps, kept.rows_written, work.progress.documents)
            clock = time.perf_counter()
            live = batch.live
            kept.write([kept_line(doc) for doc in live])
            if len(live) < len(batch.docs):
                _write_rejected(batch, rejected, scratch, plan, rejected_line)
            side.add(batch, work.progress.documents)
            for name, emitted in batch.records.items():
                how, writer = taps[name]
                for records in emitted:
                    writer.add(records, how.partition_of(records) if how.partitions > 1 else None)
            work.stats.add(batch.stats)
            work.progress.documents += len(batch.docs)
            work.progress.kept += len(live)
            work.progress.chars += sum([len(doc.original) for doc in batch.docs])
            del docs, batch, live  # the next batch is read while these would still be held
            now = time.perf_counter()
            work.seconds["write"] = work.seconds.get("write", 0.0) + now - clock
            clock = now
            if report is not None and clock - told > PROGRESS_SECONDS:
                told = clock
                report(work.progress)
    for _, _, step in steps:
        step.close()
    kept.close(keep_empty=not last)
    work.files.update(kept.files)
    for name in sorted(rejected):
        rejected[name].close()
        work.files.update({f"rejected/{file}": entry for file, entry in rejected[name].files.items()})
    if plan.config.output.metrics:
        work.files.update(side.write(scratch))
    work.files.update({name: entry for _, writer in taps.values() for name, entry in writer.close().items()})
    redact_samples(work.stats, mask_of(plan))
    inputs: list[dict[str, Any]] = []
    if reader is not None:
        inputs = reader.counts.inputs
        work.files["bad_lines.jsonl"] = {"size": bad_path.stat().st_size, "digest": digest_file(bad_path), "rows": reader.counts.bad_total}
        _count_read(work.stats, reader)
    else:
        (scratch / ".none").unlink()
    counts = _counts(work, reader)
    check_task(work.where, plan.stages, work.phase.steps, work.stats, counts, kept.rows, sum(w.rows for w in rejected.values()))
    return {"files": work.files, "counts": counts, "inputs": inputs}, work.stats, work.seconds


def _write_rejected(batch: Batch, writers: dict[str, PartWriter], scratch: Path, plan: Plan, line: Callable[[Doc], bytes]) -> None:
    by_stage: dict[str, list[bytes]] = {}
    for doc in batch.docs:
        if doc.drop is not None:
            by_stage.setdefault(doc.drop.stage, []).append(line(doc))
    for stage, lines in by_stage.items():
        if stage not in writers:
            writers[stage] = PartWriter(scratch / "rejected", stage, plan.config.output)
        writers[stage].write(lines)


def _carry_output(plan: Plan) -> Any:
    """Documents between passes: one file a task, fast compression."""
    return plan.config.output.model_copy(update={"compression": "zst", "level": 1, "shard_bytes": 1 << 60})


def _source(plan: Plan, phase: Phase, task: Task, scratch: Path, quarantine: BinaryIO) -> tuple[Iterator[list[Doc]], ShardReader | None]:
    before = plan.previous_pass(phase)
    batch_bytes = plan.config.engine.batch_bytes
    if before is not None:
        folder = plan.task_dir(Task(before.index, task.index))
        files = sorted(folder.glob(f"{CARRY}*"))
        return read_carried(files, plan.fields, batch_bytes, MAX_BATCH_DOCS), None
    more: dict[str, Any] = {"batch_bytes": batch_bytes, "spill": scratch, "mask": mask_of(plan)}
    reader = ShardReader(plan.shards[task.index], plan.config.input, plan.fields, quarantine, **more)
    return iter(reader), reader


def _run_batch(work: _Pass, docs: list[Doc], steps: list[tuple[str, str, Step]], start_row: int, first: int) -> Batch:
    """All steps over one batch; when one raises, the batch is run again one document at a time and the culprit is rejected."""
    try:
        return _steps_over(work, Batch(docs, start_row, first), steps)
    except (ShardError, RetryableError, UserError, MemoryError, OSError):
        raise
    except Exception:
        whole = Batch([], start_row, first)
        for i, doc in enumerate(docs):
            one = _steps_over_one(Batch([fresh(doc, work.plan.fields)], start_row + len(whole.live), first + i), steps)
            positions = [(name, names, [p + len(whole.docs) for p in where], matrix) for name, names, where, matrix in one.matrices]
            whole.docs.extend(one.docs)
            whole.refresh()
            whole.stats.add(one.stats)
            whole.matrices.extend(positions)
            for name, records in one.records.items():
                whole.records.setdefault(name, []).extend(records)
        return whole


def _steps_over(work: _Pass, batch: Batch, steps: list[tuple[str, str, Step]]) -> Batch:
    for name, kind, step in steps:
        clock = time.perf_counter()
        _apply(batch, name, kind, step)
        work.seconds[name] = work.seconds.get(name, 0.0) + time.perf_counter() - clock
    return batch


def _apply(batch: Batch, name: str, kind: str, step: Step) -> None:
    before = batch.live
    if kind != "tap":
        batch.stats.count(name, "documents_in", len(before))
        batch.stats.count(name, "chars_in", sum([len(doc.text) for doc in before]))
    step(batch)
    batch.refresh()
    if kind != "tap":
        after = batch.live
        batch.stats.count(name, "documents_out", len(after))
        batch.stats.count(name, "rejected", len(before) - len(after))
        batch.stats.count(name, "chars_out", sum([len(doc.text) for doc in after]))


def _steps_over_one(batch: Batch, steps: list[tuple[str, str, Step]]) -> Batch:
    doc = batch.docs[0]
    for name, kind, step in steps:
        counted = Stats()
        counted.add(batch.stats)
        try:
            _apply(batch, name, kind, step)
        except (ShardError, RetryableError, UserError, MemoryError, OSError):
            raise
        except Exception as exc:
            batch.stats = counted  # what the failing step counted before it failed does not count
            # base names only: a document's bytes must not depend on where the run or the project lies
            frames = [f"{Path(f.filename).name}:{f.lineno} in {f.name}" for f in traceback.extract_tb(exc.__traceback__)[2:]]
            extra = {"traceback": [*frames[-8:], f"{type(exc).__name__}: {exc}"]}
            doc.drop = Drop(name, f"error:{name}", None, None, f"{type(exc).__name__}: {exc}", (f"error:{name}",), extra)
            if kind != "tap":
                batch.stats.count(name, "documents_in", 1)
                batch.stats.count(name, "chars_in", len(doc.text))
                batch.stats.count(name, "rejected", 1)
            batch.stats.count(name, "errors", 1)
            batch.records.clear()
            batch.refresh()
    return batch


def _open_taps(plan: Plan, phase: Phase, scratch: Path) -> dict[str, tuple[Partitioned, PartitionedWriter]]:
    """The files of the streams that the pass's tap emits."""
    out: dict[str, tuple[Partitioned, PartitionedWriter]] = {}
    for spec in phase.steps:
        stage = plan.stages[spec.stage]
        if spec.kind == "tap" and isinstance(stage, GlobalStage):
            for stream, how in stage.streams().items():
                name = f"{stage.name}.{stream}"
                out[name] = how, PartitionedWriter(scratch, name, how.dtype, how.partitions)
    return out


def _count_read(stats: Stats, reader: ShardReader) -> None:
    counts = reader.counts
    stats.count(READ, "lines", counts.lines)
    stats.count(READ, "documents", counts.documents)
    stats.count(READ, "bad_lines", counts.bad_total)
    stats.count(READ, "blank_lines", counts.blank)
    for reason, n in counts.bad.items():
        stats.count(READ, f"bad/{reason}", n)


def _counts(work: _Pass, reader: ShardReader | None) -> dict[str, int]:
    documents, kept = work.progress.documents, work.progress.kept
    counts = {"documents": documents, "kept": kept, "rejected": documents - kept, "chars": work.progress.chars}
    if reader is not None:
        counts.update(lines=reader.counts.lines, bad_lines=reader.counts.bad_total, blank_lines=reader.counts.blank)
    return counts
