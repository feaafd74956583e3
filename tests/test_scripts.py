"""The shell scripts, run as a user runs them, in the environment of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .engine.conftest import ROOT, make_corpus


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "VIRTUAL_ENV": str(Path(sys.prefix)), "CLEANING_STATE": str(tmp_path / "state")}


def _bash(*arguments: object, environment: dict[str, str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = ["bash", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, timeout=180, check=False)


def test_real_use_from_another_directory(environment: dict[str, str], tmp_path: Path) -> None:
    make_corpus(tmp_path / "raw", shards=2, docs=10)
    script = ROOT / "run_data_cleaning.sh"
    done = _bash(
        script, "configs/zh_web.yaml", "--input", "raw", "--output", "out", "--workers", "2", environment=environment, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "out" / "data").glob("*.jsonl.zst"))
    again = _bash(script, "configs/zh_web.yaml", "--input", "raw", "--output", "out", environment=environment, cwd=tmp_path)
    assert again.returncode == 0
    assert "setting up" not in again.stderr
    assert _bash(script, "configs/zh_wob.yaml", environment=environment, cwd=tmp_path).returncode == 2


def test_nohup_in_the_background_and_stopall(environment: dict[str, str], tmp_path: Path) -> None:
    from .engine.conftest import TOY

    make_corpus(tmp_path / "raw", shards=8, docs=60)
    config = tmp_path / "slow.yaml"
    config.write_text(
        f'stages: [normalize, "{TOY}:Slow"]\ninput: {{group_bytes: 0}}\n'
        "engine: {batch_bytes: 1KiB, grace_seconds: 1}\nslow: {seconds: 0.2}\n"
    )
    command = f"nohup bash {ROOT}/run_data_cleaning.sh {config} --input raw --output out --workers 2 > r.log 2>&1 & echo $!"
    started = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment, cwd=tmp_path, check=True)
    pid = int(started.stdout)
    until = time.monotonic() + 60
    while time.monotonic() < until and not list((tmp_path / "out").glob("phases/*/[0-9]*")):
        time.sleep(0.1)
    stopped = _bash(ROOT / "stopall.sh", environment=environment, cwd=tmp_path)
    log = (tmp_path / "r.log").read_text()
    assert "1 stopped" in stopped.stdout, stopped.stdout + stopped.stderr + log
    assert "the same command resumes" in log
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1]


def test_a_missing_python_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    script = f'cd {tmp_path}; . {ROOT}/setup_env.sh ""'
    clean = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env={**clean, "PYTHON_BASE": "no-such-python"}, check=False
    )
    assert done.returncode == 1
    assert "set-up failed: no python3 on PATH" in done.stderr


def test_what_pip_says_is_translated(tmp_path: Path) -> None:
    """A package that cannot be fetched, and one that cannot be compiled: real pip, a project that asks for them."""
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools>=64"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "x"\nversion = "1"\ndependencies = []\n'
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHON_BASE": sys.executable,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    }
    environment |= {"PIP_RETRIES": "0", "PIP_TIMEOUT": "1", "UV_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": ""}
    done = subprocess.run(
        ["bash", "-c", f'cd {tmp_path}; . {ROOT}/setup_env.sh ""'], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 1
    assert "the package index cannot be reached" in done.stderr, done.stderr
