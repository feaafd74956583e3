"""Every schema that `auto` recognises, configured paths, wrong types, and what of a record is put out."""

from __future__ import annotations

from typing import Any

import pytest

from cleaning.config import FieldsConfig
from cleaning.io.records import SCHEMAS, BadRecordError, TextFields

AUTO = TextFields("auto")

# schema -> (a record as the corpus has it, its text, the fields that the text replaces)
REALISTIC: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "mnbvc": (
        {
            "文件名": "a.txt",
            "是否待查文件": False,
            "段落数": 2,
            "段落": [
                {"行号": 0, "是否重复": False, "md5": "x", "内容": "第一段。"},
                {"行号": 1, "是否重复": True, "md5": "y", "内容": "第二段。"},
            ],
        },
        "第一段。\n第二段。",
        ("段落",),
    ),
    "mnbvc_qa": (
        {"id": 1, "问": "天为什么蓝？", "答": "因为散射。", "来源": "wiki", "元数据": {"k": 1}},
        "天为什么蓝？\n因为散射。",
        ("问", "答"),
    ),
    "wudao": (
        {"id": 0, "uniqueKey": "k", "titleUkey": "t", "dataType": "法律", "title": "总则", "content": "第一条　为了保护民事主体。"},
        "总则\n第一条　为了保护民事主体。",
        ("content",),
    ),
    "content": ({"url": "http://a", "content": "只有正文"}, "只有正文", ("content",)),
    "sft_pair": ({"id": "27166", "data": ["问题？", "答案。"]}, "问题？\n答案。", ("data",)),
    "alpaca": (
        {"instruction": "翻译下面的句子。", "input": "你好", "output": "Hello"},
        "翻译下面的句子。\n你好\nHello",
        ("instruction", "input", "output"),
    ),
    "firefly": ({"kind": "对联", "input": "上联：春风", "target": "下联：秋雨"}, "上联：春风\n下联：秋雨", ("input", "target")),
    "messages": (
        {"messages": [{"role": "user", "content": "在吗"}, {"role": "assistant", "content": "在的"}]},
        "在吗\n在的",
        ("messages",),
    ),
    "sharegpt": (
        {"id": "s", "conversations": [{"from": "human", "value": "讲个笑话"}, {"from": "gpt", "value": "好的"}]},
        "讲个笑话\n好的",
        ("conversations",),
    ),
    "sharegpt_singular": (
        {"conversation": [{"from": "human", "value": "甲"}, {"from": "gpt", "value": "乙"}]},
        "甲\n乙",
        ("conversation",),
    ),
    "question_answer": ({"question": "几岁？", "answer": "三岁。", "topic": "儿童"}, "几岁？\n三岁。", ("question", "answer")),
    "medical_qa": (
        {"department": "心血管科", "title": "高血压能吃党参吗？", "ask": "我有高血压", "answer": "可以吃。"},
        "高血压能吃党参吗？\n我有高血压\n可以吃。",
        ("ask", "answer"),
    ),
    "prompt_response": ({"prompt": "写诗", "response": "床前明月光"}, "写诗\n床前明月光", ("prompt", "response")),
    "prompt_completion": ({"prompt": "写诗", "completion": "疑是地上霜"}, "写诗\n疑是地上霜", ("prompt", "completion")),
    "baike_qa": (
        {"qid": "q1", "category": "教育", "title": "怎么学好英语", "desc": "基础差", "answer": "背单词"},
        "怎么学好英语\n基础差\n背单词",
        ("desc", "answer"),
    ),
    "parallel": ({"src": "学而时习之", "tgt": "学了常温习", "book": "论语"}, "学而时习之\n学了常温习", ("src", "tgt")),
    "translation": ({"chinese": "早上好", "english": "Good morning"}, "早上好\nGood morning", ("chinese", "english")),
    "poem": (
        {"title": "静夜思", "author": "李白", "paragraphs": ["床前明月光，", "疑是地上霜。"], "volume": "卷一"},
        "静夜思\n李白\n床前明月光，\n疑是地上霜。",
        ("paragraphs",),
    ),
    "raw_content": ({"url": "http://a", "raw_content": "CCNet 的正文", "nlines": 1}, "CCNet 的正文", ("raw_content",)),
    "body": ({"title": "标题", "body": "正文在此"}, "标题\n正文在此", ("body",)),
    "article": ({"article": "一篇文章", "date": "2020-01-01"}, "一篇文章", ("article",)),
    "zhengwen": ({"标题": "通知", "正文": "各单位：", "时间": "今天"}, "通知\n各单位：", ("正文",)),
    "zhengwen_content": ({"标题": "公告", "内容": "现公布如下"}, "公告\n现公布如下", ("内容",)),
    "document": ({"document": "一份文档"}, "一份文档", ("document",)),
}


def test_every_schema_has_a_realistic_record() -> None:
    assert set(REALISTIC) == {schema.name for schema in SCHEMAS}
    assert len({schema.name for schema in SCHEMAS}) == len(SCHEMAS)


@pytest.mark.parametrize("name", REALISTIC)
def test_auto_recognises(name: str) -> None:
    record, text, replaces = REALISTIC[name]
    before = dict(record)
    assert AUTO.find(record) == (text, replaces)
    assert record == before


SHADOWED = "SCHEMAS: a schema before it requires no more and replaces the same, so this row is never reached"


@pytest.mark.parametrize(
    "name",
    [pytest.param(n) for n in REALISTIC],
)
def test_the_record_is_taken_by_the_schema_of_its_name(name: str) -> None:
    record = REALISTIC[name][0]
    first = next(s for s in SCHEMAS if all(record.get(field) is not None for field in s.required))
    assert first.name == name


@pytest.mark.parametrize("name", REALISTIC)
def test_output_keeps_the_other_fields_and_their_order(name: str) -> None:
    record, text, replaces = REALISTIC[name]
    out = AUTO.output_record(record, "新文", replaces)
    assert out["text"] == "新文"
    others = [key for key in record if key not in replaces]
    assert [key for key in out if key != "text"] == others
    assert all(out[key] is record[key] for key in others)
    first = next(i for i, key in enumerate(record) if key in replaces)
    assert list(out)[first] == "text"


def test_text_comes_before_every_schema() -> None:
    assert AUTO.find({"content": "内容", "text": "正文", "data": ["a"]}) == ("正文", ("text",))


def test_a_list_of_strings_in_text_is_joined() -> None:
    assert AUTO.find({"text": ["甲", "乙"]}) == ("甲\n乙", ("text",))


def test_an_empty_text_is_a_text() -> None:
    assert AUTO.find({"text": ""}) == ("", ("text",))
    assert AUTO.find({"data": []}) == ("", ("data",))


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        ({"text": 5}, "wrong_type", "'text' is a number; a string is expected"),
        ({"text": 5.5}, "wrong_type", "'text' is a number"),
        ({"text": True}, "wrong_type", "'text' is a boolean"),
        ({"text": {"a": "b"}}, "wrong_type", "'text' is an object"),
        ({"text": ["a", 1]}, "wrong_type", "'text' is a list"),
        ({"text": []}, "wrong_type", "'text' is a list"),
        ({"text": None}, "no_text", "'text' is null"),
        ({}, "no_text", "no field with text; found: nothing; set input.fields.text"),
        ({"id": 1, "txt": "a"}, "no_text", "no field with text; found: id, txt; set input.fields.text"),
        ({"content": None}, "no_text", "no field with text; found: content"),
        ({"data": "one string"}, "wrong_type", "'data' is a string; a list is expected"),
        ({"data": ["q", 7]}, "wrong_type", "'data[]' is a number; a string is expected"),
        ({"段落": [{"内容": 3}]}, "wrong_type", "'段落[].内容' is a number"),
        ({"messages": [{"content": ["parts"]}]}, "wrong_type", "'messages[].content' is a list"),
        ({"instruction": {}, "output": "x"}, "wrong_type", "'instruction' is an object"),
        ({str(i): i for i in range(20)}, "no_text", "found: 0, 1, 2, 3, 4, 5, 6, 7; set"),
    ],
)
def test_bad_records(record: dict[str, Any], reason: str, detail: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        AUTO.find(record)
    assert caught.value.reason == reason
    assert detail in caught.value.detail


def test_null_parts_are_left_out() -> None:
    assert AUTO.find({"instruction": "做", "input": None, "output": "好"})[0] == "做\n好"
    assert AUTO.find({"title": None, "content": "正文"})[0] == "正文"
    assert AUTO.find({"data": ["问", None]})[0] == "问"
    assert AUTO.find({"段落": [{"内容": "一"}, {"行号": 2}, {"内容": None}, {"内容": "二"}]})[0] == "一\n二"


FIRST_WINS = "TextFields.find: the first schema whose fields are *present* wins, though its docstring says the first whose fields hold text"


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"text": None, "content": "正文"}, "正文"),
        ({"data": "2020-01-01", "title": "题", "body": "正文"}, "题\n正文"),
        ({"content": {"rendered": 1}, "article": "正文"}, "正文"),
    ],
)
def test_a_schema_without_text_leaves_the_record_to_the_next(record: dict[str, Any], text: str) -> None:
    assert AUTO.find(record)[0] == text


def test_a_body_that_repeats_its_title_has_it_once() -> None:
    assert AUTO.find({"title": "总则", "content": "总则\n第一条"})[0] == "总则\n第一条"
    assert AUTO.find({"title": " 总则 ", "content": "\n总则\n第一条"})[0] == "\n总则\n第一条"
    assert AUTO.find({"title": "总则", "content": "第一条　总则"})[0] == "总则\n第一条　总则"
    assert AUTO.find({"question": "好", "answer": "好的"})[0] == "好\n好的"


# -- configured paths -------------------------------------------------------------------------------------------------------------


def configured(*paths: str, join: str = "\n", text_field: str = "text") -> TextFields:
    return TextFields(FieldsConfig(text=paths, join=join), text_field)


@pytest.mark.parametrize(
    ("paths", "record", "text", "replaces"),
    [
        (("段落[].内容",), {"段落": [{"内容": "甲"}, {"内容": "乙"}]}, "甲\n乙", ("段落",)),
        (("data[]",), {"data": ["甲", "乙"]}, "甲\n乙", ("data",)),
        (("title", "content"), {"title": "题", "content": "文"}, "题\n文", ("title", "content")),
        (("a.b",), {"a": {"b": "深", "c": 1}}, "深", ()),
        (("a.b.c",), {"a": {"b": {"c": "更深"}}}, "更深", ()),
        (("a.b[].c", "d"), {"a": {"b": [{"c": "甲"}, {"c": "乙"}]}, "d": "丙"}, "甲\n乙\n丙", ("d",)),
        (("a[].b[]",), {"a": [{"b": ["1", "2"]}, {}, {"b": ["3"]}]}, "1\n2\n3", ("a",)),
        (("正文",), {"正文": "文", "text": "别的"}, "文", ("正文",)),
        (("title", "content"), {"content": "文"}, "文", ("title", "content")),
    ],
)
def test_configured_paths(paths: tuple[str, ...], record: dict[str, Any], text: str, replaces: tuple[str, ...]) -> None:
    assert configured(*paths).find(record) == (text, replaces)


def test_a_path_into_an_object_leaves_the_object() -> None:
    fields = configured("meta.body")
    record = {"id": 1, "meta": {"body": "旧", "url": "u"}}
    text, replaces = fields.find(record)
    assert fields.output_record(record, text, replaces) == {"id": 1, "meta": {"body": "旧", "url": "u"}, "text": "旧"}


def test_configured_join() -> None:
    assert configured("q", "a", join="\n\n").find({"q": "问", "a": "答"})[0] == "问\n\n答"


@pytest.mark.parametrize(
    ("paths", "record", "reason"),
    [
        (("body",), {"text": "there is a text, but not where the user says"}, "no_text"),
        (("a.b",), {"x": 1}, "no_text"),
        (("a.b",), {"a": {"b": 5}}, "wrong_type"),
        (("data[]",), {"data": {"0": "x"}}, "wrong_type"),
        (("data[]",), {"data": [["x"]]}, "wrong_type"),
    ],
)
def test_configured_paths_that_miss(paths: tuple[str, ...], record: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        configured(*paths).find(record)
    assert caught.value.reason == reason


MISSING_PARTS = "records._read: a configured path whose root is there but holds no text gives an empty document instead of no_text"


@pytest.mark.parametrize(
    ("path", "record"), [("a.b", {"a": {"c": "x"}}), ("a.b", {"a": "plain"}), ("body", {"body": None}), ("d[].x", {"d": ["s"]})]
)
def test_configured_paths_that_hold_nothing_are_no_text(path: str, record: dict[str, Any]) -> None:
    with pytest.raises(BadRecordError) as caught:
        configured(path).find(record)
    assert caught.value.reason == "no_text"


@pytest.mark.parametrize(
    ("paths", "text_field", "direct"),
    [(("body",), "body", "body"), (("body",), "text", None), (("a.b",), "a.b", None), (("data[]",), "data", None), (("a", "b"), "a", None)],
)
def test_the_direct_field_is_where_the_text_is_and_stays(paths: tuple[str, ...], text_field: str, direct: str | None) -> None:
    assert configured(*paths, text_field=text_field).direct == direct


def test_auto_looks_into_text_first() -> None:
    assert AUTO.direct == "text"
    assert TextFields("auto", "content").direct is None


def test_output_drops_old_notes_and_uses_the_text_field() -> None:
    fields = configured("body", text_field="正文")
    record = {"id": 1, "cleaning": {"x": 1}, "body": "旧", "url": "u"}
    assert list(fields.output_record(record, "新", ("body",)).items()) == [("id", 1), ("正文", "新"), ("url", "u")]


def test_output_of_a_record_that_already_has_the_text_field_keeps_both() -> None:
    out = configured("body").output_record({"text": "别的", "body": "旧", "n": 1}, "新", ("body",))
    assert list(out.items()) == [("text_input", "别的"), ("text", "新"), ("n", 1)]


def test_output_appends_a_text_that_had_no_place() -> None:
    assert list(AUTO.output_record({"id": 1}, "新", ()).items()) == [("id", 1), ("text", "新")]
