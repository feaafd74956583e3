"""Units, shingles, signatures, keys: against plain twins, and bit for bit against datasketch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.dedup import kernels
from cleaning.dedup.presets import ABOUT, PRESETS
from cleaning.dedup.signatures import BOTH, Scheme, count_units, estimate, optimal_bands, permutations, shingles_of, sign, unit_table
from tests import naive

SMALL = Scheme(short_units=6)
texts = st.lists(
    st.text(st.sampled_from("今天氣气ＡaBb9９1 ,，。\n\u200b𠀀𝐀é한カ😀的了\ud800") | st.characters(), max_size=60), min_size=1, max_size=5
)


@settings(deadline=None, max_examples=200)
@given(texts=texts, unit=st.sampled_from(["mixed", "char"]), digits=st.sampled_from(["keep", "zero", "drop"]))
def test_units_are_those_of_the_twin(texts: list[str], unit: str, digits: str) -> None:
    scheme = Scheme(unit=unit, digits=digits)  # type: ignore[arg-type]
    units, ends = count_units(texts, scheme)
    table = unit_table(unit, digits).tolist()
    found = [units[a:b].tolist() for a, b in zip(ends[:-1], ends[1:], strict=True)]
    assert found == [naive.cut_units(text, table) for text in texts]


@settings(deadline=None, max_examples=100)
@given(texts=texts)
def test_everything_is_what_the_twins_make(texts: list[str]) -> None:
    signed = sign(texts, SMALL)
    a, b = (values.tolist() for values in permutations(SMALL.permutations))
    table = unit_table().tolist()
    for d, text in enumerate(texts):
        units = naive.cut_units(text, table)
        short = len(units) < SMALL.short_units
        shingles = naive.make_shingles(units, SMALL.short_shingle if short else SMALL.shingle)
        assert signed.units[d] == len(units)
        assert signed.shingles[signed.ends[d] : signed.ends[d + 1]].tolist() == shingles
        assert signed.signatures[d].tolist() == naive.sign_shingles(shingles, a, b)
        keys = naive.band_keys(signed.signatures[d].tolist(), SMALL.bands, SMALL.rows, int(short)) if units else []
        if SMALL.short_units <= len(units) < SMALL.short_units * BOTH:
            own = naive.make_shingles(units, SMALL.short_shingle)
            keys += naive.band_keys(naive.sign_shingles(own, a, b), SMALL.bands, SMALL.rows, 1)
        assert signed.keys[signed.key_ends[d] : signed.key_ends[d + 1]].tolist() == keys


@pytest.mark.parametrize("count", [0, 1, 2047, 2048, 2049, 7000])
def test_signatures_are_datasketch_s(count: int) -> None:
    """Around the size of a block, and at the values where 32 bits wrap."""
    datasketch = pytest.importorskip("datasketch", minversion="2.0")
    rng = np.random.default_rng(count)
    shingles = rng.integers(0, 1 << 32, count, dtype=np.uint32)
    shingles[:4] = [0, 1, (1 << 32) - 1, 1 << 31][: min(4, count)]
    mine = np.empty((1, 112), np.uint32)
    kernels.sign_shingles(shingles, np.array([0, count]), *permutations(112), mine)
    theirs = datasketch.MinHash(num_perm=112, seed=1, scheme="affine32", hashfunc=int)
    theirs.update_batch(shingles.tolist())
    assert mine[0].tolist() == theirs.hashvalues.tolist()
    for own, other in zip(permutations(112), theirs.permutations, strict=True):
        assert own.tolist() == other.tolist()


def test_signatures_load_into_datasketch() -> None:
    """LeanMinHash and MinHashLSH take them as they are, and find what is near."""
    datasketch = pytest.importorskip("datasketch", minversion="2.0")
    base = "清晨的集市上人们挑着新鲜蔬菜一边走一边谈论今年的收成和天气" * 8 + "".join(map(chr, range(0x4E00, 0x4E00 + 400)))
    signed = sign([base, base.replace("收成", "年成", 1), "完全不同的另一段文字" * 20 + "".join(map(chr, range(0x6000, 0x6200)))], Scheme())
    lsh = datasketch.MinHashLSH(num_perm=112, params=(14, 8))
    lean = [datasketch.LeanMinHash(seed=1, hashvalues=row, scheme="affine32") for row in signed.signatures]
    for i, minhash in enumerate(lean):
        lsh.insert(i, minhash)
    assert sorted(lsh.query(lean[0])) == [0, 1]
    assert lsh.query(lean[2]) == [2]
    assert lean[0].jaccard(lean[1]) == estimate(signed.signatures[0], signed.signatures[1])
    assert lean[0].jaccard(lean[1]) > 0.9


@pytest.mark.parametrize("one, other, same", [
    ("人工智能（ＡＩ）正在改變世界。", "人工智能 ai 正在改变世界", True),
    ("2023年", "2024年", False),
    ("better", "bet ter", False),
    ("soft\u00adhyphen", "softhyphen", True),
    ("。。。", "！！！", False),
    ("", "", True),
    ("好", "好！", True),
    ("好", "坏", False),
])  # fmt: skip
def test_folded_texts(one: str, other: str, same: bool) -> None:
    folded = sign([one, other], Scheme()).folded.tolist()
    assert (folded[0] == folded[1]) == same


def test_digits_may_be_folded() -> None:
    for digits, same in (("keep", False), ("zero", True), ("drop", True)):
        folded = sign(["第1期：2023年", "第8期：2024年"], Scheme(digits=digits)).folded.tolist()  # type: ignore[arg-type]
        assert (folded[0] == folded[1]) == same


def test_short_and_long_documents_share_no_key() -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 120)))
    as_long, as_short = sign([text], Scheme(short_units=0)), sign([text], Scheme(short_units=200, short_shingle=5))
    assert not set(as_long.keys.tolist()) & set(as_short.keys.tolist())
    assert sign(["", "，。"], Scheme()).keys.size == 0


def test_a_batch_is_the_sum_of_its_texts() -> None:
    rng = np.random.default_rng(3)
    texts = ["".join(map(chr, rng.integers(0x4E00, 0x9000, n))) for n in (0, 1, 5, 99, 100, 101, 3000)]
    for scheme in (Scheme(), Scheme(chunk_units=500)):
        whole = sign(texts, scheme)
        for d, text in enumerate(texts):
            alone = sign([text], scheme)
            assert alone.signatures[0].tolist() == whole.signatures[d].tolist()
            assert alone.keys.tolist() == whole.keys[whole.key_ends[d] : whole.key_ends[d + 1]].tolist()
            assert alone.folded[0].tolist() == whole.folded[d].tolist()


@settings(deadline=None, max_examples=60)
@given(sizes=st.lists(st.integers(0, 90), min_size=1, max_size=4), seed=st.integers(0, 999))
def test_chunks_are_the_twin_s(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    shingles = rng.integers(0, 50, sum(sizes), dtype=np.uint32)
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    doc_of, out = np.empty(200, np.int64), np.zeros(201, np.int64)
    count = kernels.cut_chunks(shingles, ends, 10, doc_of, out)
    spans = enumerate(zip(ends[:-1], ends[1:], strict=True))
    expected = [(d, chunk) for d, (a, b) in spans for chunk in naive.cut_chunks(shingles[a:b].tolist(), 10)]
    assert [(int(doc_of[c]), shingles[out[c] : out[c + 1]].tolist()) for c in range(count)] == expected


def test_books_are_cut_at_the_same_places_whatever_stands_before() -> None:
    rng = np.random.default_rng(7)
    book = "".join(map(chr, rng.integers(0x4E00, 0x9000, 40_000)))
    preface = "".join(map(chr, rng.integers(0x4E00, 0x9000, 2_345)))
    signed = sign([book, preface + book], Scheme(chunk_units=5000))
    one, other = (set(signed.keys[a:b].tolist()) for a, b in zip(signed.key_ends[:-1], signed.key_ends[1:], strict=True))
    assert len(one & other) >= 0.7 * len(one)


def test_presets_and_optimal_bands() -> None:
    assert set(ABOUT) == set(PRESETS)
    assert PRESETS["slimpajama"]["bands"] * PRESETS["slimpajama"]["rows"] <= 128
    pytest.importorskip("datasketch", minversion="2.0")
    bands, rows = optimal_bands(0.7, 256)
    assert (bands, rows) == (25, 10)  # what data-juicer uses


def test_the_share_of_pairs_found_follows_the_curve() -> None:
    """1 - (1 - s^8)^14, on sets with a known similarity; 400 pairs each, so within three points and the error of the sample."""
    rng = np.random.default_rng(11)
    for s in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        common = int(round(2000 * s / (1 + s)))
        sets, ends = [], [0]
        for _ in range(400):
            values = rng.integers(0, 1 << 32, 2000, dtype=np.uint32)
            sets += [values[:1000], np.concatenate([values[:common], values[1000 : 2000 - common]])]
            ends += [ends[-1] + 1000, ends[-1] + 2000]
        shingles, signatures = np.concatenate(sets), np.empty((800, 112), np.uint32)
        kernels.sign_shingles(shingles, np.array(ends), *permutations(112), signatures)
        keys = np.empty((800, 14), np.uint64)
        kernels.band_keys(signatures, 14, 8, np.zeros(800, np.uint64), keys)
        found = (keys[0::2] == keys[1::2]).any(axis=1).mean()
        expected = 1 - (1 - s**8) ** 14
        assert abs(found - expected) < 0.03 + 2 * (expected * (1 - expected) / 400) ** 0.5, s


def test_shingles_of_many_repetitions() -> None:
    units, ends = count_units(["哈" * 1000], Scheme())
    assert len(set(shingles_of(units, ends, Scheme())[0].tolist())) == 1
