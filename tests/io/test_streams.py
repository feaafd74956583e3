"""Lines, blocks, compressed streams and hashing files, against plain Python on the same bytes."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import xxhash
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.errors import ShardError
from cleaning.io.streams import (
    BLOCK,
    MAX_SPILL,
    HashingFile,
    Oversize,
    compression_of,
    digest_file,
    line_blocks,
    open_stream,
    read_blocks,
)

NO_LIMIT = 1 << 40
NEWLINES = {"utf-8": b"\n", "utf-16-le": b"\n\x00", "utf-16-be": b"\x00\n"}
# code points whose UTF-16 bytes hold 0x0A and 0x00 where a careless search would see a newline
TRAPS = "\u0a0a\u010a\u0a00\u0a41\u000a\u4e0a\u0a0d\u0100\ud83d\ude00汉字ab\r".encode("utf-16", "surrogatepass").decode("utf-16")
text_of_traps = st.text(st.sampled_from(TRAPS), max_size=60)
HALF_A_NEWLINE = "line_blocks: a UTF-16 newline that two blocks share is missed after an oversize line, and counted into the limit"
ZST_CUT = "open_stream: zstandard's stream_reader ends quietly at a truncated frame, so the lines after it are lost without a row"
Line = tuple[int, bytes, bool]  # offset, bytes, whether it came as an Oversize


def cut(data: bytes, points: list[int]) -> Iterator[bytes]:
    """`data` in blocks that end at `points`."""
    edges = [0, *sorted(p % (len(data) + 1) for p in points), len(data)]
    return (data[a:b] for a, b in zip(edges, edges[1:], strict=False) if b > a)


def collect(blocks: Iterator[bytes], max_line: int = NO_LIMIT, offset: int = 0, newline: bytes = b"\n") -> list[Line]:
    """What `line_blocks` yields, one entry a line."""
    out: list[Line] = []
    for item in line_blocks(blocks, max_line, offset, newline):
        if isinstance(item, Oversize):
            item.raw.seek(0)
            raw = item.raw.read()
            item.raw.close()
            assert len(raw) == item.length
            out.append((item.offset, raw, True))
            continue
        at, lines = item
        for line in lines:
            out.append((at, line, False))
            at += len(line) + len(newline)
    return out


def naive(data: bytes, max_line: int = NO_LIMIT, offset: int = 0, newline: bytes = b"\n") -> list[Line]:
    """The same by looking at one position after the other."""
    width, out, begin, i = len(newline), [], 0, 0
    while i + width <= len(data):
        if data[i : i + width] == newline:
            out.append((offset + begin, data[begin:i], i - begin > max_line))
            begin = i + width
        i += width
    if begin < len(data):
        out.append((offset + begin, data[begin:], len(data) - begin > max_line))
    return out


points = st.lists(st.integers(0, 4000), max_size=12)


@settings(deadline=None)
@given(data=st.lists(st.sampled_from([b"\n", b"\r\n", b"a", "汉".encode(), b"", b"xyz", b"\x00", b"\x0a\x0a"])).map(b"".join), at=points)
def test_lines_are_those_of_split(data: bytes, at: list[int]) -> None:
    found = collect(cut(data, at))
    expected = data.split(b"\n")
    assert [line for _, line, _ in found] == (expected if expected[-1] else expected[:-1])
    assert all(data[o : o + len(line)] == line and (o == 0 or data[o - 1 : o] == b"\n") for o, line, _ in found)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@settings(deadline=None, max_examples=300)
@given(text=text_of_traps, at=points, offset=st.integers(0, 5))
def test_utf16_lines_are_those_of_the_text(encoding: str, text: str, at: list[int], offset: int) -> None:
    data = text.encode(encoding)
    found = collect(cut(data, at), offset=offset, newline=NEWLINES[encoding])
    expected = text.split("\n")
    assert [line.decode(encoding) for _, line, _ in found] == (expected if expected[-1] else expected[:-1])
    assert [(o, line) for o, line, _ in found] == [(o, line) for o, line, _ in naive(data, offset=offset, newline=NEWLINES[encoding])]


@settings(deadline=None, max_examples=300)
@given(
    lines=st.lists(st.one_of(st.binary(max_size=12), st.integers(9, 200).map(lambda n: b"L" * n)), max_size=12),
    last_newline=st.booleans(),
    at=points,
    offset=st.integers(0, 1 << 40),
)
def test_oversize_lines_keep_their_neighbours(lines: list[bytes], last_newline: bool, at: list[int], offset: int) -> None:
    data = b"\n".join(lines) + b"\n" * last_newline
    assert collect(cut(data, at), 20, offset) == naive(data, 20, offset)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@settings(deadline=None, max_examples=300)
@given(lines=st.lists(st.one_of(text_of_traps, st.integers(9, 90).map(lambda n: "\u0a0a" * n)), max_size=9), at=points)
def test_oversize_utf16_lines_keep_their_neighbours(encoding: str, lines: list[str], at: list[int]) -> None:
    data = "\n".join(lines).encode(encoding)
    even = [point % (len(data) // 2 + 1) * 2 for point in at]  # blocks that do not cut a code unit
    assert collect(cut(data, even), 20, 0, NEWLINES[encoding]) == naive(data, 20, 0, NEWLINES[encoding])


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "length",
    [19, *(pytest.param(n) for n in (20, 21, 40))],
)
def test_oversize_utf16_whatever_the_blocks(encoding: str, length: int) -> None:
    text = "ab\n" + "长" * length + "\n下一行\n" + "\u0a0a" * length + "\nz"
    data, newline = text.encode(encoding), NEWLINES[encoding]
    expected = naive(data, 40, 0, newline)
    wrong = [size for size in range(1, len(data) + 1) if collect(cut(data, list(range(0, len(data), size))), 40, 0, newline) != expected]
    assert wrong == []


@pytest.mark.parametrize(
    "lengths",
    [[50, 3, 3], [3, 50, 3], [3, 3, 50], [50, 51, 52], [3, 50, 51, 3, 60, 3], [20, 21, 20], [50], [0, 50, 0, 0, 50, 0]],
    ids=["start", "middle", "last", "several", "mixed", "at the limit", "only", "between blanks"],
)
@pytest.mark.parametrize("last_newline", [True, False])
def test_oversize_places_with_every_block_size(lengths: list[int], last_newline: bool) -> None:
    data = b"\n".join(bytes([65 + i]) * n for i, n in enumerate(lengths)) + b"\n" * last_newline
    expected = naive(data, 20)
    assert sum(over for *_, over in expected) == sum(n > 20 for n in lengths)
    for size in range(1, len(data) + 2):
        assert collect(cut(data, list(range(0, len(data), size))), 20) == expected, size


def test_crlf_stays_in_the_line_and_offsets_count_it() -> None:
    assert collect(iter([b"a\r", b"\nbb\r\n", b"\r\nc"])) == [(0, b"a\r", False), (3, b"bb\r", False), (7, b"\r", False), (9, b"c", False)]


def test_empty_input_has_no_lines() -> None:
    assert collect(iter([])) == []
    assert collect(iter([b"\n\n"])) == [(0, b"", False), (1, b"", False)]


def test_spilled_bytes_are_bounded(tmp_path: Path) -> None:
    """The length goes on being counted when the spill file is full."""
    block = b"x" * (64 << 20)
    (line,) = list(line_blocks(iter([block] * 5 + [b"\n"]), 1 << 20, spill=tmp_path))
    assert isinstance(line, Oversize)
    assert line.length == 5 * len(block)
    assert line.raw.seek(0, io.SEEK_END) == MAX_SPILL
    line.raw.close()


# -- compressed streams -----------------------------------------------------------------------------------------------------------


def load(path: Path, name: str = "shard-7") -> bytes:
    with HashingFile(path) as raw, open_stream(raw, compression_of(path)) as stream:
        return b"".join(read_blocks(stream, name))


DATA = "\n".join(f'{{"id": {i}, "text": "第{i * 7919 % 1000}行 {hash((i, 1)) % 99991}"}}' for i in range(60_000)).encode()
assert len(DATA) > 2 * BLOCK


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jsonl.gz", "gz"),
        ("a.GZ", "gz"),
        ("a.gzip", "gz"),
        ("a.jsonl.zst", "zst"),
        ("a.zstd", "zst"),
        ("a.jsonl", "none"),
        ("gz", "none"),
    ],
)
def test_compression_by_ending(name: str, kind: str) -> None:
    assert compression_of(Path("d.gz") / name) == kind


def test_multi_member_gzip_is_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(DATA[:70_001]) + gzip.compress(b"") + gzip.compress(DATA[70_001:]) + b"\x00" * 512)
    assert load(path) == DATA


def test_multi_frame_zstd_is_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"12345"
    frames = [zstandard.compress(DATA[:70_001]), zstandard.compress(b""), skippable, zstandard.compress(DATA[70_001:])]
    path.write_bytes(b"".join(frames))
    assert load(path) == DATA


def test_zstd_without_a_content_size(tmp_path: Path) -> None:
    path = tmp_path / "a.zst"
    stream = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    path.write_bytes(stream.compress(DATA) + stream.flush())
    assert load(path) == DATA


def test_empty_files(tmp_path: Path) -> None:
    for name in ("a.gz", "a.zst", "a.jsonl"):
        (tmp_path / name).write_bytes(b"")
        assert load(tmp_path / name) == b""


@pytest.mark.parametrize("kind", ["gz", pytest.param("zst")])
@pytest.mark.parametrize("left", ["half", "all but one", "head"])
def test_a_truncated_stream_is_a_shard_error_that_says_where(tmp_path: Path, kind: str, left: str) -> None:
    whole = gzip.compress(DATA) if kind == "gz" else zstandard.ZstdCompressor(write_checksum=True).compress(DATA)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(whole[: {"half": len(whole) // 2, "all but one": len(whole) - 1, "head": 3}[left]])
    with pytest.raises(ShardError, match=r"^shard-7: the compressed stream is damaged after [\d,]+ decompressed bytes"):
        load(path)


@pytest.mark.parametrize("kind", ["gz", pytest.param("zst")])
def test_a_truncated_second_frame_is_a_shard_error(tmp_path: Path, kind: str) -> None:
    one = gzip.compress(DATA) if kind == "gz" else zstandard.compress(DATA)
    path = tmp_path / f"a.{kind}"
    path.write_bytes(one + one[: len(one) // 2])
    with pytest.raises(ShardError, match="shard-7: the compressed stream is damaged"):
        load(path)


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_flipped_bit_is_a_shard_error(tmp_path: Path, kind: str) -> None:
    whole = bytearray(gzip.compress(DATA) if kind == "gz" else zstandard.ZstdCompressor(write_checksum=True).compress(DATA))
    whole[len(whole) // 2] ^= 16
    path = tmp_path / f"a.{kind}"
    path.write_bytes(whole)
    with pytest.raises(ShardError, match="shard-7: the compressed stream is damaged"):
        load(path)


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_what_is_not_compressed_at_all_is_a_shard_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(b'{"text": "plain"}\n')
    with pytest.raises(ShardError, match="damaged after 0 decompressed bytes"):
        load(path)


# -- hashing files ----------------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(data=st.binary(min_size=1, max_size=300), ends=st.tuples(st.integers(0, 300), st.integers(0, 300)), chunk=st.integers(1, 50))
def test_ranges_and_digests(tmp_path_factory: pytest.TempPathFactory, data: bytes, ends: tuple[int, int], chunk: int) -> None:
    path = tmp_path_factory.getbasetemp() / "ranges"
    path.write_bytes(data)
    start, end = sorted(e % (len(data) + 1) for e in ends)
    with HashingFile(path, start, end) as raw:
        seen = b""
        while block := raw.read(chunk):
            seen += block
        assert seen == data[start:end]
        assert raw.bytes_read == end - start
        assert raw.hash.hexdigest() == xxhash.xxh3_128_hexdigest(data[start:end])
    assert digest_file(path, start, end) == xxhash.xxh3_128_hexdigest(data[start:end])
    assert digest_file(path) == xxhash.xxh3_128_hexdigest(data)


def test_drain_counts_what_a_decompressor_left(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    with HashingFile(path) as raw:
        raw.read(10)
        assert raw.drain() == xxhash.xxh3_128_hexdigest(DATA)
        assert raw.bytes_read == len(DATA)


@pytest.mark.parametrize("kind", ["gz", "zst", "none"])
def test_the_digest_is_of_the_file_not_of_the_text(tmp_path: Path, kind: str) -> None:
    data = {"gz": gzip.compress(DATA), "zst": zstandard.compress(DATA), "none": DATA}[kind]
    path = tmp_path / f"a.{kind}"
    path.write_bytes(data)
    with HashingFile(path) as raw, open_stream(raw, kind) as stream:
        assert b"".join(read_blocks(stream, "a")) == DATA
        assert raw.drain() == xxhash.xxh3_128_hexdigest(data)
        assert raw.bytes_read == len(data)
