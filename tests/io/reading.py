"""Read files through the real path, from `find_shards` to batches, and hold what came out against the bytes that went in."""

from __future__ import annotations

import base64
import gzip
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import zstandard

from cleaning.config import InputConfig
from cleaning.doc import Doc
from cleaning.io.reader import ReadCounts, ShardReader
from cleaning.io.records import TextFields
from cleaning.io.shards import Shard, find_shards


@dataclass
class Reading:
    """Everything that came out of some shards."""

    docs: list[Doc] = field(default_factory=list)
    bad: list[dict[str, Any]] = field(default_factory=list)
    counts: list[ReadCounts] = field(default_factory=list)
    shards: list[Shard] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [doc.text for doc in self.docs]

    @property
    def reasons(self) -> list[str]:
        return [row["reason"] for row in self.bad]

    @property
    def blank(self) -> int:
        return sum(counts.blank for counts in self.counts)

    @property
    def lines(self) -> int:
        return sum(counts.lines for counts in self.counts)


def read(*paths: Path, batch_bytes: int = 1 << 20, text_field: str = "text", **settings: Any) -> Reading:
    """Read `paths`; `settings` are keys of `input`. Checks the conservation law of every shard on the way."""
    settings.setdefault("max_bad_ratio", 1.0)
    config = InputConfig.model_validate({"paths": tuple(map(str, paths)), **settings})
    out = Reading(shards=find_shards(config))
    for shard in out.shards:
        quarantine = io.BytesIO()
        reader = ShardReader(shard, config, TextFields(config.fields, text_field), quarantine, batch_bytes=batch_bytes)
        docs = [doc for batch in reader for doc in batch]
        bad = [orjson.loads(line) for line in quarantine.getvalue().splitlines()]
        assert reader.counts.lines == len(docs) + len(bad), "lines = documents + bad lines"
        assert reader.counts.documents == len(docs)
        assert reader.counts.bad_total == len(bad)
        out.docs += docs
        out.bad += bad
        out.counts.append(reader.counts)
    return out


def raw_of(row: dict[str, Any]) -> bytes:
    """The quarantined bytes."""
    assert ("raw" in row) != ("raw_base64" in row), row
    return base64.b64decode(row["raw_base64"]) if "raw_base64" in row else row["raw"].encode()


def check_against_file(reading: Reading, whole: bytes) -> None:
    """Every offset points at the bytes that it claims, in the decompressed file `whole` (UTF-8 JSONL)."""
    for doc in reading.docs:
        assert whole[doc.offset : doc.offset + len(doc.raw)] == doc.raw
    for row in reading.bad:
        raw = raw_of(row)
        assert whole[row["offset"] : row["offset"] + len(raw)] == raw
        assert row["bytes"] == len(raw)
        if row["line"] is not None:
            assert row["line"] == whole.count(b"\n", 0, row["offset"]) + 1


def json_line(text: str, **more: Any) -> bytes:
    """A good line, without its newline."""
    return orjson.dumps({**more, "text": text})


def compressed(data: bytes, kind: str) -> bytes:
    """`data` as a file with the ending `kind` holds it."""
    if kind == "gz":
        return gzip.compress(data, mtime=0)
    return zstandard.compress(data) if kind == "zst" else data
