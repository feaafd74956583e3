"""The compiled scan and the tagger's kernels against their plain twins."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.pii.gates import GATES, candidates
from cleaning.pii.names import tagger
from cleaning.text.charclass import utf32
from tests import naive

ALPHABET = "019138aZxqQ@.:-/ ()（）+京粤微信❤vV一二〇Ａ１，\n\t路室号证元扣#·_wh𠀀"
PIECES = [
    *ALPHABET, "13812345678", "86", "http://", "https://a.b/1", "www.a", "GB82WEST12345698765432", "91110000802100433B", "1M8GDM9AXKP042788", "138-1234-5678", "0571",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def rows_of(values: list[str]) -> list[list[tuple[int, str]]]:
    rows, _ = candidates(utf32(values))
    return [[(int(at), GATES[gate]) for doc, at, gate in rows if doc == d] for d in range(len(values))]


@settings(max_examples=400, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4))
def test_find_candidates(values: list[str]) -> None:
    stated = {"url", "plate", "iban", "code17", "code18"}
    for text, rows in zip(values, rows_of(values), strict=True):
        expected = [row for row in naive.find_candidates(text) if row[1] in stated]
        assert sorted(row for row in rows if row[1] in stated and not _split_iban(text, row)) == sorted(expected)


def _split_iban(text: str, row: tuple[int, str]) -> bool:
    """A short group that a blank and more follow: stated by no pattern of the twin."""
    end = row[0]
    view = naive.narrow(text)
    while end < len(view) and view[end].isascii() and view[end].isalnum():
        end += 1
    return row[1] == "iban" and end - row[0] < 15


@settings(max_examples=400, deadline=None)
@given(texts)
def test_refine_numbers(text: str) -> None:
    text = text.replace("://", "").replace("www.", "").replace("〇", "").replace("x", "")
    found = [row for row in rows_of([text])[0] if row[1] == "mobile"]
    assert found == [row for row in naive.refine_numbers(text) if _short(text, row[0])]


def _short(text: str, at: int) -> bool:
    """The scan gives up on a run of letters and digits of more than 36, and looks no further than twenty digits."""
    view = naive.narrow(text)
    end = at
    while end < len(view) and view[end].isascii() and view[end].isalnum():
        end += 1
    return view[at:end].isdigit() and end - at <= 19


def test_rows_that_do_not_fit_are_counted_and_asked_for_again() -> None:
    text = "13812345678 " * 3000
    assert sum(gate == "mobile" for _, gate in rows_of([text])[0]) == 3000


def test_best_tags() -> None:
    rng = np.random.default_rng(3)
    for size in range(1, 7):
        weights = rng.integers(-9, 10, (40, 5)).astype(np.float32)
        moves = rng.integers(-9, 10, (5, 5)).astype(np.float32)
        features = rng.integers(0, 40, (size, 3)).astype(np.int32)
        tags = np.zeros(size, np.int8)
        tagger.best_tags(features, weights, moves, tags)
        assert naive.score_of(tags.tolist(), features, weights, moves) == naive.best_tags(features, weights, moves)


def test_name_features() -> None:
    rng = random.Random(4)
    seen: dict[tuple[object, ...], list[int]] = {}
    kinds = tagger.char_kinds()
    for _ in range(300):
        lengths = [rng.randint(1, 3) for _ in range(rng.randint(1, 4))]
        tags = [rng.randint(1, 3) for _ in lengths]
        text = "".join(rng.choice("王小明说") for _ in range(sum(lengths)))
        out = np.zeros((len(text), tagger.TEMPLATES), np.int32)
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        tagger.name_features(codes, np.array(lengths, np.int32), np.array(tags, np.uint64), kinds, out)
        for row, made in zip(out.tolist(), naive.name_features(text, lengths, tags, kinds), strict=True):
            assert seen.setdefault(made, row) == row
    assert len({tuple(row) for row in seen.values()}) == len(seen)
