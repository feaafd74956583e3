"""The measured numbers of a pass, kept beside its documents so that a threshold can be tried without reading a text again.

`metrics.zst` is that of the stage `rules`, `metrics.langid.zst` that of `langid`, and so on. Once decompressed: a JSON line
`{"metrics": names, "rows": n}`, then n document numbers (uint32: position among the pass's input documents), n flags (uint8: 1 = kept
at the end of the pass), then one float32 column after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import xxhash
import zstandard

from cleaning.doc import Batch

NAME = "metrics.zst"


@dataclass(slots=True)
class _Collected:
    """The rows of one stage."""

    names: tuple[str, ...]
    ordinals: list[Any] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)


class MetricsFile:
    """Collects the rows of a pass, by stage."""

    def __init__(self) -> None:
        self._stages: dict[str, _Collected] = {}

    def add(self, batch: Batch, before: int) -> None:
        """Take the rows of a batch; `before` documents of the shard came earlier."""
        for stage, names, positions, matrix in batch.matrices:
            of = self._stages.setdefault(stage, _Collected(names))
            of.ordinals.append(np.asarray(positions, np.uint32) + np.uint32(before))
            of.kept.append(np.array([batch.docs[p].drop is None for p in positions], np.uint8))
            of.rows.append(matrix)

    def write(self, scratch: Path) -> dict[str, dict[str, Any]]:
        """Write a file for each stage that measured anything; returns their manifest entries."""
        entries: dict[str, dict[str, Any]] = {}
        for stage, of in self._stages.items():
            matrix = np.concatenate(of.rows)
            head = orjson.dumps({"metrics": list(of.names), "rows": len(matrix)}, option=orjson.OPT_APPEND_NEWLINE)
            body = b"".join([head, np.concatenate(of.ordinals).tobytes(), np.concatenate(of.kept).tobytes(), matrix.T.tobytes()])
            data = zstandard.ZstdCompressor(level=1).compress(body)
            name = NAME if stage == "rules" else f"metrics.{stage}.zst"
            (scratch / name).write_bytes(data)
            entries[name] = {"size": len(data), "digest": xxhash.xxh3_128_hexdigest(data), "rows": len(matrix)}
        return entries


class MetricsTable(NamedTuple):
    """What `read_metrics` returns: names of the columns, document numbers (n), kept flags (n), values (n, len(names))."""

    names: tuple[str, ...]
    ordinals: npt.NDArray[np.uint32]
    kept: npt.NDArray[np.bool_]
    values: npt.NDArray[np.float32]


def read_metrics(path: Path) -> MetricsTable:
    """Read a file that `MetricsFile` wrote."""
    body = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
    head, _, rest = body.partition(b"\n")
    about = orjson.loads(head)
    n = about["rows"]
    ordinals, kept = np.frombuffer(rest, np.uint32, n), np.frombuffer(rest, np.uint8, n, 4 * n)
    values = np.frombuffer(rest, np.float32, n * len(about["metrics"]), 5 * n).reshape(len(about["metrics"]), n).T
    return MetricsTable(tuple(about["metrics"]), ordinals, kept.astype(np.bool_), values)
