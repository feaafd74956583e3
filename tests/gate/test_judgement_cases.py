"""What the presets make of short texts that were written for this: junk as it looks in the wild, and good texts of every genre.

The cases (tests/cases/judgement/) were written before anybody looked how the rules judge them, in three lots; the second and the third
after the rules had been changed for the lots before. Floors may only rise. What is missed is mostly prose of machines in whole
sentences: the business of models.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson
import pytest

from tests.gate.test_kinds import rejected

CASES = Path(__file__).resolve().parents[1] / "cases" / "judgement"
# kind of junk -> how many of how many are caught
CAUGHT: dict[str, dict[str, tuple[int, int]]] = {
    "zh": {"ads": (27, 28), "spam": (27, 28), "nav": (22, 24), "stuffing": (21, 22), "broken": (12, 23)},
    "en": {"ads": (19, 19), "spam": (17, 17), "nav": (16, 16), "stuffing": (10, 11), "broken": (15, 17)},
}
LOST = {"zh": (2, 122), "en": (1, 80)}  # good texts: how many of how many are rejected


def judged(name: str, lang: str) -> tuple[list[dict[str, str]], dict[int, str]]:
    """The cases of a file, and the rule for each that is rejected, by its number."""
    records = [orjson.loads(line) for line in (CASES / f"{name}.jsonl").read_bytes().splitlines()]
    return records, dict(rejected([record["text"] for record in records], f"{lang}_web"))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_junk_is_caught(lang: str) -> None:
    records, out = judged(f"{lang}_junk", lang)
    caught, total = Counter(records[i]["genre"] for i in out), Counter(record["genre"] for record in records)
    assert {kind: (at_least, of) for kind, (at_least, of) in CAUGHT[lang].items() if total[kind] != of} == {}, total
    low = {kind: caught[kind] for kind, (at_least, _) in CAUGHT[lang].items() if caught[kind] < at_least}
    assert not low, (low, [r["text"][:40] for i, r in enumerate(records) if r["genre"] in low and i not in out])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_good_texts_are_kept(lang: str) -> None:
    records, out = judged(f"{lang}_good", lang)
    assert len(records) == LOST[lang][1]
    assert len(out) <= LOST[lang][0], [(rule, records[i]["text"][:60]) for i, rule in out.items()]
