"""What the presets catch of damage and spam, and keep of good genres: floors by kind, that may only rise.

Damage is made of the bundled good documents by the benchmark's seeded generator. Good genres are read from the data directory, where it
is; what is judged in the end is other data of the same kinds, so the floors leave room.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sys
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import zstandard

from cleaning.config import load_config
from cleaning.doc import Batch, Doc
from cleaning.engine.resolve import resolve
from cleaning.stages import STAGES
from tests.samples import sample

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from damage import DAMAGES  # noqa: E402

# What a rule cannot see without a model of the language, or what normalize mends: no floor.
FREE = {
    ("zh", "word_salad"), ("zh", "noise"), ("zh", "words_shuffled"), ("en", "word_salad"),
    ("zh", "utf-8_as_latin-1"),
    ("en", "utf-8_as_latin-1"), ("en", "utf-8_as_cp1252"), ("zh", "utf-8_as_cp1252"),
}  # fmt: skip
FLOOR = 0.75  # of the other kinds; their mean must reach MEAN
MEAN = 0.9
# files of good documents -> per cent that may be rejected, on a sample
GENRES = {
    "docs/zh_news_xwlb-00.jsonl.zst": 2, "docs/zh_laws-00.jsonl.zst": 5, "docs/zh_tech_lctt-00.jsonl.zst": 2,
    "docs/zh_docs_powershell-00.jsonl.gz": 4, "docs/zh_history_modern-00.jsonl.zst": 2, "docs/zh_novel_classic-00.jsonl.zst": 2,
    "docs/zh_poetry-00.jsonl.gz": 5, "docs/zh_sci_abstracts_csl-00.jsonl.gz": 2, "docs/zh_md_revisions-00.jsonl.zst": 3,
    "docs/en_eips-00.jsonl.gz": 2, "docs/en_peps_revisions-00.jsonl.zst": 3, "docs/en_tech_lctt_src-00.jsonl.zst": 2,
    "docs/en_wiki_books-00.jsonl.zst": 2, "docs/en_docs_amplify-00.jsonl.zst": 3,
    "docs/mixed_skywork_pt_train-00.jsonl.gz": 2,
}  # fmt: skip


@lru_cache(maxsize=2)
def _stages(config: str) -> Any:
    return resolve(load_config(ROOT / "configs" / f"{config}.yaml", [], tuple(STAGES))).stages


def rejected(texts: list[str], config: str) -> list[tuple[int, str]]:
    """(number, rule) of the texts that the preset rejects."""
    batch = Batch([Doc({"text": text}, text, b"{}", "kind", i) for i, text in enumerate(texts)])
    for stage in _stages(config):
        stage.step()(batch)
        batch.refresh()
    return [(i, doc.drop.rule) for i, doc in enumerate(batch.docs) if doc.drop is not None]


@pytest.mark.filterwarnings("ignore")  # jieba's own, when it is compiled
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_damage_and_spam_are_caught(lang: str) -> None:
    pytest.importorskip("jieba")
    good = [record["text"] for record in islice(sample(f"{lang}_good"), 0, 60)]
    caught: dict[str, float] = {}
    for name, damage in DAMAGES[lang].items():
        texts = [damage(text, random.Random(i)) for i, text in enumerate(good)]
        caught[name] = len(rejected(texts, f"{lang}_web")) / len(texts)
    bound = {name: share for name, share in caught.items() if (lang, name) not in FREE}
    low = {name: round(share, 2) for name, share in bound.items() if share < FLOOR}
    assert not low, low
    assert sum(bound.values()) / len(bound) >= MEAN, bound


@pytest.mark.parametrize("name", GENRES)
def test_good_genres_are_kept(shared_data: Path, name: str) -> None:
    with open(shared_data / name, "rb") as raw:
        stream: Any = gzip.GzipFile(fileobj=raw) if name.endswith(".gz") else zstandard.ZstdDecompressor().stream_reader(raw)
        texts = [json.loads(line)["text"] for line in islice(io.BufferedReader(stream), 0, 1200, 3)]
    lost = rejected(texts, "zh_web")
    assert len(lost) <= GENRES[name] / 100 * len(texts), [(i, rule, texts[i][:60]) for i, rule in lost]
