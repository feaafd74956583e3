"""A small corpus of many shards, and helpers that run the real command."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOY = ROOT / "tests" / "engine" / "toy_stages.py"
WORDS = "清晨的集市上人们挑着新鲜蔬菜一边走一边谈论今年的收成和天气河边的老树又发了新芽孩子们在树下读书写字".strip()


def make_corpus(folder: Path, *, shards: int = 6, docs: int = 60, seed: int = 1) -> Path:
    """Chinese, English and broken lines; about a tenth are exact duplicates, also across shards."""
    rng = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    pool: list[str] = []
    for s in range(shards):
        lines = []
        for d in range(docs):
            kind = rng.random()
            if kind < 0.1 and pool:
                text = rng.choice(pool)
            elif kind < 0.6:
                text = "。".join("".join(rng.choice(WORDS) for _ in range(rng.randint(8, 30))) for _ in range(rng.randint(2, 9))) + "。"
            elif kind < 0.8:
                text = " ".join(rng.choice(["the", "river", "of", "and", "market", "to", "old", "was"]) for _ in range(rng.randint(10, 90)))
            else:
                text = "<p>" + "".join(rng.choice(WORDS) for _ in range(80)) + "！！！！！！</p>\u3000ＡＢＣ"
            pool.append(text)
            line = json.dumps({"id": f"{s}-{d}", "text": text, "source": f"s{d % 3}", "n": d}, ensure_ascii=False)
            lines.append(line[: len(line) // 2] if rng.random() < 0.02 else line)
        (folder / f"part-{s}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_corpus(tmp_path_factory.mktemp("corpus"))


def published(root: Path) -> dict[str, bytes]:
    """Every byte that a run promises to be the same."""
    files = [p for name in ("data", "rejected", "stats", "good", "bad") for p in (root / name).rglob("*") if p.is_file()]
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in files}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "cleaning", *map(str, arguments)]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A register of live runs of our own."""
    monkeypatch.setenv("CLEANING_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def cleaning(state: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def call(*arguments: object, cwd: Path = ROOT, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=cwd, timeout=timeout, env=os.environ, check=False)

    return call


CONFIG = f"""
name: torture
stages: [normalize, rules, "{TOY}:ToyDedup"]
input: {{group_bytes: 0, shard_bytes: 20KiB}}
rules: {{files: [rules/zh_web.yaml, rules/en_web.yaml, rules/other_scripts.yaml]}}
"""


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "torture.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path
