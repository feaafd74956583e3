"""What is done, what is stale, and why: the whole of resume.

A task is done when its manifest is intact, its fingerprint is the one that the plan asks for, its inputs are the files that it read,
and its own files have the sealed sizes. Inputs are compared by size and modification time first; when only the time differs, their
bytes are hashed and compared, so a copied or touched input is not redone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cleaning.engine.plan import Phase, Plan, Task
from cleaning.io.commit import MANIFEST, read_manifest, read_sealed
from cleaning.io.streams import digest_file


@dataclass(slots=True)
class PhaseStatus:
    """The tasks of one phase: done ones, and the reason for each other."""

    phase: Phase
    done: list[Task] = field(default_factory=list)
    todo: dict[Task, str] = field(default_factory=dict)


def phase_status(plan: Plan, phase: Phase) -> PhaseStatus:
    """Look at the committed directories of one phase. The phases before it must be complete for the answer to be final."""
    status = PhaseStatus(phase)
    for task in plan.tasks(phase):
        why = why_not_done(plan, phase, task)
        if why is None:
            status.done.append(task)
        else:
            status.todo[task] = why
    return status


def why_not_done(plan: Plan, phase: Phase, task: Task) -> str | None:
    """None when the task is done, else the reason in a few words."""
    folder = plan.task_dir(task)
    manifest = read_manifest(folder)
    if manifest is None:
        if not folder.exists():
            return "not run yet"
        return "its files are damaged" if read_sealed(folder / MANIFEST) is not None else "its manifest is missing or damaged"
    if manifest["fingerprint"] != plan.fingerprint(task):
        changes = differences(manifest.get("policy", {}), plan.policy(phase), plan.file_names)
        return "; ".join(changes) if changes else "its input is another one"
    if plan.previous_pass(phase) is None and phase.kind == "pass":
        return _input_change(plan, task, manifest)
    return None


def _input_change(plan: Plan, task: Task, manifest: dict[str, Any]) -> str | None:
    pieces = plan.shards[task.index].pieces
    if len(manifest["inputs"]) != len(pieces):
        return "its input is another one"
    for piece, seen in zip(pieces, manifest["inputs"], strict=True):
        try:
            stat = Path(piece.path).stat()
        except OSError:
            return None  # a finished task does not need its input any more
        if stat.st_size == seen["size"] and stat.st_mtime_ns == seen["mtime_ns"]:
            continue
        if (stat.st_size != seen["size"] and piece.end is None) or digest_file(Path(piece.path), piece.start, piece.end) != seen["digest"]:
            return f"{piece.name} has changed"
    return None


def differences(old: dict[str, Any], new: dict[str, Any], names: dict[str, str] | None = None) -> list[str]:
    """What of a policy has changed, for people. `names`: digest -> name of the files that the new one reads."""
    found: list[str] = []
    before = {step[1]["stage"]: step for step in old.get("steps", [])}
    for step in new.get("steps", []):
        name = step[1]["stage"]
        if name not in before:
            found.append(f"stage {name} is new here")
            continue
        mine, theirs = step[1], before[name][1]
        if mine["version"] != theirs["version"]:
            found.append(f"{name}: version {theirs['version']} → {mine['version']}")
        now, then = mine["params"], theirs["params"]
        changed = [key for key in sorted({*now, *then}) if now.get(key) != then.get(key)]
        found += [f"{name}.{key}: {_short(then.get(key))} → {_short(now.get(key))}" for key in changed]
        if mine["files"] != theirs["files"]:
            edited = [(names or {}).get(digest, "a file") for digest in mine["files"] if digest not in theirs["files"]]
            found.append(f"{name}: {', '.join(edited)} changed" if edited else f"{name}: fewer files, or another order")
    here = {step[1]["stage"] for step in new.get("steps", [])}
    found += [f"stage {name} is gone" for name in before if name not in here]
    if [s[1]["stage"] for s in old.get("steps", [])] != [s[1]["stage"] for s in new.get("steps", [])] and not found:
        found.append("the order of the stages has changed")
    for key in ("output", "input", "fields", "zstandard", "unicode", "opencc", "format", "last", "reduce"):
        if old.get(key) != new.get(key):
            found.append(f"{key}: {_short(old.get(key))} → {_short(new.get(key))}")
    return found


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "…"
