"""Our models against those of KenLM's lmplz: every n-gram's probability and backoff. Skipped where there is no lmplz.

It is in the source distribution of kenlm: `pip download --no-binary kenlm --no-deps kenlm`, then cmake with Debian's libboost packages.
The tests look for it on the PATH and at $LMPLZ.
"""

from __future__ import annotations

import gzip
import json
import random
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from cleaning.models.card import read_card
from cleaning.models.lm import lmplz
from cleaning.models.lm.arpa import NgramModel, read_arpa
from cleaning.models.lm.train import Training, fit, full_prune, train_lm
from cleaning.models.lm.units import Units

pytestmark = pytest.mark.skipif(lmplz.find_lmplz() is None, reason="lmplz is not on the PATH, nor named by $LMPLZ")
PRUNES = [(0,), (0, 0, 1)]


def largest_difference(one: NgramModel, other: NgramModel) -> float:
    """Over probabilities and backoffs of all n-grams; the two must have the same ones."""
    number = {token: i for i, token in enumerate(one.vocab)}
    renumber = np.array([number[token] for token in other.vocab], np.uint32)
    worst = 0.0
    for k in range(one.order):
        a, b = one.ngrams[k], renumber[other.ngrams[k]]
        assert a.shape == b.shape
        rows_a, rows_b = np.lexsort(a.T), np.lexsort(b.T)
        assert (a[rows_a] == b[rows_b]).all()
        assert not any(np.isnan(x).any() for x in (one.prob[k], one.backoff[k], other.prob[k], other.backoff[k]))
        for x, y in ((one.prob, other.prob), (one.backoff, other.backoff)):
            if x[k].size:
                worst = max(worst, float(np.abs(x[k][rows_a] - np.maximum(y[k][rows_b], -99)).max()))
    return worst


def by_lmplz(texts: list[str], how: Units, order: int, prune: tuple[int, ...], tmp_path: Path) -> NgramModel:
    path = tmp_path / "lmplz.arpa"
    lmplz.train(texts, how, order, full_prune(prune, order), path, 256 << 20, tmp_path, lambda _: None)
    return read_arpa(path)


def read(root: Path, name: str, documents: int) -> list[str]:
    (path, *_) = sorted((root / "docs").glob(f"{name}*"))
    opened: Any = gzip.open if path.suffix == ".gz" else zstandard.open
    with opened(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in islice(lines, documents)]


@pytest.mark.parametrize("prune", PRUNES, ids=str)
@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize(("name", "kind"), [("zh_tech_lctt", "char"), ("en_tech_lctt", "word")])
def test_real_text(shared_data: Path, tmp_path: Path, name: str, kind: str, order: int, prune: tuple[int, ...]) -> None:
    texts = read(shared_data, name, 200)
    worst = largest_difference(fit(texts, Units(kind), order, prune), by_lmplz(texts, Units(kind), order, prune, tmp_path))
    print(f"\n{name}, unit {kind}, order {order}, prune {prune}: largest difference {worst:.2g}")  # shown by pytest -s
    assert worst < 1e-5


@pytest.mark.parametrize("seed", range(12))
def test_small_corpora_with_given_discounts(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    letters, lines = "abcdefgh"[: rng.randint(1, 8)], rng.choice([1, 5, 60])
    texts = ["".join(rng.choices(letters, k=rng.randint(1, rng.choice([1, 4, 30])))) for _ in range(lines)]
    order, prune = rng.randint(1, 6), rng.choice([(0,), (0, 0, 1), (0, 1), (0, 1, 3)])
    assert largest_difference(fit(texts, Units("char"), order, prune), by_lmplz(texts, Units("char"), order, prune, tmp_path)) < 1e-5


@pytest.mark.skipif(lmplz.find_build_binary() is None, reason="build_binary is neither on the PATH nor named by $BUILD_BINARY")
@pytest.mark.parametrize("engine", ["own", "lmplz"])
def test_a_binary_of_kenlm(engine: str, tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm")
    samples = Path(__file__).resolve().parents[2] / "samples" / "raw" / "zh_good.jsonl"
    for name in ("zh.arpa", "zh.klm"):
        train_lm([samples], tmp_path / name, Training(Units("char"), 3, engine=engine))
    card = read_card(tmp_path / "zh.klm")
    assert card is not None
    assert (card.unit, card.size) == ("char", (tmp_path / "zh.klm").stat().st_size)
    line = "今 天 天 气 很 好"
    assert kenlm.Model(str(tmp_path / "zh.klm")).score(line) == kenlm.Model(str(tmp_path / "zh.arpa")).score(line)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["zh.arpa", "zh.arpa.card.json", "zh.klm", "zh.klm.card.json"]
