"""Recompute what a run claims: sizes, digests, rows, and that documents add up.

A flipped bit, a truncated file, a deleted row, an edited statistic: each is named with its file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import xxhash

from cleaning.engine.conservation import READ
from cleaning.engine.plan import Phase, Plan, Task
from cleaning.engine.publish import PUBLISHED, fold, layout, stage_stats
from cleaning.errors import ConservationError, ShardError, UserError
from cleaning.io.carry import STEM as CARRY
from cleaning.io.commit import MANIFEST, check_files, read_sealed, to_bytes
from cleaning.io.streams import HashingFile, compression_of, open_stream, read_blocks


def verify_run(root: Path) -> tuple[list[str], dict[str, int]]:
    """(what is wrong, what was checked). Raises UserError when `root` is no run directory."""
    if not (root / "snapshot" / "plan.json").is_file():
        raise UserError(f"{root}: no run here (snapshot/plan.json is missing)")
    plan = Plan.load(root)
    faults: list[str] = []
    checked = {"tasks": 0, "files": 0, "rows": 0, "published": 0}
    for phase in plan.phases:
        for task in plan.tasks(phase):
            faults += _check_task(plan, phase, task, checked)
    try:
        folded = fold(plan)
    except ConservationError as exc:
        return [*faults, str(exc)], checked
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as exc:
        return [*faults, f"stats cannot be added up: {exc}"], checked
    faults += _check_published(root, checked)
    faults += _check_layout(plan)
    faults += _check_snapshot(root)
    if not folded.missing:
        for i, name in enumerate([READ, *(stage.name for stage in plan.stages)]):
            path = root / "stats" / f"{i:02d}-{name}.json"
            if path.is_file() and path.read_bytes() != to_bytes(stage_stats(folded.stats, name)):
                faults.append(f"{path}: does not follow from the committed tasks")
    return list(dict.fromkeys(faults)), checked


def _check_task(plan: Plan, phase: Phase, task: Task, checked: dict[str, int]) -> list[str]:
    folder = plan.task_dir(task)
    manifest = read_sealed(folder / MANIFEST)
    if manifest is None:
        return [f"{folder}: " + ("its manifest is damaged" if (folder / MANIFEST).exists() else "not committed")]
    faults = check_files(folder, manifest)
    checked["tasks"] += 1
    checked["files"] += len(manifest["files"])
    if manifest["fingerprint"] != plan.fingerprint(task) and not faults:
        faults.append(f"{folder}: was made by another policy or from other input")
    if faults or phase.kind != "pass":
        return faults
    rows: dict[str, int] = {"kept": 0, "rejected": 0}
    for name, entry in manifest["files"].items():
        if name.startswith(("kept", "rejected/", CARRY)):
            found = _rows(folder / name) // (2 if name.startswith(CARRY) else 1)
            checked["rows"] += found
            if found != entry["rows"]:
                faults.append(f"{folder / name}: {found:,} rows; sealed: {entry['rows']:,}")
            rows["rejected" if name.startswith("rejected/") else "kept"] += found
    counts = manifest["counts"]
    if rows["kept"] != counts["kept"] or sum(rows.values()) != counts["documents"]:
        faults.append(f"{folder}: {counts['documents']:,} documents, but {rows['kept']:,} kept + {rows['rejected']:,} rejected rows")
    if "lines" in counts and counts["lines"] != counts["documents"] + counts["bad_lines"]:
        faults.append(f"{folder}: {counts['lines']:,} lines, {counts['documents']:,} documents, {counts['bad_lines']:,} bad lines")
    return faults


def _check_published(root: Path, checked: dict[str, int]) -> list[str]:
    published = read_sealed(root / PUBLISHED)
    if published is None:
        return [f"{root / PUBLISHED}: missing or damaged; the run has not been finished"]
    files: dict[str, Any] = published["files"]
    checked["published"] = len(files)
    faults = check_files(root, published)
    folders = {"data", "rejected", "good", "bad", "stats"}
    for folder in sorted(folders):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and path.relative_to(root).as_posix() not in files:
                faults.append(f"{path}: does not belong to the run")
    return faults


def _check_layout(plan: Plan) -> list[str]:
    """What is published must be what the committed tasks make, not what an earlier policy made."""
    published = read_sealed(plan.root / PUBLISHED)
    if published is None:
        return []
    mine = {name: entry for name, (_, entry) in layout(plan).items()}
    theirs = {name: entry for name, entry in published["files"].items() if not name.startswith("stats/")}
    differing = sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))
    return [f"{plan.root / name}: does not follow from the committed tasks; run the same command again" for name in differing[:20]]


def _check_snapshot(root: Path) -> list[str]:
    """The copies of rule files and lists are the ones that the plan was made with."""
    files = orjson.loads((root / "snapshot" / "plan.json").read_bytes())["files"]
    found = []
    for entry in files.values():
        if "copy" not in entry:
            continue  # a model is not copied; who replaces it makes the next run redo its stage, and harms nothing here
        path = root / "snapshot" / entry["copy"]
        if not path.is_file() or xxhash.xxh3_128_hexdigest(path.read_bytes()) != entry["digest"]:
            found.append(f"{path}: missing or changed since the run")
    return found


def _rows(path: Path) -> int:
    try:
        with HashingFile(path) as raw, open_stream(raw, compression_of(path)) as stream:
            return sum(block.count(b"\n") for block in read_blocks(stream, str(path)))
    except (OSError, ShardError):
        return -1
