"""What the presets keep and drop of the bundled, labelled sample: floors that may only rise.

The remaining junk that is kept is word salad and spun articles in whole sentences: the business of models.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest

from cleaning.config import load_config
from cleaning.doc import Batch, Doc
from cleaning.engine.resolve import resolve
from cleaning.stages import STAGES
from cleaning.stages.contract import GlobalStage

ROOT = Path(__file__).resolve().parents[2]
# file -> (floor of good documents kept, floor of junk dropped), both in documents
FLOORS: dict[str, tuple[int, int]] = {
    "zh_good.jsonl": (100, 0),
    "mixed_good.jsonl": (25, 0),
    "en_good.jsonl": (45, 0),
    "dirty_good.jsonl": (20, 0),
    "zh_junk.jsonl": (0, 87),
    "en_junk.jsonl": (0, 41),
    "mixed_junk.jsonl": (0, 13),
}


@pytest.mark.parametrize("name", FLOORS)
def test_floor(name: str) -> None:
    raw = (ROOT / "samples" / "raw" / name).read_bytes()
    records = [orjson.loads(line) for line in raw.split(b"\n") if line]
    docs = [Doc(record, record["text"], orjson.dumps(record), name, i) for i, record in enumerate(records)]
    batch = Batch(docs)
    for stage in resolve(load_config(ROOT / "configs" / "zh_web.yaml", [], tuple(STAGES))).stages:
        assert not isinstance(stage, GlobalStage)
        stage.step()(batch)
        batch.refresh()
    good = [doc for doc in docs if doc.record["expect"] == "keep"]
    junk = [doc for doc in docs if doc.record["expect"] == "drop"]
    kept = sum(doc.drop is None for doc in good)
    dropped = sum(doc.drop is not None for doc in junk)
    floor_kept, floor_dropped = FLOORS[name]
    where = f"{name} (sha1 {hashlib.sha1(raw).hexdigest()[:8]})"
    assert kept >= floor_kept, f"{where}: lost {[(d.id, d.drop.rule) for d in good if d.drop]}"
    assert dropped >= floor_dropped, f"{where}: kept {[d.id for d in junk if d.drop is None]}"
