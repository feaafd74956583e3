"""Do two workers do twice the work of one? Wall time of the same run, and what the machine itself allows.

Two virtual cores are often one real one. So beside our own ratio stands the machine's: two independent single-process runs
on half of the files each, one after the other against side by side. No scheduler can beat that by much.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from contestants import CONFIGS, STAGES, our_command, our_env
from corpus import Slice
from measure import SINGLE_THREAD, run_measured

log = logging.getLogger("benchmarks")


@dataclass
class ScalingRow:
    """Wall seconds of one way to do the job; `startup_s` is the same command on one document."""

    lang: str
    how: str
    mb: float
    files: int
    wall_s: float | None = None
    startup_s: float | None = None
    ratio: float | None = None
    work_ratio: float | None = None
    in_turn_s: float | None = None  # of two runs side by side: the same two one after the other
    fault: str | None = None

    @property
    def work_s(self) -> float | None:
        """Wall seconds without start-up."""
        return None if self.wall_s is None or self.startup_s is None else max(self.wall_s - self.startup_s, 1e-3)


def measure_scaling(lang: str, full: Slice, one: Slice, rounds: int, work: Path, timeout: float) -> list[ScalingRow]:
    """One worker, two workers, and two runs side by side; the best of `rounds` each."""
    rows = {n: ScalingRow(lang, f"{n} worker{'s' if n > 1 else ''} (local executor)", full.mb, len(full.paths)) for n in (1, 2)}
    apart = ScalingRow(lang, "two runs side by side (what the machine allows)", full.mb, len(full.paths))
    for _ in range(max(rounds, 2)):  # at least two: the first may compile kernels
        for workers, row in rows.items():
            _run_local(row, workers, full, one, work, timeout)
        _run_apart(apart, full, work, timeout)
    first, second = rows[1], rows[2]
    if first.wall_s and second.wall_s and first.work_s and second.work_s:
        first.ratio = first.work_ratio = 1.0
        second.ratio, second.work_ratio = first.wall_s / second.wall_s, first.work_s / second.work_s
    return [first, second, apart]


def _command(lang: str, text: Path, out: Path, workers: int, *, inline: bool) -> list[str]:
    # every file its own shard: small files would otherwise be read together, and there would be nothing to share out
    return our_command(CONFIGS[lang], text, out, workers, inline=inline, more=["--stages", STAGES, "--set", "input.group_bytes=0"])


def _run_local(row: ScalingRow, workers: int, full: Slice, one: Slice, work: Path, timeout: float) -> None:
    if row.fault is not None:
        return
    out = work / "out"
    for text, is_startup in ((one.path, True), (full.paths[0].parent, False)):
        shutil.rmtree(out, ignore_errors=True)
        usage = run_measured(_command(row.lang, text, out, workers, inline=False), cwd=work, env=our_env(), timeout=timeout)
        if usage.fault is not None:
            row.fault = usage.fault
            return
        if is_startup:
            row.startup_s = min(usage.wall_s, row.startup_s or usage.wall_s)
        else:
            row.wall_s = min(usage.wall_s, row.wall_s or usage.wall_s)
            log.info("scaling %s: %.2f s", row.how, usage.wall_s)
    shutil.rmtree(out, ignore_errors=True)


def _run_apart(row: ScalingRow, full: Slice, work: Path, timeout: float) -> None:
    if row.fault is not None:
        return
    halves = []
    for i in (0, 1):
        half = work / f"half-{i}"
        half.mkdir(exist_ok=True)
        for path in full.paths[i::2]:
            if not (half / path.name).exists():
                os.link(path, half / path.name)
        halves.append(half)
    try:
        in_turn = sum(_wall(row.lang, [half], work, timeout) for half in halves)
        together = _wall(row.lang, halves, work, timeout)
    except (OSError, subprocess.SubprocessError) as error:
        row.fault = f"{type(error).__name__}: {error}"[:200]
        return
    log.info("scaling apart: %.2f s in turn, %.2f s side by side", in_turn, together)
    row.in_turn_s = min(in_turn, row.in_turn_s or in_turn)
    row.wall_s = min(together, row.wall_s or together)
    row.ratio = row.in_turn_s / row.wall_s


def _wall(lang: str, inputs: list[Path], work: Path, timeout: float) -> float:
    """Seconds until single-process runs on `inputs`, started at once, are all done."""
    outs = [work / f"out-{i}" for i in range(len(inputs))]
    for out in outs:
        shutil.rmtree(out, ignore_errors=True)
    start = time.perf_counter()
    env = {**os.environ, **SINGLE_THREAD, **our_env()}
    running = [
        subprocess.Popen(_command(lang, text, out, 1, inline=True), cwd=work, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for text, out in zip(inputs, outs, strict=True)
    ]
    try:
        codes = [process.wait(timeout) for process in running]
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
    wall = time.perf_counter() - start
    for out in outs:
        shutil.rmtree(out, ignore_errors=True)
    if any(codes):
        raise subprocess.SubprocessError(f"exit {max(codes)}")
    return wall
