"""C1: at least 99 % of planted valid items are found, at most 1 % of near-valid ones are taken for anything."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from cleaning.config import PROJECT_ROOT
from cleaning.pii.masking import Masker
from cleaning.pii.policy import load_policy
from tests.pii.planted import KINDS, Kind, sentence, styled

PER_KIND = 300


@pytest.fixture(scope="module")
def tagger() -> Masker:
    return Masker(load_policy(PROJECT_ROOT / "rules" / "pii.yaml", "rules/pii.yaml"), "tag")


def _overlap(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _missed(kind: Kind, tagger: Masker, rng: random.Random) -> list[str]:
    cases = []
    for _ in range(PER_KIND):
        value = kind.valid(rng)
        text, start, style = sentence(kind, value, rng)
        cases.append((text, start, len(styled(value, style))))
    missed = []
    for (text, start, size), masked in zip(cases, tagger([c[0] for c in cases]), strict=True):
        covered = sum(max(0, min(s.end, start + size) - max(s.start, start)) for s in masked.spans if s.type != "url")
        # of an address only what leads to the door is masked
        if covered < (4 if kind.type == "address" else size):
            missed.append(text)
    return missed


def _taken(kind: Kind, tagger: Masker, rng: random.Random) -> list[str]:
    cases = []
    for _ in range(PER_KIND):
        value = kind.near(rng)
        text, start, style = sentence(kind, value, rng)
        cases.append((text, (start, start + len(styled(value, style)))))
    out = []
    for (text, place), masked in zip(cases, tagger([c[0] for c in cases]), strict=True):
        out += [f"{s.type}: {text}" for s in masked.spans if _overlap((s.start, s.end), place)][:1]
    return out


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.type)
def test_valid_items_are_found(kind: Kind, tagger: Masker) -> None:
    missed = _missed(kind, tagger, random.Random(f"valid {kind.type}"))
    assert len(missed) <= PER_KIND * 0.01, missed[:5]


def test_near_valid_items_are_left(tagger: Masker) -> None:
    taken = {kind.type: _taken(kind, tagger, random.Random(f"near {kind.type}")) for kind in KINDS}
    total = sum(map(len, taken.values()))
    assert total <= len(KINDS) * PER_KIND * 0.01, Counter({k: len(v) for k, v in taken.items()})
    assert all(len(v) <= PER_KIND * 0.03 for v in taken.values()), {k: v[:3] for k, v in taken.items() if len(v) > PER_KIND * 0.03}


NUMBERS = (
    "1693054036", "1693054036971", "ISBN 978-7-115-42802-8", "2019-2020", "2023-11-25 12:30:45", "3.14159265358979323846", "v8.8.8.8",
    "10.1016/j.cell.2019.01.001", "订单号20230813812345678", "1.2.3.4.5", "第13812345678号" [:3] + "公告", "GB/T 22239-2019", "12:30:45",
    "编号：13812345678", "1,234,567,890,123", "arXiv:1706.03762", "0x1F4A9C3D", "doi:10.1000/182", "1949年10月1日", "二〇二三年十一月二十五日",
)  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_other_numbers_are_nobodys(text: str, tagger: Masker) -> None:
    for frame in ("{}", "更新于{}。", "see {} for more", "| 1 | {} |"):
        assert tagger([frame.format(text)])[0].spans == []
