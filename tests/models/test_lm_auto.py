"""Models of a run's own documents: who teaches, who is judged by whom."""

from __future__ import annotations

import json
import random
from itertools import islice
from pathlib import Path

import numpy as np
import zstandard

from cleaning.doc import Doc
from cleaning.io.carry import STEM, carry_line, read_rows
from cleaning.io.records import TextFields
from cleaning.models.lm import auto
from cleaning.models.lm.auto import KEY, chosen, fold_of, judge_of, keys_of, open_folds, partition, partition_of, taken, text_hash
from cleaning.models.lm.scoring import Scorer, TableModel
from cleaning.models.lm.tables import build_tables
from cleaning.models.lm.train import fit
from cleaning.models.lm.units import Units
from tests.samples import sample_texts

FIELDS = TextFields("auto", "text")


def doc(text: str, **notes: str) -> Doc:
    made = Doc({"text": text}, text, f'{{"text": "{text}"}}'.encode(), "a.jsonl", 0)
    made.notes = dict(notes)
    return made


def test_a_sample_is_the_lowest_hashes_whatever_the_order() -> None:
    rng = random.Random(1)
    rows = [(rng.randrange(1 << 40) * 2, i % 7, i, rng.randint(1, 400), 0) for i in range(300)]
    rows += [(h, shard + 1, row + 1000, size, group) for h, shard, row, size, group in rows[::3]]  # copies of some texts elsewhere
    found = chosen(np.array(rows, KEY), 20_000)
    best: dict[int, tuple[int, ...]] = {}
    for row in sorted(rows):
        best.setdefault(row[0], row)
    expected, used = [], 0
    for row in best.values():
        used += row[3]
        if used > 20_000:
            break
        expected.append(row)
    assert [tuple(row) for row in found.tolist()] == expected
    rng.shuffle(rows)
    assert chosen(np.array(rows, KEY), 20_000).tobytes() == found.tobytes()
    assert len(chosen(np.empty(0, KEY), 9)) == 0


def test_who_gives_keys() -> None:
    docs = [doc("今天天气很好"), doc("今天天气很好", lang="de"), doc("Fine weather"), doc("Хорошо"), doc("今\ufffd天天气很好")]
    docs.append(doc("ok", lang="zh"))
    keys = keys_of(docs, 3, 10, 1000)
    assert keys["row"].tolist() == [10, 12, 15]
    assert keys["shard"].tolist() == [3] * 3
    assert keys["group"].tolist() == [0, 1, 0]
    assert keys["bytes"].tolist() == [18, 12, 2]
    assert partition_of(keys).tolist() == [partition(g, fold_of(text_hash(docs[i].text))) for g, i in (("zh", 0), ("en", 2), ("zh", 5))]
    for i, group in ((0, "zh"), (2, "en"), (5, "zh")):
        assert judge_of(docs[i]) == str(partition(group, 1 - fold_of(text_hash(docs[i].text))))
    assert judge_of(docs[1]) is None
    assert len(keys_of([], 0, 0, 1000)) == 0


def test_a_long_document_gives_a_part() -> None:
    text = "".join(chr(0x4E00 + i % 5000) for i in range(100_000))
    parts = {taken(text, hashed, 1 << 20) for hashed in (2, 123456, 999_998)}
    assert len(parts) == 3
    assert {len(part.encode()) for part in parts} == {(1 << 14) // 3 * 3}
    assert len(taken(text, 7, 64 << 20).encode()) == 300_000
    assert taken("短", 5, 1 << 20) == "短"


def test_rows_are_read_without_the_others(tmp_path: Path) -> None:
    docs = [doc(f"第{i}篇。" * (i % 9 + 1)) for i in range(200)]
    for each in docs[::2]:
        each.text += "改过"
    lines = b"".join(carry_line(d) + b"\n" for d in docs)
    (tmp_path / f"{STEM}-00000.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines))
    files = sorted(tmp_path.glob(f"{STEM}*"))
    wanted = [0, 3, 4, len(docs) - 1]
    assert [(row, d.text) for row, d in read_rows(files, FIELDS, wanted)] == [(row, docs[row].text) for row in wanted]
    assert list(read_rows(files, FIELDS, [])) == []


def test_a_reference_is_split_by_text() -> None:
    texts = [*sample_texts(), *sample_texts()[:20]]
    folds = auto.split_reference(map(doc, texts), "zh", 30_000)
    for fold, samples in enumerate(folds):
        assert samples
        assert {fold_of(text_hash(s.text)) for s in samples} == {fold}
        assert len({s.text for s in samples}) == len(samples)
        assert sum(len(s.text.encode()) for s in samples) <= 30_000


def test_fit_writes_a_model_or_says_why_not(tmp_path: Path) -> None:
    texts = [t for t in sample_texts() if judge_of(doc(t)) in ("0", "1")]
    for number in (0, 1, 2):
        (tmp_path / f"{number:05d}").mkdir()
    samples = [auto.Sample(t) for t in texts]
    made = auto.fit_fold("zh", texts * 2, samples, texts, tmp_path / "00000")
    assert made.percentiles["all"]
    assert "broken" in made.figures
    few = auto.fit_fold("zh", texts[:2], samples, texts, tmp_path / "00001")
    assert "15,000 are needed" in few.about
    alone = auto.fit_fold("zh", texts, [], [], tmp_path / "00002")
    assert (alone.percentiles, alone.figures) == ({}, {})
    models = open_folds(sorted(tmp_path.iterdir()))
    assert set(models) == {"0", "2"}
    log10, tokens = models["0"].scorer(texts[:3]).summed()
    assert (log10 < 0).all()
    assert (tokens > 0).all()


def test_broken_texts_do_not_teach(shared_data: Path) -> None:
    """Two in nine are shuffled; most of these go, and few others."""
    with zstandard.open(shared_data / "docs" / "zh_news_xwlb-00.jsonl.zst", "rt", encoding="utf-8") as lines:
        texts = [text[:600] for line in islice(lines, 1200) if len(text := json.loads(line)["text"]) >= 200]
    rng, shape = random.Random(3), auto.SHAPES["zh"]
    broken = {"".join(rng.sample(t, len(t))) for t in texts[:100]}
    units = Units(shape.unit)
    scorer = Scorer(TableModel(build_tables(fit(texts[-600:], units, shape.order, shape.prune))), units)
    whole = set(texts[250:600])
    left = set(auto.sifted(scorer, sorted([*whole, *broken])))
    assert len(left & broken) < 0.3 * len(broken)
    assert len(left & whole) > 0.9 * len(whole)
    assert auto.sifted(scorer, texts[:5]) == texts[:5]
