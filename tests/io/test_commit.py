"""A task's directory is there whole or not at all, and what was sealed cannot change unseen."""

from __future__ import annotations

import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.io.commit import (
    MANIFEST,
    SCRATCH,
    TaskDirectory,
    check_files,
    fingerprint,
    read_manifest,
    read_sealed,
    remove_tree,
    replace_file,
    seal,
    sweep,
    to_bytes,
    write_file,
)

DATA = b'{"text": "\xe5\xa4\xa9\xe5\x9c\xb0"}\n' * 20


def manifest_of(files: dict[str, Any], mark: str = "f1", digests: tuple[str, ...] = ("d1",)) -> dict[str, Any]:
    inputs = [{"size": 1, "mtime_ns": 2, "digest": digest} for digest in digests]
    return {"files": files, "fingerprint": mark, "inputs": inputs, "counts": {"documents": 20}, "policy": {"level": 3, "é": "汉"}}


def commit(target: Path, data: bytes = DATA, mark: str = "f1", digests: tuple[str, ...] = ("d1",)) -> Path:
    directory = TaskDirectory.begin(target)
    files = {
        "kept.jsonl": write_file(directory.scratch / "kept.jsonl", data),
        "r/a.jsonl": write_file(directory.scratch / "r" / "a.jsonl", b"{}\n"),
    }
    directory.commit(manifest_of(files, mark, digests))
    return directory.scratch


def visible(folder: Path) -> list[str]:
    """What somebody who looks for tasks finds."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(SCRATCH))


# -- commit ---------------------------------------------------------------------------------------------------------------------------


def test_a_commit_is_the_target_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "phase" / "00007"
    scratch = commit(target)
    assert not scratch.exists()
    assert [path.name for path in target.parent.iterdir()] == ["00007"]
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()) == [
        "kept.jsonl",
        MANIFEST,
        "r/a.jsonl",
    ]
    manifest = read_manifest(target)
    assert manifest is not None
    assert {k: v for k, v in manifest.items() if k != "seal"} == manifest_of(manifest["files"])
    assert check_files(target, manifest) == []


def test_scratch_is_invisible_until_the_commit(tmp_path: Path) -> None:
    target = tmp_path / "00007"
    directory = TaskDirectory.begin(target)
    files = {"kept.jsonl": write_file(directory.scratch / "kept.jsonl", DATA)}
    assert directory.scratch.parent == target.parent, "a rename must not cross a file system"
    assert visible(tmp_path) == []
    assert not list(tmp_path.glob("0*"))
    assert read_manifest(target) is None
    directory.commit(manifest_of(files))
    assert visible(tmp_path) == ["00007"]


def test_an_aborted_task_leaves_nothing(tmp_path: Path) -> None:
    directory = TaskDirectory.begin(tmp_path / "00007")
    write_file(directory.scratch / "kept.jsonl", DATA)
    directory.abort()
    assert list(tmp_path.iterdir()) == []


def test_a_commit_that_fails_leaves_the_old_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "00007"
    commit(target)
    before = (target / MANIFEST).read_bytes()
    directory = TaskDirectory.begin(target)
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        directory.commit(manifest_of({}, "other"))
    assert (target / MANIFEST).read_bytes() == before
    assert read_manifest(target) is not None


def test_everything_is_synced_before_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    real_sync, real_rename = os.fsync, os.rename

    def fsync(handle: int) -> None:
        seen.append(os.readlink(f"/proc/self/fd/{handle}"))
        real_sync(handle)

    def rename(source: Any, target: Any) -> None:
        seen.append("RENAME")
        real_rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", rename)
    scratch = commit(tmp_path / "00007")
    border = seen.index("RENAME")
    synced = {Path(name).relative_to(scratch).as_posix() for name in seen[:border]}
    assert synced == {".", "r", "kept.jsonl", "r/a.jsonl", MANIFEST}
    assert seen[border + 1 :] == [str(tmp_path)]


# -- twins ---------------------------------------------------------------------------------------------------------------------------


def test_the_first_twin_wins(tmp_path: Path) -> None:
    target = tmp_path / "00007"
    commit(target, b"first\n")
    inode = target.stat().st_ino
    scratch = commit(target, b"second\n")
    assert (target / "kept.jsonl").read_bytes() == b"first\n"
    assert target.stat().st_ino == inode
    assert not scratch.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["00007"]


@pytest.mark.parametrize(("mark", "digests"), [("f2", ("d1",)), ("f1", ("d2",)), ("f1", ("d1", "d1")), ("f1", ())])
def test_a_stale_target_is_replaced(tmp_path: Path, mark: str, digests: tuple[str, ...]) -> None:
    target = tmp_path / "00007"
    commit(target, b"stale\n")
    commit(target, b"fresh\n", mark, digests)
    manifest = read_manifest(target)
    assert manifest is not None and manifest["fingerprint"] == mark
    assert (target / "kept.jsonl").read_bytes() == b"fresh\n"
    assert [path.name for path in tmp_path.iterdir()] == ["00007"]


@pytest.mark.parametrize("damage", ["truncated", "missing", "manifest", "no manifest", "empty", "a file"])
def test_a_damaged_target_is_replaced(tmp_path: Path, damage: str) -> None:
    target = tmp_path / "00007"
    if damage == "empty":
        target.mkdir()
    elif damage == "a file":
        target.mkdir()
        (target / "kept.jsonl").write_bytes(b"left over")
    else:
        commit(target, b"damaged\n")
        if damage == "truncated":
            os.truncate(target / "kept.jsonl", 3)
        elif damage == "missing":
            (target / "r" / "a.jsonl").unlink()
        elif damage == "manifest":
            (target / MANIFEST).write_bytes((target / MANIFEST).read_bytes()[:-9])
        else:
            (target / MANIFEST).unlink()
    assert read_manifest(target) is None
    commit(target, b"fresh\n")
    assert read_manifest(target) is not None
    assert (target / "kept.jsonl").read_bytes() == b"fresh\n"
    assert [path.name for path in tmp_path.iterdir()] == ["00007"]


def test_many_twins_at_once(tmp_path: Path) -> None:
    """One directory comes out, whole, and nobody fails."""
    target = tmp_path / "00007"
    gate, failures = threading.Barrier(8), []

    def work(i: int) -> None:
        directory = TaskDirectory.begin(target)
        files = {"kept.jsonl": write_file(directory.scratch / "kept.jsonl", b"%d\n" % i)}
        gate.wait()
        try:
            directory.commit(manifest_of(files))
        except Exception as exc:
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    manifest = read_manifest(target)
    assert manifest is not None
    assert check_files(target, manifest) == []
    assert [path.name for path in tmp_path.iterdir()] == ["00007"]


def _die_before_the_rename(target: str) -> None:
    os.rename = lambda *_: os._exit(9)
    commit(Path(target))


def test_a_process_that_dies_at_the_rename_leaves_scratch_only(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_die_before_the_rename, args=(str(tmp_path / "p" / "00007"),))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert visible(tmp_path / "p") == []
    assert len(list((tmp_path / "p").iterdir())) == 1
    assert sweep(tmp_path) == 1
    assert list((tmp_path / "p").iterdir()) == []


# -- seals ---------------------------------------------------------------------------------------------------------------------------


def test_a_flipped_bit_anywhere_in_the_manifest_is_seen(tmp_path: Path) -> None:
    commit(tmp_path / "t")
    path = tmp_path / "t" / MANIFEST
    whole = path.read_bytes()
    believed = []
    for i in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:i] + bytes([whole[i] ^ (1 << bit)]) + whole[i + 1 :])
            if read_manifest(tmp_path / "t") is not None:
                believed.append((i, bit))
    assert believed == []
    path.write_bytes(whole)
    assert read_manifest(tmp_path / "t") is not None


def test_a_truncated_manifest_is_never_believed(tmp_path: Path) -> None:
    commit(tmp_path / "t")
    path = tmp_path / "t" / MANIFEST
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert read_sealed(path) is None, length


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"3", b"{}", b'{"seal": null}', b"\xff", b'{"files": {}}'])
def test_what_was_never_sealed_is_not_believed(tmp_path: Path, data: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(data)
    assert read_sealed(tmp_path / MANIFEST) is None
    assert read_manifest(tmp_path) is None
    assert read_sealed(tmp_path / "none") is None


leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)
plain = st.recursive(
    leaves, lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=6
)


@settings(deadline=None, max_examples=100)
@given(data=st.dictionaries(st.text(max_size=5), plain, max_size=4))
def test_sealed_objects_come_back(tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "sealed.json"
    path.write_bytes(to_bytes(seal(data)))
    back = read_sealed(path)
    assert back == seal(data)
    assert seal(back or {}) == back
    shuffled = dict(reversed(list(data.items())))
    assert to_bytes(seal(shuffled)) == to_bytes(seal(data))
    assert fingerprint(shuffled) == fingerprint(data)


@settings(deadline=None, max_examples=60)
@given(one=plain, other=plain)
def test_fingerprints_differ_when_the_objects_do(one: Any, other: Any) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (
        orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    )


# -- files ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["kept.jsonl", "r/a.jsonl"])
def test_a_missing_or_truncated_file_is_not_done(tmp_path: Path, name: str) -> None:
    commit(tmp_path / "t")
    path = tmp_path / "t" / name
    data = path.read_bytes()
    for wrong in (data[:-1], data + b"\n", b""):
        path.write_bytes(wrong)
        assert read_manifest(tmp_path / "t") is None
    path.unlink()
    assert read_manifest(tmp_path / "t") is None
    path.write_bytes(data)
    assert read_manifest(tmp_path / "t") is not None


def test_check_files_finds_a_flipped_bit_anywhere(tmp_path: Path) -> None:
    commit(tmp_path / "t")
    manifest = read_manifest(tmp_path / "t")
    assert manifest is not None
    path = tmp_path / "t" / "kept.jsonl"
    data = path.read_bytes()
    for i in range(len(data)):
        path.write_bytes(data[:i] + bytes([data[i] ^ (1 << i % 8)]) + data[i + 1 :])
        assert read_manifest(tmp_path / "t") is not None, "the size is right: only check_files can see it"
        assert check_files(tmp_path / "t", manifest) == [f"{path}: its bytes are not the ones that were sealed"]
    path.write_bytes(data)
    assert check_files(tmp_path / "t", manifest) == []


def test_check_files_names_every_fault(tmp_path: Path) -> None:
    commit(tmp_path / "t")
    manifest = read_manifest(tmp_path / "t")
    assert manifest is not None
    os.truncate(tmp_path / "t" / "kept.jsonl", 5)
    (tmp_path / "t" / "r" / "a.jsonl").unlink()
    assert check_files(tmp_path / "t", manifest) == [
        f"{tmp_path / 't' / 'kept.jsonl'}: 5 bytes; sealed: {len(DATA)}",
        f"{tmp_path / 't' / 'r' / 'a.jsonl'}: missing",
    ]


def test_sweep_removes_scratch_and_nothing_else(tmp_path: Path) -> None:
    commit(tmp_path / "phases" / "00-a" / "00000")
    left = [TaskDirectory.begin(tmp_path / "phases" / "00-a" / "00001").scratch, TaskDirectory.begin(tmp_path / "phases" / "x").scratch]
    for scratch in left:
        write_file(scratch / "deep" / "kept.jsonl", DATA)
    (tmp_path / "phases" / "00-a" / f"{SCRATCH}file").write_bytes(b"a file of the user")
    assert sweep(tmp_path / "phases") == 2
    assert sweep(tmp_path / "phases") == 0
    assert not any(scratch.exists() for scratch in left)
    assert read_manifest(tmp_path / "phases" / "00-a" / "00000") is not None
    assert visible(tmp_path / "phases") == ["00-a"]
    assert visible(tmp_path / "phases" / "00-a") == ["00000"]


def test_remove_tree(tmp_path: Path) -> None:
    commit(tmp_path / "t")
    remove_tree(tmp_path / "t")
    assert list(tmp_path.iterdir()) == []
    remove_tree(tmp_path / "t")


def test_replace_file_is_never_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "run.json"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["run.json"]
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("stopped here")))
    with pytest.raises(OSError, match="stopped here"):
        replace_file(path, b"three")
    assert path.read_bytes() == b"two"
