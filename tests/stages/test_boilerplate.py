"""Stage `boilerplate`: whole lines, heads and tails, citations; what it leaves alone, what it notes, and that neighbours do not matter."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cleaning.config import PROJECT_ROOT
from cleaning.doc import Doc, Drop
from cleaning.errors import BlacklistError, UserError
from cleaning.rules.line_lists import LineLists, PhraseList, read_entries
from cleaning.rules.measure import Measures
from cleaning.stages.boilerplate import LONGEST_SENTENCE, SHORTEST, WINDOW, Boilerplate, BoilerplateParams, BoilerplateStep
from tests.samples import CLEAN, make_doc, run_step, sample_docs
from tests.stages.laws import check_any_split
from tests.strategies import batches

Build = Callable[..., BoilerplateStep]
LINES = "首页\n上一篇\n返回首页\n阅读 <n>\n第 <n> 页 共 <n> 页\n来源：…\nsubscribe to…\n©\nshare\n"
PHRASES = "转载请注明\n关注我们的公众号\nclick here\n^责任编辑\n^编者按\n"
BODY = "".join(f"这是正文的第{n}句话，讲的是一件平常的事情，没有什么特别。" for n in "一二三四五六七八九十") * 3


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A step with lists of whole lines and of phrases, or without them (empty texts)."""

    def make(lines: str = LINES, phrases: str = PHRASES, **params: object) -> BoilerplateStep:
        for name, content in (("lines.txt", lines), ("phrases.txt", phrases)):
            (tmp_path / name).write_text(content, encoding="utf-8")
        params = {"lists": ("lines.txt",) if lines else (), "head_tail": ("phrases.txt",) if phrases else (), **params}
        return BoilerplateStep(BoilerplateParams(**params), lambda name: tmp_path / name)  # type: ignore[arg-type]

    return make


def cleaned(step: BoilerplateStep, text: str) -> str:
    """The text of one document behind the step."""
    doc = make_doc(text)
    run_step(step, [doc])
    return doc.text


# -- lines --------------------------------------------------------------------------------------------------------------------

WHOLE = [
    ("a menu", "首页\n正文。\n上一篇\n", "正文。"),
    ("parts of lines stay", "首页新闻\n看首页。\n他回到首页", "首页新闻\n看首页。\n他回到首页"),
    ("marks and blanks around", "正文。\n 【 上 一 篇 】>> \n完。", "正文。\n完。"),
    ("traditional forms", "正文。\n返回首頁\n閱讀 3萬\n完。", "正文。\n完。"),
    ("full width", "正文。\nＳＨＡＲＥ\n完。", "正文。\n完。"),
    ("numbers", "正文。\n阅读 1,234\n阅读3.5万\n阅读：9\n阅读\n第 2 页 共 10 页", "正文。\n阅读：9\n阅读"),
    ("beginnings", "正文。\n来源：新华网 记者 王明\n消息来源：不明", "正文。\n消息来源：不明"),
    ("beginnings end with a word", "Text.\nSubscribe to our newsletter\nsubscribe today", "Text.\nsubscribe today"),
    ("a long line is text", "来源：" + "长" * 90, "来源：" + "长" * 90),
    ("a sign alone", "正文。\n©\n", "正文。"),
    ("code", "正文。\n```\n首页\n```\n完。\n首页", "正文。\n```\n首页\n```\n完。"),
    ("blank lines close up", "一。\n\n首页\n\n二。", "一。\n\n二。"),
    ("nothing is left", "首页\n上一篇\n", ""),
    ("nothing to do", "一。\n\n\n\n二。\n", "一。\n\n\n\n二。\n"),
]


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_lines(build: Build, text: str, expected: str) -> None:
    assert cleaned(build(), text) == expected


def test_fenced_code_is_left_as_it_is(build: Build) -> None:
    code = "```python\nimport os\n\n\ndef f():\n    pass\n```"
    assert cleaned(build(), f"首页\n{code}\n完。") == f"{code}\n完。"


def test_a_beginning_in_code_stays(build: Build) -> None:
    text = "~~~\n来源：代码\n~~~\n正文。"
    assert cleaned(build(), text) == text


def test_what_goes_is_counted_by_list_and_entry(build: Build) -> None:
    docs = [make_doc("首页\n正文。\n首页\n阅读 12"), make_doc("正文。"), make_doc("来源：网络\n首页")]
    stats = run_step(build(), docs).stats
    assert [doc.notes.get("boilerplate") for doc in docs] == [{"lines": 3, "share": 0.8}, None, {"lines": 2, "share": 1.0}]
    assert stats.counters["boilerplate"] == {
        "lines/lines.txt": 5,
        "entry/lines.txt\t首页": 3,
        "entry/lines.txt\t阅读 <n>": 1,
        "entry/lines.txt\t来源：…": 1,
        "lines_removed": 5,
        "changed": 2,
        "chars_removed": 12 + 8,
    }


# -- head and tail ------------------------------------------------------------------------------------------------------------

LISTED, TAIL = "本文版权归作者所有，转载请注明出处。", "喜欢请关注我们的公众号！"


def ends(build: Build, head: str, tail: str, **params: object) -> tuple[str, str]:
    """What is left before and behind the body."""
    text = cleaned(build(lines="", **params), head + BODY + tail)
    assert BODY in text
    before, _, behind = text.partition(BODY)
    return before, behind


def test_head_and_tail(build: Build) -> None:
    assert ends(build, LISTED, TAIL) == ("", "")
    assert ends(build, LISTED + "\n\n", "\n" + TAIL + "\n") == ("", "")
    assert ends(build, "", "") == ("", "")
    assert ends(build, "", "Please click here. Thanks to all.") == ("", "")


def test_only_whole_sentences_go(build: Build) -> None:
    assert ends(build, "开头一句。" + LISTED, TAIL + "再见。") == ("", "")  # what is outside of a listed sentence goes with it


def test_the_middle_is_never_looked_at(build: Build) -> None:
    text = BODY + LISTED + BODY
    assert cleaned(build(lines=""), text) == text


def test_traditional_forms_and_widths_of_phrases(build: Build) -> None:
    assert ends(build, "轉載請註明出處。".replace("註", "注"), "ＣＬＩＣＫ　Here！") == ("", "")


def test_words_of_phrases_are_whole(build: Build) -> None:
    assert ends(build, "", "Then click hereafter.") == ("", "Then click hereafter.")


def test_patience(build: Build) -> None:
    clean = ["今天下雨。", "明天天晴。", "后天多云。", "然后刮风。"]
    for between in range(5):
        head = LISTED + "".join(clean[:between]) + LISTED
        left = "" if between < 3 else "".join(clean[:between]) + LISTED
        assert ends(build, head, "") == (left, ""), between
        tail = TAIL + "".join(clean[:between]) + TAIL
        assert ends(build, "", tail) == ("", "" if between < 3 else TAIL + "".join(clean[:between]))
    assert ends(build, "今天下雨。" + LISTED, "", patience=1) == ("今天下雨。" + LISTED, "")
    assert ends(build, "".join(clean) + LISTED, "", patience=5) == ("", "")


def test_cap(build: Build) -> None:
    head = LISTED * 20
    before, _ = ends(build, head, "", cap=0.2)
    assert 0 < len(head) - len(before) <= 0.2 * len(head + BODY)
    assert before == LISTED * (len(before) // len(LISTED))
    assert ends(build, LISTED, TAIL, cap=0) == (LISTED, TAIL)


def test_never_more_than_a_window(build: Build) -> None:
    head = LISTED * 200
    text = cleaned(build(lines="", cap=0.5), head + BODY * 20)
    assert len(head + BODY * 20) - WINDOW <= len(text) < len(head + BODY * 20) - WINDOW + 2 * len(LISTED)


def test_short_texts_have_no_ends(build: Build) -> None:
    text = LISTED + "正文只有这么一句。"
    assert len(text) < SHORTEST
    assert cleaned(build(lines=""), text) == text


def test_a_long_sentence_is_text(build: Build) -> None:
    long = "这一句很长，" * 40 + "转载请注明。"
    assert len(long) > LONGEST_SENTENCE
    assert cleaned(build(lines=""), long + BODY * 3) == long + BODY * 3


def test_a_phrase_at_the_beginning_of_a_sentence(build: Build) -> None:
    assert ends(build, "编者按：本文转自网络。", "") == ("", "")
    assert ends(build, "“编者按：本文转自网络。", "") == ("", "")  # marks before it do not count
    assert ends(build, "本报编者按语如下。", "") == ("本报编者按语如下。", "")




def test_a_phrase_at_the_beginning_of_a_later_sentence(build: Build) -> None:
    assert ends(build, "今天下雨。编者按：本文转自网络。", "") == ("", "")


def test_a_phrase_at_the_beginning_of_a_sentence_of_the_tail(build: Build) -> None:
    assert ends(build, "", "责任编辑：王明") == ("", "")


def test_what_is_cut_is_noted_and_shown(build: Build) -> None:
    doc = make_doc(LISTED + "\n" + BODY + TAIL, {"id": "d"})
    stats = run_step(build(), [doc]).stats
    assert doc.notes["boilerplate"] == {"head": 19, "tail": 12, "share": round(31 / (31 + len(BODY)), 4)}
    assert stats.counters["boilerplate"] == {"head_cut": 1, "tail_cut": 1, "changed": 1, "chars_removed": 31}
    assert [payload for _, payload in stats.samples["boilerplate"]["head"]] == [{"id": "d", "text": LISTED}]
    assert [payload for _, payload in stats.samples["boilerplate"]["tail"]] == [{"id": "d", "text": TAIL}]


# -- citations, and all together ----------------------------------------------------------------------------------------------


def test_citations_have_a_switch(build: Build) -> None:
    assert cleaned(build(), "首都[1]是北京[2]。") == "首都是北京。"
    assert cleaned(build(citations=False), "首都[1]是北京[2]。") == "首都[1]是北京[2]。"
    doc = make_doc("首都[1]是北京[2]。")
    run_step(build(), [doc])
    assert doc.notes["boilerplate"] == {"citations": 6, "share": 0.5}


def test_share_is_a_metric(build: Build) -> None:
    docs = [make_doc("首页\n正文在这里。"), make_doc("正文。"), make_doc("")]
    run_step(build(), docs)
    matrix, _ = Measures(["boilerplate_char_ratio"]).compute(docs)
    assert matrix[:, 0].tolist() == pytest.approx([3 / 9, 0, 0], abs=1e-4)
    assert docs[0].notes["boilerplate"]["share"] == round(3 / 9, 4)


def test_notes_of_others_stay(build: Build) -> None:
    doc = make_doc("首页\n正文。", {"cleaning": {"normalized": ["html"], "boilerplate": {"share": 0.9}}})
    run_step(build(), [doc])
    assert doc.notes == {"normalized": ["html"], "boilerplate": {"lines": 1, "share": 0.5}}


def test_dropped_documents_are_left_alone(build: Build) -> None:
    gone, here = make_doc("首页\n正文。"), make_doc("首页\n正文。")
    gone.drop = Drop("before", "x")
    run_step(build(), [gone, here])
    assert (gone.text, here.text, gone.notes) == ("首页\n正文。", "正文。", {})


def test_the_original_stays(build: Build) -> None:
    doc = make_doc("首页\n正文。", {"text": "首页\n正文。"})
    run_step(build(), [doc])
    assert (doc.text, doc.original, doc.record) == ("正文。", "首页\n正文。", {"text": "首页\n正文。"})


def test_without_lists_only_citations_go(build: Build) -> None:
    assert cleaned(build("", ""), f"首页\n好[1]。{LISTED}") == f"首页\n好。{LISTED}"
    assert run_step(build("", ""), []).stats.to_json()["counters"] == {}
    assert run_step(build(), [make_doc(""), make_doc("\n")]).stats.to_json()["counters"] == {}


# -- laws ---------------------------------------------------------------------------------------------------------------------

SHIPPED = BoilerplateParams(
    lists=tuple(sorted(f"rules/boilerplate/{p.name}" for p in (PROJECT_ROOT / "rules" / "boilerplate").glob("*.txt"))),
    head_tail=tuple(sorted(f"rules/head_tail/{p.name}" for p in (PROJECT_ROOT / "rules" / "head_tail").glob("web_*.txt"))),
)
SENTENCES = [LISTED, TAIL, "今天下雨。", "Click here. ", "It is fine. ", "好\n", "编者按：无。", BODY[:150]]
PIECES = [*SENTENCES, "首页\n", "阅读 12\n", "来源：网\n", "正文。", "好", "\n", "\n\n", "[1]", "```\n", " ", "Share\n", "a[2]"]
paged = st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=5)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> BoilerplateStep:
    folder = tmp_path_factory.mktemp("lists")
    (folder / "lines.txt").write_text(LINES, encoding="utf-8")
    (folder / "phrases.txt").write_text(PHRASES, encoding="utf-8")
    return BoilerplateStep(BoilerplateParams(lists=("lines.txt",), head_tail=("phrases.txt",)), lambda name: folder / name)


@pytest.fixture(scope="module")
def lines_only(tmp_path_factory: pytest.TempPathFactory) -> BoilerplateStep:
    folder = tmp_path_factory.mktemp("lines")
    (folder / "lines.txt").write_text(LINES, encoding="utf-8")
    return BoilerplateStep(BoilerplateParams(lists=("lines.txt",), citations=False), lambda name: folder / name)


@pytest.fixture(scope="module")
def ends_only(tmp_path_factory: pytest.TempPathFactory) -> BoilerplateStep:
    folder = tmp_path_factory.mktemp("ends")
    (folder / "phrases.txt").write_text(PHRASES, encoding="utf-8")
    return BoilerplateStep(BoilerplateParams(head_tail=("phrases.txt",), citations=False), lambda name: folder / name)


@pytest.fixture(scope="module")
def shipped() -> BoilerplateStep:
    return BoilerplateStep(SHIPPED, lambda name: PROJECT_ROOT / name)


@given(texts=st.one_of(paged, batches), rng=st.randoms(use_true_random=False))
def test_neighbours_do_not_matter(listed: BoilerplateStep, texts: list[str], rng: random.Random) -> None:
    check_any_split(listed, lambda: [make_doc(text, offset=i) for i, text in enumerate(texts)], rng)


def test_neighbours_do_not_matter_on_samples(shipped: BoilerplateStep) -> None:
    check_any_split(shipped, lambda: [doc for name in CLEAN for doc in sample_docs(name)], random.Random(4))


def test_twice_is_once_on_samples(shipped: BoilerplateStep) -> None:
    docs = [doc for name in CLEAN for doc in sample_docs(name)]
    changed = run_step(shipped, docs).stats.get("boilerplate", "changed")
    once = [doc.text for doc in docs]
    again = [make_doc(text) for text in once]
    run_step(shipped, again)
    assert [doc.text for doc in again] == once
    assert 0 < changed < len(docs) / 2


@given(texts=paged)
def test_lines_twice_are_lines_once(lines_only: BoilerplateStep, texts: list[str]) -> None:
    for text in texts:
        once = cleaned(lines_only, text)
        assert cleaned(lines_only, once) == once


@given(pieces=st.lists(st.sampled_from(SENTENCES), max_size=12))
def test_what_is_left_of_sentences_is_whole_and_in_one_piece(ends_only: BoilerplateStep, pieces: list[str]) -> None:
    text = "".join(pieces)
    left = cleaned(ends_only, text)
    at = text.find(left)
    assert at >= 0
    assert at == 0 or text[:at].rstrip().endswith(("。", "！", ".", "好"))
    behind = text[at + len(left) :]
    assert not behind or left.endswith(("。", "！", ".", "好"))


@pytest.mark.xfail(strict=True, reason="accepted gap: the cap is a share of what is there: a second pass cuts again")
def test_ends_twice_are_ends_once(build: Build) -> None:
    once = cleaned(build(lines=""), LISTED * 20 + BODY)
    assert cleaned(build(lines=""), once) == once


# -- lists --------------------------------------------------------------------------------------------------------------------


def compiled(kind: type[LineLists] | type[PhraseList], tmp_path: Path, **contents: str | bytes) -> list[str]:
    """Faults of some lists."""
    files = []
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        files.append((tmp_path / name, f"rules/{name}"))
    with pytest.raises(BlacklistError) as caught:
        kind(files)
    return caught.value.faults


def test_faults_of_lines(tmp_path: Path) -> None:
    faults = compiled(LineLists, tmp_path, a="首页\n页\n【】\n" + "长" * 81 + "\n©\n1\n", b=b"ok\n\xff\n")
    assert faults == [
        "rules/b:2: not UTF-8 (byte 0xff at column 1)",
        "rules/a:2: '页' is 1 characters long; an entry has at least two",
        "rules/a:3: '【】' is 0 characters long; an entry has at least two",
        "rules/a:4: 81 characters; a line has at most 80",
        "rules/a:6: '1' is 1 characters long; an entry has at least two",
    ]


def test_faults_of_phrases(tmp_path: Path) -> None:
    faults = compiled(PhraseList, tmp_path, a="^转载请注明\n^转\n好\n", b=b"\xff\n")
    assert [fault.split(": ")[0] for fault in faults] == ["rules/b:1", "rules/a:2", "rules/a:3"]


def test_comments_and_byte_order_marks(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes("\ufeff# about\n\n  首页 \n#页\n上一篇\n".encode())
    entries, faults = read_entries([(tmp_path / "a", "a")])
    assert ([(e.text, e.line) for e in entries], faults) == ([("首页", 3), ("上一篇", 5)], [])


def test_empty_lists(build: Build) -> None:
    assert cleaned(build("# none\n", "# none\n"), "首页\n\0" + BODY) == "首页\n\0" + BODY


# -- the stage ----------------------------------------------------------------------------------------------------------------


def test_shipped_lists_compile_and_take_no_sentence(shipped: BoilerplateStep) -> None:
    assert len(SHIPPED.lists) > 5
    for text in (BODY, "\n".join(BODY.split("。")), "The weather was fine. We went to the park and sat under an old tree.\n" * 9):
        assert cleaned(shipped, text).strip("\n") == text.strip("\n")


def test_stage(tmp_path: Path) -> None:
    for name, content in (("l.txt", "首页\n"), ("p.txt", "转载请注明\n"), ("bad.txt", "页\n")):
        (tmp_path / name).write_text(content, encoding="utf-8")

    def stage(**params: object) -> Boilerplate:
        return Boilerplate(BoilerplateParams.model_validate(params), lambda name: tmp_path / name)

    good = stage(lists="l.txt", head_tail=["p.txt"])
    good.check()
    good.warm_up()
    assert good.files() == ["l.txt", "p.txt"]
    assert good.identity() == stage(lists=["else/x.txt"], head_tail=["y.txt"]).identity() != stage(lists="l.txt").identity()
    assert isinstance(good.step(), BoilerplateStep)
    with pytest.raises(UserError) as caught:
        stage(lists="bad.txt", head_tail="bad.txt").check()
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize("params", [{"patience": 0}, {"cap": 0.6}, {"cap": -1}, {"list": "x"}])
def test_parameters_are_checked(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BoilerplateParams.model_validate(params)


def test_a_document_keeps_its_type(build: Build) -> None:
    doc: Doc = make_doc("首页")
    run_step(build(), [doc])
    assert (doc.text, doc.drop) == ("", None)
