"""Detection on real text, and the names of encodings."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

from cleaning.errors import ConfigError
from cleaning.io.encodings import KNOWN, SNIFF_BYTES, canonical_encoding, common_han, detect_encoding
from cleaning.io.streams import HashingFile, compression_of, open_stream
from tests.io.reading import read

NEWS = (
    "新华社北京电　中国科学院日前宣布，我国科研人员在高温超导材料研究中取得重要进展。据介绍，该团队历时五年，"
    "先后测试了三百余种配方，最终确定了稳定的合成路线。专家表示，这一成果有望在电力输送、医疗设备等领域得到应用。\n"
)
FORUM = "楼主你好！我上周去了趟成都，火锅真的太辣了，不过很过瘾，哈哈。推荐大家去宽窄巷子逛逛，人多但是气氛好～\n"
CLASSIC = "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦；及秦灭之后，楚、汉分争，又并入于汉。\n"
TRADITIONAL = (
    "臺北市政府昨日表示，捷運環狀線將於明年通車，屆時可望紓解內湖地區的交通壅塞問題。市長強調，施工期間造成民眾不便，"
    "深感抱歉，並呼籲大家多搭乘大眾運輸工具。學者認為，這項建設對區域發展相當重要。\n"
)
POEM = "曠哉潮汐池，大矣乾坤力。浩浩去無際，沄沄深不測。\n崩騰翕眾流，泱漭環中國。鱗介錯殊品，氛霞饒詭色。\n"
ENGLISH = "It was the best of times, it was the worst of times — it was the age of wisdom, “quoted”, naïve café.\n"
MIXED = "使用 Python 3.11 的 asyncio 模块时，请注意 event loop 的生命周期；see the docs for details。\n"
SIMPLIFIED = {"news": NEWS, "forum": FORUM, "classic": CLASSIC, "mixed": MIXED, "all": NEWS + FORUM + CLASSIC + MIXED}
TRADITIONALS = {"news": TRADITIONAL, "poem": POEM, "both": TRADITIONAL + POEM}


def _jsonl(text: str) -> str:
    return "".join(json.dumps({"id": i, "text": line}, ensure_ascii=False) + "\n" for i, line in enumerate(text.splitlines()))


@pytest.mark.parametrize("text", [NEWS, FORUM, TRADITIONAL, POEM, ENGLISH, MIXED, NEWS * 200])
@pytest.mark.parametrize("form", [str, _jsonl])
def test_utf8(text: str, form: type[str]) -> None:
    data = form(text).encode()
    assert detect_encoding(data, complete=True) == ("utf-8", 0)
    assert detect_encoding(codecs.BOM_UTF8 + data, complete=True) == ("utf-8", 3)


@pytest.mark.parametrize("cut", [-1, -2])
def test_utf8_cut_inside_a_character(cut: int) -> None:
    assert detect_encoding((NEWS + "汉").encode()[:cut], complete=False) == ("utf-8", 0)


@pytest.mark.parametrize("name", SIMPLIFIED)
@pytest.mark.parametrize("codec", ["gb18030", "gbk", "gb2312"])
@pytest.mark.parametrize("form", [str, _jsonl])
def test_simplified_in_the_gb_family(name: str, codec: str, form: type[str]) -> None:
    text = form(SIMPLIFIED[name]).replace("～", "~")
    data = text.encode(codec)
    found = detect_encoding(data, complete=True)
    assert found == ("gb18030", 0)
    assert data.decode(found[0]) == text


def test_gb18030_with_four_byte_characters() -> None:
    text = NEWS + "《康熙字典》收录了㐀、𠀀、𪚥等生僻字，还有表情😀和藏文ཀ。\n"
    data = text.encode("gb18030")
    assert any(0x30 <= b <= 0x39 and data[i - 1] >= 0x81 for i, b in enumerate(data) if i), "the text has four-byte characters"
    assert detect_encoding(data, complete=True) == ("gb18030", 0)
    assert data.decode("gb18030") == text


@pytest.mark.parametrize("name", TRADITIONALS)
def test_traditional_in_gb18030(name: str) -> None:
    assert detect_encoding(TRADITIONALS[name].encode("gb18030"), complete=True) == ("gb18030", 0)


@pytest.mark.parametrize("name", TRADITIONALS)
@pytest.mark.parametrize("codec", ["big5", "big5hkscs", "cp950"])
@pytest.mark.parametrize("form", [str, _jsonl])
def test_traditional_in_big5(name: str, codec: str, form: type[str]) -> None:
    text = form(TRADITIONALS[name])
    data = text.encode(codec)
    found = detect_encoding(data, complete=True)
    assert found == ("big5hkscs", 0)
    assert data.decode(found[0]) == text


@pytest.mark.parametrize("endian", ["le", "be"])
@pytest.mark.parametrize("text", [NEWS, TRADITIONAL, ENGLISH, MIXED])
def test_utf16_with_a_mark(endian: str, text: str) -> None:
    mark = codecs.BOM_UTF16_LE if endian == "le" else codecs.BOM_UTF16_BE
    assert detect_encoding(mark + text.encode(f"utf-16-{endian}"), complete=True) == (f"utf-16-{endian}", 2)


@pytest.mark.parametrize("endian", ["le", "be"])
@pytest.mark.parametrize("text", [ENGLISH, _jsonl(FORUM), MIXED, '{"a":1}', "ab"])
def test_utf16_without_a_mark(endian: str, text: str) -> None:
    assert detect_encoding(text.encode(f"utf-16-{endian}"), complete=True) == (f"utf-16-{endian}", 0)


UTF16_HAN = (
    "detect_encoding: UTF-16 without a mark is only recognised when a fifth of the code units is ASCII, though JSONL of long texts is not"
)


@pytest.mark.parametrize("endian", ["le", "be"])
@pytest.mark.parametrize("text", [_jsonl((NEWS + CLASSIC).replace("\n", "") * 5 + "\n"), NEWS * 3])
def test_utf16_han_without_a_mark(endian: str, text: str) -> None:
    assert detect_encoding(text.encode(f"utf-16-{endian}"), complete=True) == (f"utf-16-{endian}", 0)


def test_ascii_is_utf8() -> None:
    for data in (b"", b"a", b"{}", b'{"text": "plain"}\n' * 50, b"\x00", b"a\x00b", b'{"t":"\x00"}\n' * 9):
        assert detect_encoding(data, complete=True) == ("utf-8", 0), data


@pytest.mark.parametrize(
    ("text", "codec", "expected"),
    [
        ("汉字", "gb18030", "gb18030"),
        ("中国", "gbk", "gb18030"),
        ("你好，世界", "gb18030", "gb18030"),
        ("臺灣大學", "big5", "big5hkscs"),
        ("這是一個測試。", "big5", "big5hkscs"),
        ("字", "utf-8", "utf-8"),
        ("é", "utf-8", "utf-8"),
    ],
)
def test_short_inputs(text: str, codec: str, expected: str) -> None:
    assert detect_encoding(text.encode(codec), complete=True)[0] == expected


def test_damaged_utf8_stays_utf8() -> None:
    lines = _jsonl((NEWS + FORUM + CLASSIC) * 20).encode().split(b"\n")
    lines[3] = lines[3][:40] + b"\xff\xfe\x80" + lines[3][40:]
    lines[17] = CLASSIC.strip().encode("gb18030")
    lines[29] = b"\xc3\x28"
    assert detect_encoding(b"\n".join(lines), complete=True) == ("utf-8", 0)


def test_one_damaged_line_of_a_short_file_stays_utf8() -> None:
    data = NEWS.encode() + FORUM.encode() + CLASSIC.encode()[:-5] + b"\n" + TRADITIONAL.encode()
    assert detect_encoding(data, complete=True) == ("utf-8", 0)


@pytest.mark.parametrize("noise", [bytes(range(256)), b"\xff" * 100, b"\x80", b"\xfe\xfe\n" * 40])
def test_bytes_that_are_no_text_never_raise(noise: bytes) -> None:
    assert detect_encoding(noise, complete=True)[0] in KNOWN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("GBK", "gb18030"), ("gb2312", "gb18030"), ("cp936", "gb18030"), ("GB18030", "gb18030"), ("Big5", "big5hkscs"),
        ("big5hkscs", "big5hkscs"), ("cp950", "big5hkscs"), ("UTF8", "utf-8"), ("utf_8", "utf-8"), (" utf-8-sig ", "utf-8"),
        ("utf-16le", "utf-16-le"), ("UTF_16_BE", "utf-16-be"), ("auto", "auto"),
    ],
)  # fmt: skip
def test_canonical_names(given: str, expected: str) -> None:
    assert canonical_encoding(given) == expected
    assert canonical_encoding(expected) == expected
    assert expected == "auto" or codecs.lookup(expected)


@pytest.mark.parametrize(("typo", "meant"), [("gb18o30", "gb18030"), ("utf-88", "utf-8"), ("bigg5", "big5"), ("utf-16-lee", "utf-16-le")])
def test_a_typo_is_answered_with_the_name(typo: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"input\.encoding: unknown encoding '{typo}'; did you mean '{meant}'\?"):
        canonical_encoding(typo)


def test_an_unknown_name_lists_what_is_allowed() -> None:
    with pytest.raises(ConfigError, match="unknown encoding 'xyzzy'; allowed: auto, big5"):
        canonical_encoding("xyzzy")


def test_configured_utf16_lets_the_mark_decide(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(codecs.BOM_UTF16_BE + _jsonl(NEWS).encode("utf-16-be"))
    assert read(path, encoding="utf-16").texts == NEWS.splitlines()


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
def test_the_configured_encoding_beats_detection(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"text":"狗"}\n'.encode("gb18030"))
    assert read(path, encoding=encoding).texts == ["狗"]


def test_a_mark_is_skipped_when_the_configured_encoding_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(codecs.BOM_UTF8 + _jsonl(NEWS).encode())
    got = read(path, encoding="utf-8")
    assert got.texts == NEWS.splitlines() and got.docs[0].offset == 3


def test_common_characters_are_the_level_one_sets() -> None:
    assert sum("\u4e00" <= c <= "\u9fff" for c in common_han("gb18030")) == 3755
    assert sum("\u4e00" <= c <= "\u9fff" for c in common_han("big5hkscs")) == 5401


# -- real files -------------------------------------------------------------------------------------------------------------------

REAL = {
    "big5_poems.txt": ("big5hkscs", 0),
    "gb18030_medical.csv": ("gb18030", 0),
    "gb18030_medical-00.jsonl": ("gb18030", 0),
    "utf16le_bom_poems.jsonl": ("utf-16-le", 2),
    "utf8_bom_crlf_poems.jsonl": ("utf-8", 3),
    "broken_lines.jsonl": ("utf-8", 0),
    "plain_poems.json": ("utf-8", 0),
    "wudao_part-0001.json": ("utf-8", 0),
    "wudao_part-0002.json.gz": ("utf-8", 0),
    "sft_alpaca_zh_part-00.json.gz": ("utf-8", 0),
}


def _head(path: Path, limit: int = SNIFF_BYTES) -> bytes:
    with HashingFile(path) as raw, open_stream(raw, compression_of(path)) as stream:
        return stream.read(limit)


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("limit", [512, 4096, SNIFF_BYTES])
def test_real_files(shared_data: Path, name: str, limit: int) -> None:
    assert detect_encoding(_head(shared_data / "alt" / name, limit)) == REAL[name]


def test_real_gb18030_books(shared_data: Path) -> None:
    books = sorted((shared_data / "alt" / "gb18030_txt").glob("*.txt"))
    assert len(books) == 22
    assert {book.name: detect_encoding(book.read_bytes()[:SNIFF_BYTES])[0] for book in books} == {book.name: "gb18030" for book in books}


def test_real_text_in_every_encoding(shared_data: Path) -> None:
    """Every poem and every answer alone, as short as they are."""
    poems = [json.loads(line)["text"] for line in (shared_data / "alt" / "utf8_bom_crlf_poems.jsonl").read_text("utf-8-sig").splitlines()]
    wrong = {"big5": 0, "gb18030": 0, "utf-8": 0}
    tried = dict.fromkeys(wrong, 0)
    for poem in poems:
        for codec, name in (("big5", "big5hkscs"), ("gb18030", "gb18030"), ("utf-8", "utf-8")):
            try:
                data = poem.encode(codec)
            except UnicodeEncodeError:
                continue
            tried[codec] += 1
            wrong[codec] += detect_encoding(data, complete=True)[0] != name
    assert min(tried.values()) > 1000
    assert wrong == {"big5": 0, "gb18030": 0, "utf-8": 0}
