"""Five equalities: the same bytes and the same stats, whatever happened on the way (Ray's comes with its executor)."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, TOY, command, make_corpus, published

Cleaning = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def reference(corpus: Path, config: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("reference") / "run"
    done = subprocess.run(
        command("run", config, "--input", corpus, "--output", root, "--set", "engine.executor=inline"),
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    files = published(root)
    assert any(name.startswith("rejected/toy_dedup/") for name in files)
    assert any(name.startswith("rejected/rules/") for name in files)
    return files


@pytest.mark.parametrize("options", [
    ["--workers", "1"],
    ["--workers", "4"],
    ["--workers", "2", "--set", "engine.fuse=false"],
    ["--workers", "2", "--set", "engine.checkpoint=[normalize]"],
    ["--workers", "2", "--set", "engine.batch_bytes=700"],
], ids=["one-worker", "four-workers", "unfused", "checkpoint", "small-batches"])  # fmt: skip
def test_same_bytes(
    cleaning: Cleaning, corpus: Path, config: Path, tmp_path: Path, reference: dict[str, bytes], options: list[str]
) -> None:
    done = cleaning("run", config, "--input", corpus, "--output", tmp_path / "run", *options)
    assert done.returncode == 0, done.stderr
    assert published(tmp_path / "run") == reference
    assert cleaning("verify", tmp_path / "run").returncode == 0


def test_every_document_is_somewhere(reference: dict[str, bytes], corpus: Path) -> None:
    import io

    import zstandard

    seen: list[str] = []
    for name, data in reference.items():
        if name.startswith(("data/", "rejected/")):
            with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)) as stream:
                seen += [json.loads(line)["id"] for line in stream.read().splitlines()]
    lines = [line for path in corpus.iterdir() for line in path.read_text(encoding="utf-8").splitlines()]
    good = []
    for line in lines:
        try:
            good.append(json.loads(line)["id"])
        except ValueError:
            continue
    assert sorted(seen) == sorted(good)
    assert len(good) < len(lines)


def _children(pid: int) -> list[int]:
    """All processes below `pid`, workers and their forkserver."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        below = parents.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _workers(pid: int) -> list[int]:
    out = []
    for child in _children(pid):
        try:
            text = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        if "forkserver" in text and _children_count(child) == 0:
            out.append(child)
    return out


def _children_count(pid: int) -> int:
    return len(_children(pid))


def _slow_config(tmp_path: Path) -> Path:
    path = tmp_path / "slow.yaml"
    path.write_text(
        f'stages: [normalize, rules, "{TOY}:Slow", "{TOY}:ToyDedup"]\n'
        "input: {group_bytes: 0, shard_bytes: 20KiB}\nengine: {retries: 100, batch_bytes: 4KiB, grace_seconds: 1}\n"
        "rules: {files: [rules/zh_web.yaml, rules/en_web.yaml, rules/other_scripts.yaml]}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("big"), shards=10, docs=80, seed=5)


@pytest.fixture(scope="module")
def undisturbed(big: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("undisturbed")
    done = subprocess.run(
        command("run", _slow_config(folder), "--input", big, "--output", folder / "run", "--workers", 3),
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return published(folder / "run")


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the workers in /proc")
def test_killed_workers(big: Path, undisturbed: dict[str, bytes], tmp_path: Path, state: Path) -> None:
    run = command("run", _slow_config(tmp_path), "--input", big, "--output", tmp_path / "run", "--workers", 3)
    process = subprocess.Popen(run, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ)
    rng, kills = random.Random(3), 0
    while process.poll() is None:
        time.sleep(rng.uniform(0.1, 0.4))
        workers = _workers(process.pid)
        if workers and kills < 12:
            try:
                os.kill(rng.choice(workers), signal.SIGKILL)
                kills += 1
            except ProcessLookupError:
                pass
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert kills >= 3
    assert published(tmp_path / "run") == undisturbed


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the workers in /proc")
def test_killed_drivers(cleaning: Cleaning, big: Path, undisturbed: dict[str, bytes], tmp_path: Path, state: Path) -> None:
    root = tmp_path / "run"
    run = command("run", _slow_config(tmp_path), "--input", big, "--output", root, "--workers", 3)
    rng, kills = random.Random(4), 0
    for attempt in range(40):
        process = subprocess.Popen(run, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
        try:
            process.wait(rng.uniform(0.7, 2.2) if attempt < 8 else 60)
            assert process.returncode == 0
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert kills >= 3
    assert published(root) == undisturbed
    verified = cleaning("verify", root)
    assert verified.returncode == 0, verified.stdout


def test_resume_redoes_nothing(cleaning: Cleaning, corpus: Path, config: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    assert cleaning("run", config, "--input", corpus, "--output", root, "--workers", 2).returncode == 0
    before = {p: p.stat().st_mtime_ns for p in (root / "phases").rglob("manifest.json")}
    again = cleaning("run", config, "--input", corpus, "--output", root, "--workers", 1)
    assert again.returncode == 0
    assert {p: p.stat().st_mtime_ns for p in (root / "phases").rglob("manifest.json")} == before


def test_only_what_is_stale_is_redone(cleaning: Cleaning, tmp_path: Path, config: Path) -> None:
    data, root = make_corpus(tmp_path / "in", shards=4, docs=20), tmp_path / "run"
    assert cleaning("run", config, "--input", data, "--output", root).returncode == 0
    plan = cleaning("plan", config, "--input", data, "--output", root)
    assert "to do" not in plan.stdout
    # a touched file is hashed, not redone
    os.utime(data / "part-1.jsonl")
    assert "to do" not in cleaning("plan", config, "--input", data, "--output", root).stdout
    # an edited file redoes its own shards in the first pass
    with (data / "part-1.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"id": "new", "text": "新的一篇。" * 30}, ensure_ascii=False) + "\n")
    plan = cleaning("plan", config, "--input", data, "--output", root)
    first = plan.stdout.split("phase 01")[0]
    assert "part-1.jsonl has changed" in first
    assert "1 to do" in first
    # a threshold that changes no verdict redoes the pass and stops there: the second pass is still valid
    assert cleaning("run", config, "--input", data, "--output", root).returncode == 0
    options = ["--set", "rules.thresholds={zh_too_long: '> 5000000'}"]
    plan = cleaning("plan", config, "--input", data, "--output", root, *options)
    assert "rules.thresholds" in plan.stdout
    before = {p: p.stat().st_mtime_ns for p in (root / "phases").glob("0[12]-*/*/manifest.json")}
    assert cleaning("run", config, "--input", data, "--output", root, *options).returncode == 0
    assert {p: p.stat().st_mtime_ns for p in (root / "phases").glob("0[12]-*/*/manifest.json")} == before


def test_an_error_in_a_step_costs_one_document(cleaning: Cleaning, tmp_path: Path) -> None:
    data = tmp_path / "in.jsonl"
    texts = [f"第{i}篇文章，内容各不相同。" * 8 for i in range(40)]
    texts[17] += "炸"
    data.write_text("".join(json.dumps({"id": i, "text": t}, ensure_ascii=False) + "\n" for i, t in enumerate(texts)), encoding="utf-8")
    path = tmp_path / "c.yaml"
    path.write_text(f'stages: [normalize, "{TOY}:Fussy"]\n', encoding="utf-8")
    root = tmp_path / "run"
    done = cleaning("run", path, "--input", data, "--output", root, "--set", "output.compression=none")
    assert done.returncode == 0, done.stderr
    [line] = (root / "rejected" / "fussy" / "part-00000.jsonl").read_text(encoding="utf-8").splitlines()
    rejected = json.loads(line)
    assert rejected["id"] == 17
    assert rejected["text"] == texts[17]
    assert rejected["cleaning"]["reject"]["rule"] == "error:fussy"
    trace = rejected["cleaning"]["reject"]["traceback"]
    assert "cannot stand" in trace[-1]
    assert any(frame.startswith("toy_stages.py:") for frame in trace)
    assert "/" not in "".join(trace)
    kept = [json.loads(line) for line in (root / "data" / "part-00000.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [doc["id"] for doc in kept] == [i for i in range(40) if i != 17]
    assert json.loads((root / "stats" / "02-fussy.json").read_text())["errors"] == 1


def test_rejects_can_be_fed_back(cleaning: Cleaning, corpus: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    assert cleaning("run", "configs/zh_web.yaml", "--input", corpus, "--output", first).returncode == 0
    done = cleaning("run", "configs/zh_web.yaml", "--input", first / "rejected" / "rules", "--output", second)
    assert done.returncode == 0, done.stderr
    stats = json.loads((second / "stats" / "03-rules.json").read_text())
    assert stats["rejected"] == stats["documents_in"] > 0
    # and what was kept is kept again
    third = tmp_path / "c"
    assert cleaning("run", "configs/zh_web.yaml", "--input", first, "--output", third).returncode == 0
    stats = json.loads((third / "stats" / "03-rules.json").read_text())
    assert stats["rejected"] == 0
    assert stats["documents_in"] > 0
