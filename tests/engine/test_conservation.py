"""A document that vanishes must stop the task: the check is tried with steps that do what no step may."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cleaning.engine.conservation import READ, check_run, check_task
from cleaning.engine.plan import StepSpec
from cleaning.errors import ConservationError
from cleaning.stages.normalize import Normalize, NormalizeParams
from cleaning.stats import Stats

THIEF = """
from cleaning.stages.contract import Stage, StepDefaults

class Step(StepDefaults):
    def __call__(self, batch):
        {act}

class Thief(Stage):
    name = "thief"
    def step(self):
        return Step()
"""


@pytest.mark.parametrize("act", ["batch.docs.pop()", "batch.docs.append(batch.docs[0])", "batch.docs[0].drop = object.__new__(object)"])
def test_a_thief_is_caught(cleaning: Callable[..., subprocess.CompletedProcess[str]], corpus: Path, tmp_path: Path, act: str) -> None:
    (tmp_path / "thief.py").write_text(THIEF.format(act=act))
    (tmp_path / "c.yaml").write_text('stages: [normalize, "thief.py:Thief"]\n')
    done = cleaning("run", tmp_path / "c.yaml", "--input", corpus, "--output", tmp_path / "run", "--workers", 1)
    assert done.returncode == 1
    report = json.loads((tmp_path / "run" / "report" / "report.json").read_text())
    assert report["failures"]
    if "drop" not in act:
        assert all("do not add up" in failure["reason"] for failure in report["failures"])
    assert not list((tmp_path / "run" / "data").glob("*"))


def _stats(**counters: int) -> Stats:
    stats = Stats()
    for name, value in counters.items():
        stats.count("normalize", name, value)
    return stats


@pytest.mark.parametrize(("counts", "kept", "rejected", "into", "out"), [
    ({"documents": 10}, 9, 0, 10, 10),
    ({"documents": 10}, 10, 1, 10, 10),
    ({"documents": 10}, 10, 0, 9, 9),
    ({"documents": 10}, 10, 0, 10, 9),
    ({"documents": 10, "lines": 12, "bad_lines": 1}, 10, 0, 10, 10),
])  # fmt: skip
def test_each_equality_of_a_task(counts: dict[str, int], kept: int, rejected: int, into: int, out: int) -> None:
    stage = Normalize(NormalizeParams(), lambda name: Path(name))
    with pytest.raises(ConservationError):
        check_task("00/0", [stage], [StepSpec("step", 0)], _stats(documents_in=into, documents_out=out), counts, kept, rejected)


def test_each_equality_of_a_run() -> None:
    stage = Normalize(NormalizeParams(), lambda name: Path(name))
    good = _stats(documents_in=8, documents_out=7, rejected=1)
    for name, value in {"lines": 10, "documents": 8, "bad_lines": 2}.items():
        good.count(READ, name, value)
    check_run([stage], good)
    for stage_name, counter in ((READ, "lines"), (READ, "documents"), ("normalize", "documents_in"), ("normalize", "rejected")):
        bad = Stats()
        bad.add(good)
        bad.count(stage_name, counter)
        with pytest.raises(ConservationError):
            check_run([stage], bad)
