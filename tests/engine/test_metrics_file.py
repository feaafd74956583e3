"""The side file of metrics: what is stored is what was measured, for the right documents."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cleaning.engine.metrics_file import read_metrics
from cleaning.engine.plan import Plan
from cleaning.stages.rule_filter import RuleFilter
from tests.samples import make_doc


def test_stored_metrics_are_those_of_the_documents(
    cleaning: Callable[..., subprocess.CompletedProcess[str]], corpus: Path, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    options = ["--stages", "rules", "--set", "input.group_bytes=0", "--set", "output.compression=none", "--set", "engine.batch_bytes=2KiB"]
    assert cleaning("run", "configs/zh_web.yaml", "--input", corpus, "--output", root, *options).returncode == 0
    (stage,) = Plan.load(root).stages
    assert isinstance(stage, RuleFilter)
    measures = stage.rule_set.measures
    assert {"blacklist_distinct", "blacklist_ads_distinct", "units"} <= set(measures.names)
    for task in sorted(root.glob("phases/*/*")):
        table = read_metrics(task / "metrics.zst")
        good = []
        for line in (corpus / f"part-{int(task.name)}.jsonl").read_text(encoding="utf-8").splitlines():
            try:
                good.append(json.loads(line))
            except ValueError:
                continue
        kept = {json.loads(line)["id"] for line in (task / "kept.jsonl").read_text(encoding="utf-8").splitlines()}
        assert table.ordinals.tolist() == list(range(len(good)))
        assert table.kept.tolist() == [doc["id"] in kept for doc in good]
        assert table.names == measures.names
        again, _ = measures.compute([make_doc(doc["text"], doc) for doc in good])
        np.testing.assert_array_equal(table.values, again)
