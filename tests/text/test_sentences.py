"""The sentence splitter: cases, its plain twin, laws."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.text.sentences import split_batch, split_sentences
from tests.naive_sentences import find_sentences

CASES = [json.loads(line) for line in (Path(__file__).parents[1] / "cases" / "sentences.jsonl").read_text(encoding="utf-8").splitlines()]
PIECES = [
    *"。！？…；.．!?”’」）)]\"“「（[( \n\t，:/@-", "//", "https://", "Mr", "e.g", "J",
    "a", "Zed", "word", "3", "14", "０", "我", "好吗", "かな", "é", "𠀀",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["label"])
def test_case(case: dict) -> None:
    assert split_sentences(case["input"]) == case["expected"]


def kernel(text: str) -> list[tuple[int, int]]:
    found = split_batch([text])
    return list(zip(found.starts.tolist(), found.ends.tolist()))


@given(st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_kernel_and_twin_agree(text: str) -> None:
    assert kernel(text) == find_sentences(text)


def test_kernel_and_twin_agree_on_many() -> None:
    rng = random.Random(3)
    for _ in range(3000):
        text = "".join(rng.choices(PIECES, k=rng.randint(1, 30)))
        assert kernel(text) == find_sentences(text), repr(text)


def test_what_is_left_out_is_blank() -> None:
    rng = random.Random(5)
    texts = ["".join(rng.choices(PIECES, k=60)) for _ in range(200)]
    found = split_batch(texts)
    joined, at = "".join(texts), 0
    for a, b in zip(found.starts.tolist(), found.ends.tolist()):
        assert a >= at
        assert joined[at:a].strip() == ""
        assert joined[a:b].strip() == joined[a:b] != ""
        at = b
    assert joined[at:].strip() == ""
    assert [split_sentences(t) for t in texts] == [
        [joined[a:b] for a, b in zip(found.starts[i:j].tolist(), found.ends[i:j].tolist())] for i, j in zip(found.docs, found.docs[1:])
    ]


@pytest.mark.parametrize("piece", ["。", ".", "a.", "1.", "Mr. ", "//.", '".', "我.", "a?"])
def test_no_text_is_slow(piece: str) -> None:
    split_sentences("一。")
    began = time.process_time()
    split_sentences(piece * (500_000 // len(piece)))
    assert time.process_time() - began < 2
