"""The equalities of the engine, for the stage with the most phases: workers, kills and resumption change no byte."""

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

from .conftest import ROOT, command, published

Cleaning = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def near_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven shards; a third of the documents are copies or edited copies, also across shards."""
    rng = random.Random(2)
    folder = tmp_path_factory.mktemp("near")
    pool = ["".join(chr(rng.randint(0x4E00, 0x9000)) for _ in range(rng.randint(20, 900))) for _ in range(120)]
    for s in range(7):
        rows = []
        for d in range(40):
            text = list(rng.choice(pool))
            for at in rng.sample(range(len(text)), rng.choice([0, 0, 1, 2])):
                text[at] = chr(rng.randint(0x4E00, 0x9000))
            rows.append(json.dumps({"id": f"{s}-{d}", "text": "".join(text)}, ensure_ascii=False))
        (folder / f"part-{s}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def run_files(root: Path) -> dict[str, bytes]:
    clusters = {p.relative_to(root).as_posix(): p.read_bytes() for p in (root / "clusters").iterdir()}
    return published(root) | clusters


OPTIONS = ["--stages", "normalize,document_dedup", "--set", "input.group_bytes=0"]


@pytest.fixture(scope="module")
def one_process(near_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = tmp_path_factory.mktemp("one") / "run"
    done = subprocess.run(
        command("run", "zh_web", *OPTIONS, "--input", near_corpus, "--output", root, "--executor", "inline"),
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    files = run_files(root)
    assert any(name.startswith("rejected/document_dedup/") for name in files) and any(name.startswith("clusters/") for name in files)
    return files


@pytest.mark.parametrize("options", [["--workers", "2"], ["--workers", "7", "--memory", "64M"]], ids=["two", "seven"])
def test_workers_and_memory_change_no_byte(
    cleaning: Cleaning, near_corpus: Path, tmp_path: Path, one_process: dict[str, bytes], options: list[str]
) -> None:
    done = cleaning("run", "zh_web", *OPTIONS, "--input", near_corpus, "--output", tmp_path / "run", *options)
    assert done.returncode == 0, done.stderr
    assert run_files(tmp_path / "run") == one_process
    assert cleaning("verify", tmp_path / "run").returncode == 0


def test_killed_and_resumed_is_the_same(cleaning: Cleaning, near_corpus: Path, tmp_path: Path, one_process: dict[str, bytes]) -> None:
    root = tmp_path / "run"
    arguments = ("run", "zh_web", *OPTIONS, "--input", near_corpus, "--output", root, "--workers", "2")
    for phase in ("*match", "*gather"):
        process = subprocess.Popen(
            command(*arguments), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=os.environ
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not list((root / "phases").glob(phase)) and process.poll() is None:
            time.sleep(0.002)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done = cleaning(*arguments)
    assert done.returncode == 0, done.stderr
    assert run_files(root) == one_process
