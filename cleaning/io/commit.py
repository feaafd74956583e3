"""One directory per task, made whole or not at all.

A task works in a scratch directory beside its target. Its manifest is written last; then everything is synced and the directory is
renamed into place. Done means: the manifest is there and intact, its fingerprint and inputs are the task's, and the files have
the sealed sizes. There is no other state: remove a directory to have it redone.
"""

from __future__ import annotations

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import xxhash

from cleaning.errors import RetryableError
from cleaning.io.streams import digest_file

MANIFEST = "manifest.json"
SCRATCH = ".scratch-"
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE


def to_bytes(data: Any) -> bytes:
    """JSON as it is stored: sorted, indented, the same bytes for the same data."""
    return orjson.dumps(data, option=_JSON)


def write_file(path: Path, data: bytes) -> dict[str, Any]:
    """Write a small file; returns its `{size, digest}`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return {"size": len(data), "digest": xxhash.xxh3_128_hexdigest(data)}


def replace_file(path: Path, data: bytes) -> None:
    """Write beside, then rename: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def seal(data: dict[str, Any]) -> dict[str, Any]:
    """The same object with a digest over itself, so that a damaged manifest is not believed."""
    body = {k: v for k, v in data.items() if k != "seal"}
    return {**body, "seal": xxhash.xxh3_128_hexdigest(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))}


def read_sealed(path: Path) -> dict[str, Any] | None:
    """A sealed object, or None when it is missing or damaged."""
    try:
        data = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return data if isinstance(data, dict) and seal(data)["seal"] == data.get("seal") else None


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a committed task whose files have their sealed sizes, else None."""
    manifest = read_sealed(folder / MANIFEST)
    if manifest is None:
        return None
    for name, entry in manifest["files"].items():
        try:
            if (folder / name).stat().st_size != entry["size"]:
                return None
        except OSError:
            return None
    return manifest


def fingerprint(data: Any) -> str:
    """Digest of a plain object."""
    return xxhash.xxh3_128_hexdigest(orjson.dumps(data, option=orjson.OPT_SORT_KEYS))


@dataclass(slots=True)
class TaskDirectory:
    """The scratch directory of a task that is under way."""

    target: Path
    scratch: Path

    @classmethod
    def begin(cls, target: Path) -> TaskDirectory:
        """A fresh scratch directory beside `target`."""
        scratch = target.with_name(f"{SCRATCH}{target.name}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
        scratch.mkdir(parents=True)
        return cls(target, scratch)

    def commit(self, manifest: dict[str, Any]) -> None:
        """Seal, sync, rename. An intact twin with the same fingerprint wins; anything else at the target is replaced."""
        (self.scratch / MANIFEST).write_bytes(to_bytes(seal(manifest)))
        _sync_tree(self.scratch)
        for _ in range(3):
            if not self.target.exists():
                try:
                    os.rename(self.scratch, self.target)
                    _sync(self.target.parent)
                    return
                except OSError:
                    if not self.target.exists():
                        raise
            twin = read_manifest(self.target)
            if twin is not None and _same_work(twin, manifest):
                self.abort()
                return
            if not self.scratch.exists():
                raise RetryableError(f"{self.target}: another driver has swept this task away")
            remove_tree(self.target)
        raise OSError(f"{self.target}: cannot be replaced")

    def abort(self) -> None:
        """Throw the scratch directory away."""
        shutil.rmtree(self.scratch, ignore_errors=True)


def _same_work(one: dict[str, Any], other: dict[str, Any]) -> bool:
    digests = [[i["digest"] for i in m.get("inputs", [])] for m in (one, other)]
    return bool(one["fingerprint"] == other["fingerprint"] and digests[0] == digests[1])


def remove_tree(path: Path) -> None:
    """Take a directory away at once (rename), then delete it."""
    trash = path.with_name(f"{SCRATCH}trash-{uuid.uuid4().hex[:8]}")
    try:
        os.rename(path, trash)
    except FileNotFoundError:
        return
    shutil.rmtree(trash, ignore_errors=True)


def sweep(folder: Path) -> int:
    """Remove what a killed run left behind; returns how many directories."""
    left = [p for p in folder.glob(f"*/{SCRATCH}*") if p.is_dir()] + [p for p in folder.glob(f"{SCRATCH}*") if p.is_dir()]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def check_files(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Recompute sizes and digests of a committed directory; returns what is wrong."""
    faults: list[str] = []
    for name, entry in manifest["files"].items():
        path = folder / name
        if not path.is_file():
            faults.append(f"{path}: missing")
        elif path.stat().st_size != entry["size"]:
            faults.append(f"{path}: {path.stat().st_size:,} bytes; sealed: {entry['size']:,}")
        elif digest_file(path) != entry["digest"]:
            faults.append(f"{path}: its bytes are not the ones that were sealed")
    return faults


def _sync_tree(folder: Path) -> None:
    for root, _, names in os.walk(folder):
        for name in names:
            _sync(Path(root) / name)
        _sync(Path(root))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
