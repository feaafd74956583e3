"""`verify` must find what a disk, a hand or a broken copy does to a run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from cleaning.verify import verify_run

from .engine.conftest import ROOT, make_corpus


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    make_corpus(folder / "in", shards=3, docs=40)
    command = [
        sys.executable,
        "-m",
        "cleaning",
        "run",
        "configs/zh_web.yaml",
        "--input",
        str(folder / "in"),
        "--output",
        str(folder / "run"),
    ]
    subprocess.run([*command, "--set", "engine.executor=inline", "--set", "input.group_bytes=0"], cwd=ROOT, check=True, capture_output=True)
    return folder / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def test_an_untouched_run_is_fine(run: Path) -> None:
    faults, checked = verify_run(run)
    assert faults == []
    assert checked["tasks"] == 3
    assert checked["rows"] > 100


def _first(run: Path, pattern: str) -> Path:
    return sorted(run.glob(pattern))[0]


def _flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def _drop_row(path: Path) -> None:
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
    lines = raw.splitlines(keepends=True)
    path.write_bytes(zstandard.ZstdCompressor(level=3).compress(b"".join(lines[:5] + lines[6:])))


DAMAGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "flipped bit in kept": ("phases/*/00001/kept*.zst", lambda p: _flip(p, p.stat().st_size // 2)),
    "flipped bit in published": ("data/part-00001*", lambda p: _flip(p, 40)),
    "truncated kept": ("phases/*/00000/kept*.zst", lambda p: p.write_bytes(p.read_bytes()[:-10])),
    "truncated rejected": ("phases/*/00000/rejected/*.zst", lambda p: p.write_bytes(p.read_bytes()[:-1])),
    "row deleted from kept": ("phases/*/00001/kept*.zst", _drop_row),
    "row deleted from published": ("data/part-00000*", _drop_row),
    "row deleted from rejected": ("rejected/rules/part-00000*", _drop_row),
    "file deleted": ("phases/*/00002/kept*.zst", Path.unlink),
    "published file deleted": ("data/part-00000*", Path.unlink),
    "bad line removed": ("phases/*/*/bad_lines.jsonl", lambda p: p.write_bytes(b"")),
    "stats edited": ("stats/03-rules.json", lambda p: p.write_text(p.read_text().replace('"documents_in": 1', '"documents_in": 2'))),
    "task stats edited": ("phases/*/00000/stats.json", lambda p: _flip(p, 60)),
    "manifest edited": ("phases/*/00000/manifest.json", lambda p: p.write_text(p.read_text().replace('"kept": ', '"kept": 1'))),
    "manifest deleted": ("phases/*/00000/manifest.json", Path.unlink),
    "stranger in data": ("data", lambda p: (p / "part-99999.jsonl.zst").write_bytes(b"x")),
    "published.json flipped": ("published.json", lambda p: _flip(p, 30)),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_found(run: Path, what: str) -> None:
    pattern, damage = DAMAGES[what]
    paths = [p for p in sorted(run.glob(pattern)) if not p.is_file() or p.stat().st_size > 0]
    path = paths[0]
    before = path.read_bytes() if path.is_file() else b""
    damage(path)
    assert not path.is_file() or path.read_bytes() != before or what == "stranger in data"
    faults, _ = verify_run(run)
    assert faults, what
    assert any(str(path) in fault or str(path.parent) in fault for fault in faults), faults


def test_consistent_forgery_is_found(run: Path) -> None:
    """A row removed from kept with size and digest in the manifest made to fit: the counts still tell."""
    from cleaning.io.commit import read_sealed, seal, to_bytes
    from cleaning.io.streams import digest_file

    path = _first(run, "phases/*/00001/kept*.zst")
    _drop_row(path)
    manifest = read_sealed(path.parent / "manifest.json")
    assert manifest is not None
    manifest["files"][path.name] = {"size": path.stat().st_size, "digest": digest_file(path), "rows": manifest["files"][path.name]["rows"]}
    (path.parent / "manifest.json").write_bytes(to_bytes(seal(manifest)))
    faults, _ = verify_run(run)
    assert any("rows" in fault for fault in faults)


def test_a_damaged_task_is_redone(run: Path, finished: Path) -> None:
    _flip(_first(run, "phases/*/00001/kept*.zst"), 10)  # same size: only verify sees it
    _first(run, "phases/*/00002/kept*.zst").write_bytes(b"short")
    command = [sys.executable, "-m", "cleaning", "run", "configs/zh_web.yaml", "--input", str(finished.parent / "in"), "--output", str(run)]
    done = subprocess.run(
        [*command, "--set", "engine.executor=inline", "--set", "input.group_bytes=0"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "2 of 3 tasks done already" in done.stderr
    assert json.loads((run / "run.json").read_text())["status"] == "done"
    faults, _ = verify_run(run)
    assert faults  # the flipped byte is still there, and verify says where
    assert all("00001" in fault or "part-00001" in fault for fault in faults)
