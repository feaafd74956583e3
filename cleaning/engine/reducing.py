"""One reduce task: a partition of what a tap wrote, handed to the stage's function."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from cleaning.engine.plan import Phase, Plan, Task
from cleaning.io.carry import STEM as CARRY
from cleaning.io.carry import read_rows
from cleaning.stages.contract import ReduceContext
from cleaning.stats import Stats


def run_reduce(plan: Plan, phase: Phase, task: Task, scratch: Path) -> tuple[dict[str, Any], Stats, dict[str, float]]:
    """Run one reduce into `scratch`; returns what of the manifest it knows, stats, seconds by stage."""
    clock = time.perf_counter()
    stats = Stats()
    context = ReduceContext(task.index, len(plan.shards), tuple(plan.upstream(phase)), scratch, stats)
    context.memory = plan.scale.memory // plan.config.engine.worker_count()
    context.reads = {name: tuple(folders) for name, folders in plan.read_by(phase, task.index).items()}
    tap = plan.tapped(phase).index
    context.rows = lambda shard, rows: read_rows(sorted(plan.task_dir(Task(tap, shard)).glob(f"{CARRY}*")), plan.fields, np.asarray(rows))
    context.fields = plan.fields
    plan.reduce_of(phase).run(context)
    seconds = {plan.stages[phase.stage].name: time.perf_counter() - clock}
    return {"files": dict(context.files), "counts": {}, "inputs": []}, stats, seconds
