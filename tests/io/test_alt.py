"""Every file of the shared corpora's `alt/` through the real reader; what is expected is counted apart, with plain Python."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.io.reading import check_against_file, raw_of, read

Records = list[dict[str, Any]]


def content(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def jsonl(encoding: str) -> Callable[[Path], Records]:
    return lambda path: [json.loads(line) for line in content(path).decode(encoding).split("\n") if line.strip()]


def array(path: Path) -> Records:
    return list(json.loads(content(path)))


def table(path: Path) -> Records:
    return list(csv.DictReader(io.StringIO(content(path).decode("gb18030"), newline="")))


def join(*names: str) -> Callable[[dict[str, Any]], str]:
    return lambda record: "\n".join(record[name] for name in names if record[name])


def titled(title: str, *rest: str) -> Callable[[dict[str, Any]], str]:
    """A title above the body, unless the body begins with it."""

    def text(record: dict[str, Any]) -> str:
        parts = [record[name] for name in (title, *rest) if record[name]]
        repeated = len(parts) > 1 and parts[1].lstrip().startswith(parts[0].strip())
        return "\n".join(parts[1:] if repeated else parts)

    return text


# file -> (plain reader, text of a record, documents)
FILES: dict[str, tuple[Callable[[Path], Records], Callable[[dict[str, Any]], str], int | None]] = {
    "wudao_part-0001.json": (array, titled("title", "content"), 170),
    "wudao_part-0002.json.gz": (array, titled("title", "content"), 408),
    "sft_id_data_apat.jsonl": (jsonl("utf-8"), lambda r: "\n".join(r["data"]), None),
    "sft_id_data_harmless.jsonl": (jsonl("utf-8"), lambda r: "\n".join(r["data"]), None),
    "sft_id_data_medical-00.jsonl.gz": (jsonl("utf-8"), lambda r: "\n".join(r["data"]), 4644),
    "sft_alpaca_zh_part-00.json.gz": (array, join("instruction", "input", "output"), 10_021),
    "sft_instruction_medical.jsonl.gz": (jsonl("utf-8"), join("instruction", "input", "output"), None),
    "gb18030_medical.csv": (table, titled("title", "ask", "answer"), None),
    "gb18030_medical-00.jsonl": (jsonl("gb18030"), lambda r: r["text"], None),
    "utf16le_bom_poems.jsonl": (jsonl("utf-16"), lambda r: r["text"], 1388),
    "utf8_bom_crlf_poems.jsonl": (jsonl("utf-8-sig"), lambda r: r["text"], 1388),
    "parallel_classical_modern-00.jsonl.gz": (jsonl("utf-8"), join("src", "tgt"), None),
    "plain_poems.json": (array, lambda r: "\n".join([r["title"], r["author"], *r["paragraphs"]]), 88),
}


@pytest.fixture(scope="module")
def alt(shared_data: Path) -> Path:
    return shared_data / "alt"


def test_every_file_is_tried(alt: Path) -> None:
    apart = {"broken_lines.jsonl", "big5_poems.txt", "gb18030_txt"}
    assert {path.name for path in alt.iterdir()} == set(FILES) | apart


@pytest.mark.parametrize("name", FILES)
def test_every_record_comes_out_with_its_text(alt: Path, name: str) -> None:
    load, text, count = FILES[name]
    records = load(alt / name)
    assert count in (None, len(records))
    assert len(records) > 80
    got = read(alt / name)
    assert got.bad == []
    assert len(got.docs) == len(records)
    assert [doc.record for doc in got.docs] == records
    assert got.texts == [text(record) for record in records]
    assert len({doc.offset for doc in got.docs}) == len(got.docs)


PLACES = [name for name in FILES if name.startswith(("wudao", "sft", "utf8", "parallel", "plain"))]


@pytest.mark.parametrize("name", PLACES)
def test_offsets_point_at_the_records(alt: Path, name: str) -> None:
    whole = content(alt / name)
    for doc in read(alt / name).docs:
        end = whole.find(b"\n", doc.offset) if ".jsonl" in name else min(len(whole), doc.offset + 2 * len(doc.raw) + 4096)
        piece = whole[doc.offset : end if end >= 0 else None].decode(errors="ignore")
        assert json.JSONDecoder().raw_decode(piece)[0] == doc.record


@pytest.mark.parametrize("name", ["sft_id_data_apat.jsonl", "gb18030_medical-00.jsonl", "utf8_bom_crlf_poems.jsonl", "broken_lines.jsonl"])
def test_byte_ranges_change_nothing(alt: Path, name: str) -> None:
    whole, parts = read(alt / name, encoding="auto"), read(alt / name, shard_bytes=50_000)
    assert len(parts.shards) > 4
    assert [(d.offset, d.raw, d.text) for d in parts.docs] == [(d.offset, d.raw, d.text) for d in whole.docs]
    assert [(r["offset"], r["reason"], raw_of(r)) for r in parts.bad] == [(r["offset"], r["reason"], raw_of(r)) for r in whole.bad]
    assert parts.blank == whole.blank


def test_broken_lines(alt: Path) -> None:
    data = (alt / "broken_lines.jsonl").read_bytes()
    texts, bad, blank, renamed = [], [], 0, 0
    offset = 0
    for line in data.split(b"\n")[:-1] if data.endswith(b"\n") else data.split(b"\n"):
        if not line.strip():
            blank += 1
        else:
            try:
                record = json.loads(line)
                if "text" in record:
                    texts.append(record["text"])
                else:
                    renamed += 1
                    bad.append((offset, line))
            except ValueError:
                bad.append((offset, line))
        offset += len(line) + 1
    assert (len(texts) + len(bad), len(bad) - renamed) == (1176, 96)
    assert renamed > 10
    got = read(alt / "broken_lines.jsonl")
    assert got.texts == texts
    assert got.blank == blank
    assert [(row["offset"], raw_of(row)) for row in got.bad] == bad
    assert got.reasons.count("no_text") == renamed
    assert {"undecodable", "broken_json", "no_text"} == set(got.reasons)
    check_against_file(got, data)


def test_books_in_gb18030(alt: Path) -> None:
    books = sorted((alt / "gb18030_txt").glob("*.txt"))
    assert len(books) == 22
    got = read(alt / "gb18030_txt")
    assert got.bad == []
    assert {doc.id: doc.text for doc in got.docs} == {
        book.name: book.read_bytes().decode("gb18030", errors="replace").replace("\r\n", "\n").replace("\r", "\n") for book in books
    }


def test_the_same_poems_in_three_encodings(alt: Path) -> None:
    """The transcoded copies hold the same poems; Big5 has "?" where it lacks a character."""
    utf8, utf16 = read(alt / "utf8_bom_crlf_poems.jsonl"), read(alt / "utf16le_bom_poems.jsonl")
    assert utf8.texts == utf16.texts
    assert [doc.raw.strip() for doc in utf8.docs] == [doc.raw.strip() for doc in utf16.docs]
    (big5,) = read(alt / "big5_poems.txt").docs
    assert big5.text.count("\ufffd") == 0

    def mapped(text: str) -> str:
        return text.encode("big5", errors="replace").decode("big5")

    blocks = [block.split("\n", 1) for block in big5.text.strip().split("\n\n")]
    expected = [(mapped(doc.record["title"]), mapped(doc.text)) for doc in utf8.docs]
    shared = set(expected) & {(title, poem) for title, poem in (b for b in blocks if len(b) == 2)}
    assert len(blocks) > 500
    assert len(shared) >= 0.98 * min(len(blocks), len(set(expected)))


def test_the_broken_file_holds_the_poems_of_the_whole_one(alt: Path) -> None:
    whole = set(read(alt / "utf8_bom_crlf_poems.jsonl").texts)
    broken = read(alt / "broken_lines.jsonl").texts
    assert len(set(broken) & whole) > 0.9 * len(set(broken))


def test_the_table_and_the_lines_are_the_same_questions(alt: Path) -> None:
    table_docs, line_docs = read(alt / "gb18030_medical.csv").docs, read(alt / "gb18030_medical-00.jsonl").docs
    titles = {doc.record["title"] for doc in table_docs}
    assert sum(doc.record["title"] in titles for doc in line_docs) == len(line_docs)


def test_the_whole_directory_at_once(alt: Path) -> None:
    """The user's way: point at a directory of everything."""
    got = read(alt)
    expected = sum(len(load(alt / name)) for name, (load, _, _) in FILES.items()) + 22 + 1 + 1056
    assert len(got.docs) == expected
    assert {row["file"] for row in got.bad} == {"broken_lines.jsonl"}
    assert len({(doc.origin, doc.offset) for doc in got.docs}) == len(got.docs)
