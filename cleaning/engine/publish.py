"""What a user sees of a finished run: `data/`, `rejected/`, `stats/`, linked and folded from the committed tasks.

Folding the committed tasks of the current plan, and nothing else, is what makes a run that was killed ten times report exactly what an
undisturbed one does.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from cleaning.engine.conservation import READ, check_run
from cleaning.engine.plan import Plan, Task
from cleaning.io.commit import read_manifest, replace_file, seal, to_bytes, write_file
from cleaning.io.writer import SUFFIXES
from cleaning.stats import Stats
from cleaning.text.metric_table import METRICS

PUBLISHED = "published.json"
NAMES = {"cleaning": ("data", "rejected"), "xubuvd": ("good", "bad")}
STAGE_COUNTERS = ("documents_in", "documents_out", "rejected", "chars_in", "chars_out", "errors")


@dataclass(slots=True)
class Folded:
    """The sum of the committed tasks: stats, seconds by step, and how many tasks there were."""

    stats: Stats = field(default_factory=Stats)
    seconds: dict[str, float] = field(default_factory=dict)
    cpu: float = 0.0
    max_rss_mb: float = 0.0
    committed: int = 0
    missing: list[Task] = field(default_factory=list)


def fold(plan: Plan) -> Folded:
    """Add up the stats of all committed tasks. Raises ConservationError when documents do not add up."""
    folded = Folded()
    for phase in plan.phases:
        for task in plan.tasks(phase):
            folder = plan.task_dir(task)
            if read_manifest(folder) is None:
                folded.missing.append(task)
                continue
            folded.committed += 1
            folded.stats.add(Stats.from_json(orjson.loads((folder / "stats.json").read_bytes())))
            try:
                timing = orjson.loads((folder / "timing.json").read_bytes())
            except (OSError, orjson.JSONDecodeError):
                continue
            for name, seconds in timing["seconds"].items():
                folded.seconds[name] = folded.seconds.get(name, 0.0) + seconds
            folded.cpu += timing["cpu"]
            folded.max_rss_mb = max(folded.max_rss_mb, timing["max_rss_mb"])
    if not folded.missing:
        check_run(plan.stages, folded.stats)
    return folded


def layout(plan: Plan) -> dict[str, tuple[Path, dict[str, Any]]]:
    """What `data/` and `rejected/` must hold by the committed tasks: name -> (file of a task, its manifest entry)."""
    kept, rejected = NAMES[plan.config.output.names]
    suffix = SUFFIXES[plan.config.output.compression]
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    number = 0
    for task in plan.tasks(plan.last_pass):
        folder = plan.task_dir(task)
        files = _files(folder, "kept")
        for name in sorted(files, key=_part_number):
            found[f"{kept}/part-{number:05d}{suffix}"] = (folder / name, files[name])
            number += 1
    for phase in plan.phases:
        for task in plan.tasks(phase):
            folder = plan.task_dir(task)
            for name, entry in _files(folder, "clusters/").items():
                found[name.replace(".jsonl", f"-{task.index:05d}.jsonl")] = (folder / name, entry)
            for name, entry in sorted(_files(folder, "rejected/").items()):
                stage, part = _reject_name(name, suffix)
                found[f"{rejected}/{stage}/part-{task.index:05d}{part}{suffix}"] = (folder / name, entry)
    return found


def publish(plan: Plan, folded: Folded) -> dict[str, Any]:
    """Link the last pass's shards and every pass's rejects, write `stats/`. Each directory is replaced by one rename."""
    root = plan.root
    files = layout(plan)
    published: dict[str, dict[str, Any]] = {}
    clusters = any(name.startswith("clusters/") for name in files)
    if not clusters:
        shutil.rmtree(root / "clusters", ignore_errors=True)  # of an earlier run with other stages
    for folder in (*NAMES[plan.config.output.names], *(["clusters"] if clusters else [])):
        with _Replacement(root, folder) as fresh:
            for name, (source, entry) in files.items():
                if name.startswith(f"{folder}/"):
                    target = fresh / name.removeprefix(f"{folder}/")
                    target.parent.mkdir(exist_ok=True)
                    _link(source, target)
                    published[name] = entry
    with _Replacement(root, "stats") as fresh:
        for i, name in enumerate([READ, *(stage.name for stage in plan.stages)]):
            file = f"{i:02d}-{name}.json"
            published[f"stats/{file}"] = write_file(fresh / file, to_bytes(stage_stats(folded.stats, name)))
    for names, folders in NAMES.items():
        if names != plan.config.output.names:  # of an earlier run with the other names
            for folder in folders:
                shutil.rmtree(root / folder, ignore_errors=True)
    replace_file(root / PUBLISHED, to_bytes(seal({"files": published})))
    return published


def stage_stats(stats: Stats, stage: str) -> dict[str, Any]:
    """The public stats of one stage. A histogram counts values up to each edge, then above the last one, then undefined ones."""
    counters = stats.counters.get(stage, {})
    always = ("lines", "documents", "bad_lines", "blank_lines") if stage == READ else STAGE_COUNTERS
    plain = dict.fromkeys(always, 0) | {key: value for key, value in counters.items() if "/" not in key}
    grouped: dict[str, dict[str, int]] = {}
    for key, value in counters.items():
        if "/" in key:
            group, name = key.split("/", 1)
            grouped.setdefault(group, {})[name] = value
    histograms = {
        name: {"edges": list(METRICS[name].edges), "counts": counts} if name in METRICS else {"counts": counts}
        for name, counts in stats.histograms.get(stage, {}).items()
    }
    return {"stage": stage, **plain, **grouped, "histograms": histograms}


def _files(folder: Path, prefix: str) -> dict[str, dict[str, Any]]:
    manifest = read_manifest(folder)
    return {} if manifest is None else {name: entry for name, entry in manifest["files"].items() if name.startswith(prefix)}


def _part_number(name: str) -> int:
    stem = name.split(".", 1)[0]
    return int(stem.rsplit("-", 1)[1]) if "-" in stem else 0


def _reject_name(name: str, suffix: str) -> tuple[str, str]:
    stem = name.removeprefix("rejected/").removesuffix(suffix)
    stage, sep, number = stem.rpartition("-")
    return (stage, f"-{number}") if sep and number.isdigit() and len(number) >= 3 else (stem, "")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)  # a file system without hard links


class _Replacement:
    """A directory that is built beside the old one and takes its place at the end."""

    def __init__(self, root: Path, name: str) -> None:
        self._target, self._fresh = root / name, root / f".{name}.new"

    def __enter__(self) -> Path:
        shutil.rmtree(self._fresh, ignore_errors=True)
        self._fresh.mkdir(parents=True)
        return self._fresh

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is not None:
            shutil.rmtree(self._fresh, ignore_errors=True)
            return
        old = self._target.with_name(f".{self._target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if self._target.exists():
            self._target.rename(old)
        self._fresh.rename(self._target)
        shutil.rmtree(old, ignore_errors=True)
