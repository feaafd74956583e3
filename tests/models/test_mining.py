"""Phrases of heads and tails: what is found, what is not, and the file that comes out."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest

from cleaning.errors import UserError
from cleaning.model_verbs import run_command
from cleaning.models.mining import Mining, _excess, list_of, mine, parts
from cleaning.rules.blacklist import compile_lists

from .classifier_toys import write

BODY = "清晨的集市上人们挑着新鲜蔬菜一边走一边谈论今年的收成和天气河边的老树又发了新芽孩子们在树下读书写字研究发现许多地方"
TAILS = ("扫描二维码关注我们", "更多优惠请加V信", "点击下方阅读原文", "Follow us on the new channel")


def pages(count: int = 120, seed: int = 0) -> list[str]:
    """Articles; half of them end in one of four solicitations. 集市上人们 stands everywhere."""
    rng = random.Random(seed)
    out = []
    for k in range(count):
        body = "。".join("集市上人们" + "".join(rng.choice(BODY) for _ in range(rng.randint(8, 20))) for _ in range(30))
        out.append(f"{body}。\n{rng.choice(TAILS)}{rng.randint(100, 999)}" if k % 2 else f"{body}。")
    return out


def found(texts: list[str], how: Mining = Mining(), **options: object) -> list[str]:
    return [phrase.text for phrase in mine(texts, (), how, **options)]  # type: ignore[arg-type]


def test_planted_phrases_come_first_and_whole() -> None:
    assert set(found(pages())[:4]) == {"扫描二维码关注我们", "更多优惠请加v信", "点击下方阅读原文", "follow us on the new channel"}


def test_what_stands_everywhere_is_no_candidate() -> None:
    assert not [text for text in found(pages()) if text in "集市上人们"]


def test_a_phrase_of_few_pages_is_no_candidate() -> None:
    assert found(pages(), Mining(pages=40)) == []


def test_known_phrases_need_no_proposal() -> None:
    texts = found(pages(), known=["二维码", "FOLLOW US"])
    assert "扫描二维码关注我们" not in texts
    assert "follow us on the new channel" not in texts
    assert "点击下方阅读原文" in texts


def test_numbers_of_a_phrase() -> None:
    best = {phrase.text: phrase for phrase in mine(pages(), (), Mining())}["点击下方阅读原文"]
    assert best.edges == sum("点击下方阅读原文" in page for page in pages())
    assert best.bodies == 0
    assert "点击下方阅读原文" in best.example


def test_a_reference_counts_as_body() -> None:
    ads = ["点击下方阅读原文" + str(k) + "今天天气真好" for k in range(30)]
    others = [f"今天天气真好{k}" for k in range(30)] * 3
    texts = [phrase.text for phrase in mine(ads, others, Mining(), has_reference=True)]
    assert texts == ["点击下方阅读原文"]


def test_excess_is_dunnings() -> None:
    def g2(k1: int, n1: int, k2: int, n2: int) -> float:
        p = (k1 + k2) / (n1 + n2)
        return 2 * sum(k * math.log(k / (n * p)) for k, n in ((k1, n1), (k2, n2)) if k)

    got = _excess(np.array([10, 1, 5]), np.array([0, 30, 5]), (1000, 1000))
    np.testing.assert_allclose(got**2, [g2(10, 1000, 0, 1000), g2(1, 1000, 30, 1000), 0], atol=1e-9)
    assert got[0] > 0 > got[1]


def test_parts_of_a_page() -> None:
    assert parts("字" * 3000, 200, short_is_edge=False) == (["字" * 200] * 2, "字" * 2600)
    assert parts("短文", 200, short_is_edge=True) == (["短文"], "")


def test_the_file_is_a_blacklist(tmp_path: Path) -> None:
    phrases = mine(pages(), (), Mining(most=4))
    path = tmp_path / "mined_zh.txt"
    path.write_text(list_of(phrases, "120 pages"), encoding="utf-8")
    assert [entry.text for entry in compile_lists([(path, path.name)]).entries] == [phrase.text for phrase in phrases]


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out, known = write(tmp_path / "in.jsonl", pages()), tmp_path / "out.txt", tmp_path / "known.txt"
    known.write_text("# a list\n阅读原文\n", encoding="utf-8")
    assert run_command(["mine-ads", "--input", str(source), "--output", str(out), "--known", str(known)]) == 0
    assert "120 pages" in capsys.readouterr().out
    text = out.read_text(encoding="utf-8")
    assert "\n扫描二维码关注我们\n" in text
    assert "\n点击下方阅读原文\n" not in text
    with pytest.raises(UserError, match="--window, --pages and --most"):
        run_command(["mine-ads", "--input", str(source), "--output", str(out), "--pages", "0"])
