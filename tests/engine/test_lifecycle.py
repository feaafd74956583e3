"""Starting, stopping, refusing: with real processes and real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cleaning.engine.lifecycle import is_alive, read_owner, start_mark

from .conftest import ROOT, TOY, command, make_corpus, published

Cleaning = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slow")
    make_corpus(folder / "in", shards=12, docs=30)
    (folder / "slow.yaml").write_text(
        f'stages: [normalize, "{TOY}:Slow"]\ninput: {{paths: [in], group_bytes: 0}}\nengine: {{batch_bytes: 1KiB, grace_seconds: 1}}\n'
    )
    return folder


def _start(slow: Path, root: Path, seconds: float = 0.1) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command("run", slow / "slow.yaml", "--output", root, "--workers", 2, "--set", f"slow.seconds={seconds}"),
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ,
    )  # fmt: skip
    until = time.monotonic() + 30
    while time.monotonic() < until and not list(root.glob("phases/*/[0-9]*")):
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_and_the_same_command_resumes(cleaning: Cleaning, slow: Path, tmp_path: Path, number: signal.Signals) -> None:
    root = tmp_path / "run"
    process = _start(slow, root)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130, out
    assert "the same command resumes" in out
    assert json.loads((root / "run.json").read_text())["status"] == "stopped"
    committed = {p: p.stat().st_mtime_ns for p in root.glob("phases/*/*/manifest.json")}
    assert committed
    assert not list(root.glob("phases/*/.scratch-*"))
    assert not (root / "data").exists()
    done = cleaning("run", slow / "slow.yaml", "--output", root, "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert {p: p.stat().st_mtime_ns for p in committed} == committed
    other = tmp_path / "undisturbed"
    assert cleaning("run", slow / "slow.yaml", "--output", other, "--workers", 2).returncode == 0
    assert published(root) == published(other)


def test_a_second_driver_refuses(cleaning: Cleaning, slow: Path, tmp_path: Path) -> None:
    root = tmp_path / "run"
    process = _start(slow, root)
    try:
        began = time.monotonic()
        second = cleaning("run", slow / "slow.yaml", "--output", root)
        assert second.returncode == 2
        assert f"pid {process.pid}" in second.stderr
        assert "stopall.sh" in second.stderr
        assert time.monotonic() - began < 10
    finally:
        stopped = cleaning("stop", root)
        process.communicate(timeout=30)
    assert "1 stopped" in stopped.stdout
    assert process.returncode == 130


def test_stop_ends_every_run_of_this_checkout(cleaning: Cleaning, slow: Path, tmp_path: Path, state: Path) -> None:
    runs = [_start(slow, tmp_path / name, 1.0) for name in ("a", "b")]  # the first must still run when the second has begun
    assert len(list(state.glob("*.json"))) == 2
    began = time.monotonic()
    done = subprocess.run(["bash", "stopall.sh"], cwd=ROOT, capture_output=True, text=True, env=_with_venv(), check=False)
    assert time.monotonic() - began < 30
    assert "2 stopped" in done.stdout, done.stdout + done.stderr
    for process in runs:
        process.communicate(timeout=10)
        assert process.returncode == 130
    assert "no run to stop" in cleaning("stop").stdout
    assert not list(state.glob("*.json"))


def _with_venv() -> dict[str, str]:
    import sys

    return {**os.environ, "VIRTUAL_ENV": str(Path(sys.executable).parent.parent)}


def test_a_stranger_is_never_touched(cleaning: Cleaning, tmp_path: Path, state: Path) -> None:
    """A run directory whose recorded pid now belongs to another process."""
    root = tmp_path / "run"
    root.mkdir()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        import socket

        owner = {"pid": stranger.pid, "start": "another-boot:123", "host": socket.gethostname(), "root": str(root)}
        (root / "run.pid").write_text(json.dumps(owner))
        state.mkdir(exist_ok=True)
        (state / "x.json").write_text(json.dumps(owner))
        assert "no run to stop" in cleaning("stop", root).stdout
        assert "no run to stop" in cleaning("stop").stdout
        time.sleep(0.2)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_start_mark_is_of_this_process() -> None:
    mark = start_mark(os.getpid())
    assert mark is not None
    assert mark == start_mark(os.getpid())
    import socket

    me = {"pid": os.getpid(), "start": mark, "host": socket.gethostname()}
    assert is_alive(me)
    assert not is_alive({**me, "start": mark + "0"})
    assert not is_alive({**me, "host": "elsewhere"})
    child = subprocess.Popen(["true"])
    child.wait()
    assert start_mark(child.pid) is None


def test_read_owner_of_garbage(tmp_path: Path) -> None:
    assert read_owner(tmp_path) is None
    (tmp_path / "run.pid").write_text("{")
    assert read_owner(tmp_path) is None


def test_foreign_directories_are_refused(cleaning: Cleaning, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    done = cleaning("run", "configs/zh_web.yaml", "--input", corpus, "--output", tmp_path / "mine")
    assert done.returncode == 2
    assert "is not empty and is no run directory" in done.stderr
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    same = cleaning("run", "configs/zh_web.yaml", "--input", corpus, "--output", corpus)
    assert same.returncode == 2


def test_progress_lines_when_not_a_terminal(slow: Path, tmp_path: Path, state: Path) -> None:
    """One line every EVERY_SECONDS, no bars."""
    code = (
        "import logging,sys,pathlib;from cleaning.cli import _configure_logging;_configure_logging()\n"
        "from cleaning.config import load_config;from cleaning.engine.run import run\n"
        f"loaded=load_config(pathlib.Path({str(slow / 'slow.yaml')!r}),['input.paths=[{slow / 'in'}]'],('normalize','rules'))\n"
        f"sys.exit(run(loaded,pathlib.Path({str(tmp_path / 'run')!r}),every=0.5).code)"
    )
    import sys

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if "documents," in line]
    assert lines, done.stderr
    assert all(word in lines[0] for word in ("MB/s", "kept", "ETA", "% done"))
    assert "\r" not in done.stderr
