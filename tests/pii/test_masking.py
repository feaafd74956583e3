"""Laws of masking: idempotent, offsets that hold, nothing outside the spans changes, the batch does not matter."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.config import PROJECT_ROOT
from cleaning.doc import Batch, Doc
from cleaning.pii.masking import Masker
from cleaning.pii.names.finder import Names, make_finder
from cleaning.pii.policy import load_policy
from cleaning.stages.pii import Pii, PiiParams
from tests.pii.planted import KINDS, sentence
from tests.stages.laws import check_any_split

POLICY = load_policy(PROJECT_ROOT / "rules" / "pii.yaml", "rules/pii.yaml")
ACTIONS = ("placeholder", "pseudonym", "delete")
NAMES = make_finder(Names("near_pii", "own", ""), [])
MASKERS = {action: Masker(POLICY, action, names=NAMES) for action in (*ACTIONS, "tag")}
PIECES = [
    "13812345678", "138-1234-5678", "一三八一二三四五六七八", "11010519491231002X", "abc@qq.com", "@", "QQ", "：", "微信", "abc_12345", "8.8.8.8", " ", "\n",
    "姓名", "张伟明", "联系人：", "2001:4860:4860::8888", "，", "http://a.com/13812345678", "<手机号>", "<", ">", "卡号4111111111111111", "身份证", "1", "-", "X", "Ａ",
    "１３８", "𠀀", "海淀区南大街5号院3号楼2单元501室", "电话010-62512345", "00:1A:2B:3C:4D:5E", "key: ghp_16C7e42F292c6912E7710c838347Ae178B4a", "护照E12345678", "京A12345", "车牌",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def corpus(seed: int = 5, count: int = 150) -> list[str]:
    rng = random.Random(seed)
    return ["".join(sentence(kind, kind.valid(rng), rng)[0] for kind in rng.sample(KINDS, rng.randint(0, 4))) for _ in range(count)]


@pytest.mark.parametrize("action", ACTIONS)
def test_masking_twice_is_masking_once(action: str) -> None:
    once = [m.text for m in MASKERS[action](corpus())]
    again = MASKERS[action](once)
    assert [m.text for m in again] == once
    assert all(not m.spans for m in again)


@settings(max_examples=150, deadline=None)
@given(texts, st.sampled_from(ACTIONS))
def test_masking_twice_is_masking_once_for_anything(text: str, action: str) -> None:
    once = MASKERS[action]([text])[0].text
    assert MASKERS[action]([once])[0].text == once


@settings(max_examples=150, deadline=None)
@given(texts, st.sampled_from(ACTIONS))
def test_what_is_outside_the_spans_stays(text: str, action: str) -> None:
    masked = MASKERS[action]([text])[0]
    at, rest = 0, masked.text
    for span in masked.spans:
        assert at <= span.start < span.end <= len(text)
        kept = text[at : span.start]
        assert kept in rest
        rest = rest[rest.index(kept) + len(kept) :]
        at = span.end
    assert rest.endswith(text[at:])
    outside = "".join(
        text[a:b] for a, b in zip([0, *(s.end for s in masked.spans)], [*(s.start for s in masked.spans), len(text)], strict=True)
    )
    if action == "delete":
        assert masked.text == outside


def test_placeholders_stand_where_the_values_stood() -> None:
    text = "𠀀收件人：王小明，电话１３８１２３４５６７８，邮箱abc@qq.com"
    masked = MASKERS["placeholder"]([text])[0]
    assert masked.text == "𠀀收件人：<姓名>，电话<手机号>，邮箱<邮箱>"
    assert [text[s.start : s.end] for s in masked.spans] == ["王小明", "１３８１２３４５６７８", "abc@qq.com"]


def test_a_tag_changes_nothing_and_shows_what_is_otherwise_kept() -> None:
    text = "详见https://a.com/x，代码91110000802100433B，电话13812345678"
    masked = MASKERS["tag"]([text])[0]
    assert masked.text == text
    assert [s.type for s in masked.spans] == ["url", "uscc", "mobile"]


def test_what_a_masking_uncovers_is_masked_too() -> None:
    text = "a@b.com13812345678"  # glued: the mobile is seen once the address is gone
    masked = MASKERS["delete"]([text])[0]
    assert MASKERS["delete"]([masked.text])[0].text == masked.text


def step(**params: object) -> object:
    return Pii(PiiParams(**params), lambda name: PROJECT_ROOT / name).step()


def docs(values: list[str]) -> list[Doc]:
    return [Doc({"id": str(i)}, text, b"", "in.jsonl", i) for i, text in enumerate(values)]


@pytest.mark.parametrize(
    "params", [{}, {"action": "pseudonym"}, {"action": "tag", "names": "all"}, {"action": "drop_doc", "max_items": 2}], ids=str
)
def test_the_batch_does_not_matter(params: dict[str, object]) -> None:
    check_any_split(step(**params), lambda: docs(corpus(7, 40)), random.Random(1))


def test_notes_are_type_start_and_length() -> None:
    batch = Batch(docs(["电话13812345678", "没有"]))
    step()(batch)
    assert batch.docs[0].notes == {"pii": [{"type": "mobile", "start": 2, "length": 11}]}
    assert batch.docs[1].notes == {}
    assert batch.stats.get("pii", "found/mobile") == 1


def test_a_directory_of_contacts_leaves() -> None:
    text = "\n".join(f"1381234567{i}" for i in range(6))
    batch = Batch(docs([text, "电话13812345678"]))
    step(action="drop_doc")(batch)
    assert batch.docs[0].drop is not None and batch.docs[0].drop.rule == "too_many_items"
    assert (batch.docs[1].drop, batch.docs[1].text) == (None, "电话<手机号>")


def test_a_failure_does_not_quote_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    made = step()
    monkeypatch.setattr(made._masker, "_find", lambda *_: int("13812345678x"))
    with pytest.raises(RuntimeError) as caught:
        made(Batch(docs(["13812345678x"])))
    assert "138" not in str(caught.value) and caught.value.__cause__ is None
