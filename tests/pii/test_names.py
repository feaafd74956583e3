"""Names: the policies on small texts, and floors on labelled ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from cleaning.config import PROJECT_ROOT
from cleaning.pii.masking import Masker
from cleaning.pii.names.adapters import _of_tokens, _of_words
from cleaning.pii.names.finder import Names, make_finder
from cleaning.pii.names.genre import subject_of
from cleaning.pii.names.own import OwnNames, pieces
from cleaning.pii.policy import load_policy

POLICY = load_policy(PROJECT_ROOT / "rules" / "pii.yaml", "rules/pii.yaml")


def masked(text: str, policy: str, allow: tuple[Path, ...] = ()) -> str:
    return Masker(POLICY, "placeholder", names=make_finder(Names(policy, "own", ""), allow))([text])[0].text


@pytest.mark.parametrize(
    ("text", "near", "labels"),
    [
        ("请联系张伟明，电话13812345678。", "请联系<姓名>，电话<手机号>。", "请联系张伟明，电话<手机号>。"),
        ("姓名：李娜 性别：女", "姓名：<姓名> 性别：女", "姓名：<姓名> 性别：女"),
        ("| 联系人 | 王小明 |", "| 联系人 | <姓名> |", "| 联系人 | <姓名> |"),
        ("昨天张伟明说他不来了。", "昨天张伟明说他不来了。", "昨天张伟明说他不来了。"),
        ("李某电话13812345678", "李某电话<手机号>", "李某电话<手机号>"),
        ("请找张先生，13812345678", "请找张先生，<手机号>", "请找张先生，<手机号>"),
        ("联系人：张先生", "联系人：张先生", "联系人：张先生"),
        ("联系人：王经理", "联系人：王经理", "联系人：王经理"),
        ("Name: John A. Smith", "Name: <姓名>", "Name: <姓名>"),
        ("收件人：阿卜杜拉·买买提", "收件人：<姓名>", "收件人：<姓名>"),
        ("姓名：未知", "姓名：未知", "姓名：未知"),
        ("负责人：市场部", "负责人：市场部", "负责人：市场部"),
    ],
)
def test_policies(text: str, near: str, labels: str) -> None:
    assert masked(text, "near_pii") == near
    assert masked(text, "labels") == labels


def test_all_and_the_allow_list(tmp_path: Path) -> None:
    text = "记者从会议上了解到，王建国和李春梅昨天到达北京，受到刘志强的欢迎。"
    assert masked(text, "all").count("<姓名>") >= 2
    allow = tmp_path / "allow.txt"
    allow.write_text("王建国  # a public figure\n", encoding="utf-8")
    assert "王建国" in masked(text, "all", (allow,))


@pytest.mark.parametrize(
    ("text", "record", "source", "subject"),
    [
        ("新华社北京5月1日电（记者王小明）……", {}, "crawl", "news"), ("收件人：王小明", {}, "zh_wiki", "encyclopaedia"), ("内容", {"category": "小说"}, "x", "books"),
        ("第一条 甲\n第二条 乙\n第三条 丙", {}, "x", "law"), ("电话13812345678", {"source": "crawl"}, "crawl", ""), ("newsletter", {}, "newsletter", ""),
    ],
)  # fmt: skip
def test_subjects(text: str, record: dict[str, str], source: str, subject: str) -> None:
    assert subject_of(text, record, source) == subject


def test_pieces_cover_a_long_text() -> None:
    text = ("王建国说。" * 999 + "\n") * 3 + "无" * 5000
    assert "".join(piece for _, piece in pieces(text)) == text
    assert all(text[at : at + len(piece)] == piece for at, piece in pieces(text))


def test_tokens_and_words_of_other_engines_are_placed() -> None:
    assert _of_tokens("我 叫 李 娜", ["我", "叫", "李", "娜"], [(2, 4)]) == [(4, 7)]
    assert _of_words("李娜和李娜", ["李娜", "李娜"]) == [(0, 2), (3, 5)]


@pytest.mark.parametrize(
    ("name", "part", "precision", "recall"),
    [
        ("zh_msra_train_sample", slice(6000, None), 0.90, 0.65), ("zh_peoplesdaily_test", slice(0, 2300), 0.90, 0.65), ("zh_boson", slice(0, 1000), 0.82, 0.58),
    ],
)  # fmt: skip
def test_floors_on_labelled_text(name: str, part: slice, precision: float, recall: float, shared_data: Path) -> None:
    """Sentences that nothing was learnt from. Names that the policy leaves alone on purpose (李某, 张先生, handles) do not count."""
    with gzip.open(shared_data / "labels" / "ner" / f"{name}-00.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file][part]
    found = right = wanted = 0
    for row, spans in zip(rows, OwnNames().names([row["text"] for row in rows]), strict=True):
        gold = {(s, e) for s, e, t in row["entities"] if t in ("PER", "person_name") and _is_personal(row["text"][s:e])}
        found, right, wanted = found + len(spans), right + len(gold & set(spans)), wanted + len(gold)
    assert right / found >= precision
    assert right / wanted >= recall


def _is_personal(name: str) -> bool:
    return len(name) > 1 and not any(mark in name for mark in "某@{") and not name.endswith(("先生", "女士", "小姐"))
