"""N-gram overlap with benchmarks: kernels against their twins, what is found and what is not."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleaning.dedup import overlap
from cleaning.dedup.overlap import OverlapIndex, cut
from cleaning.dedup.signatures import Scheme, count_units
from tests import naive_overlap as naive
from tests.strategies import SINGLE

PIECES = [*SINGLE, "天地", "Word", "12", "\u200b", "𝐀b"]
MATHS = "甲乙两地相距三百二十公里，一辆汽车从甲地开往乙地，四小时到达，这辆汽车平均每小时行多少公里？\nA. 60\nB. 70\nC. 80\nD. 90"
GSM = "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips did she sell?"
FILLER = "今天的天气非常好，我们一起去公园散步，看见了许多盛开的花朵和嬉戏的孩子。"


@pytest.mark.parametrize("how", overlap.CUTS)
@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_cut_spans(how: str, text: str) -> None:
    units, expected = cut([text], how), naive.cut_spans(text, how)
    assert list(zip(units.starts.tolist(), units.stops.tolist())) == [(a, b) for _, a, b in expected]
    names = [name for name, _, _ in expected]
    same = {name: units.hashes[names.index(name)] for name in names}
    assert units.hashes.tolist() == [same[name] for name in names]
    assert len(set(same.values())) == len(same)


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_units_are_those_of_deduplication(text: str) -> None:
    assert cut([text], "mixed").hashes.tolist() == count_units([text], Scheme())[0].tolist()


def test_tables_of_grams() -> None:
    rng = random.Random(2)
    for size in (1, 3, 13):
        docs = ["".join(rng.choices("甲乙丙", k=rng.randint(0, 60))) for _ in range(20)]
        known = "".join(rng.choices("甲乙丙", k=60))
        grams = sorted(set(naive.hash_grams(known, size)))
        hashes = np.concatenate([overlap._grams(cut(["".join(gram)], "char").hashes, size) for gram in grams])
        assert len(set(hashes.tolist())) == len(grams)
        order = np.argsort(hashes)
        keys, numbers, sieve = np.zeros(256, np.uint64), np.zeros(256, np.uint32), np.zeros(16, np.uint64)
        overlap.fill_table(hashes[order], keys, numbers, sieve)
        units = cut(docs, "char")
        at, number = np.empty(units.hashes.size, np.int64), np.empty(units.hashes.size, np.uint32)
        n = overlap.look_up(units.hashes, units.ends, size, keys, numbers, sieve, at, number)
        found = [(a, int(order[k])) for a, k in zip(at[:n].tolist(), number[:n].tolist())]
        assert found == naive.look_up(docs, size, naive.fill_table(grams))


def index(*texts: str, **how: float) -> OverlapIndex:
    return OverlapIndex([(str(i), "b", text) for i, text in enumerate(texts)], **how)  # type: ignore[arg-type]


def ids(of: OverlapIndex, text: str) -> set[str]:
    return {match.item.id for match in of.find([text]).get(0, [])}


@pytest.mark.parametrize(
    "leak",
    [
        MATHS, MATHS.replace("\n", " "), MATHS.split("\n")[0], " ".join(MATHS), MATHS.replace("，", ",").replace("6", "６"),
        GSM, GSM.upper(), GSM.replace(" ", "\n"), GSM.replace(",", " ，"),
    ],
)  # fmt: skip
def test_a_leak_is_found_where_it_stands(leak: str) -> None:
    of = index(MATHS, GSM)
    matches = of.find(["没有", FILLER + leak + FILLER])
    assert list(matches) == [1]
    best = matches[1][0]
    assert best.item.id == ("1" if "clips" in leak.lower() else "0")
    assert best.share == 1
    letters = [c for c in leak if c.isalnum()]
    assert best.start == len(FILLER) + leak.index(letters[0])
    assert best.end <= len(FILLER) + len(leak)


def test_a_part_counts_by_its_share() -> None:
    half = GSM[: len(GSM) * 4 // 5]
    assert ids(index(GSM), FILLER + half) == {"0"}
    assert ids(index(GSM, share=0.9), FILLER + half) == set()
    assert ids(index(GSM), GSM[:40]) == set()


def test_grams_far_apart_are_no_item() -> None:
    words = GSM.split()
    apart = (" x" * 200).join(" ".join(words[i : i + 14]) for i in range(len(words) - 13))
    assert ids(index(GSM), apart) == set()


def test_short_items() -> None:
    short = "农业税的计税标准按何计"  # fewer units than a gram
    assert ids(index(short), FILLER + short) == {"0"}
    assert ids(index(short), FILLER) == set()
    assert index("太短了").too_short == ["0"]
    assert index("太短了").items == []


def test_a_question_that_many_items_ask_is_none() -> None:
    asked = "下列说法正确的是"
    of = index(*(f"{asked}\nA. 甲是{c}\nB. 乙不是{c}\nC. 丙也许是{c}\nD. 以上都不对" for c in "东西南北"))
    assert ids(of, f"{FILLER}请问，{asked}：") == set()
    assert ids(of, f"{FILLER}{asked} A. 甲是东 B. 乙不是东 C. 丙也许是东 D. 以上都不对") >= {"0"}
    one = index("关于下列各项说法中正确的是\nA. 一\nB. 二\nC. 三\nD. 四")
    assert [item.part for item in one.items] == ["whole"]


def test_every_planted_question_of_the_labelled_set_is_found(shared_data: Path) -> None:
    import gzip
    import json

    import zstandard

    folder = shared_data / "labels" / "decontam"
    with gzip.open(folder / "benchmark_questions-00.jsonl.gz", "rt", encoding="utf-8") as lines:
        items = [json.loads(line) for line in lines]
    of = OverlapIndex([(item["id"], item["bench"], item["text"]) for item in items])
    with zstandard.open(folder / "docs_with_inserted_questions-00.jsonl.zst", "rt", encoding="utf-8") as lines:
        docs = [json.loads(line) for line in lines]
    found = of.find([doc["text"] for doc in docs])
    planted = [i for i, doc in enumerate(docs) if doc["label"]]
    assert len(planted) == 400
    assert [docs[i]["id"] for i in planted if docs[i]["question"] not in {m.item.id for m in found.get(i, [])}] == []
    assert [docs[i]["id"] for i in found if not docs[i]["label"]] == []
