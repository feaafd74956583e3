"""The measured numbers of a pass, kept beside its documents so that a threshold can be tried without reading a text again.

`metrics.zst`, once decompressed: a JSON line `{"metrics": names, "rows": n}`, then n document numbers (uint32: position among the
pass's input documents), n flags (uint8: 1 = kept at the end of the pass), then one float32 column after the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import xxhash
import zstandard

from cleaning.doc import Batch

NAME = "metrics.zst"


class MetricsFile:
    """Collects the rows of a pass."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._ordinals: list[Any] = []
        self._rows: list[Any] = []
        self._kept: list[Any] = []

    def add(self, batch: Batch, before: int) -> None:
        """Take the rows of a batch; `before` documents of the shard came earlier."""
        for names, positions, matrix in batch.matrices:
            self._names = names
            self._ordinals.append(np.asarray(positions, np.uint32) + np.uint32(before))
            self._kept.append(np.array([batch.docs[p].drop is None for p in positions], np.uint8))
            self._rows.append(matrix)

    def write(self, scratch: Path) -> dict[str, dict[str, Any]]:
        """Write the file, if anything was measured; returns its manifest entry."""
        if not self._rows:
            return {}
        matrix = np.concatenate(self._rows)
        head = orjson.dumps({"metrics": list(self._names), "rows": len(matrix)}, option=orjson.OPT_APPEND_NEWLINE)
        body = b"".join([head, np.concatenate(self._ordinals).tobytes(), np.concatenate(self._kept).tobytes(), matrix.T.tobytes()])
        data = zstandard.ZstdCompressor(level=1).compress(body)
        (scratch / NAME).write_bytes(data)
        return {NAME: {"size": len(data), "digest": xxhash.xxh3_128_hexdigest(data), "rows": len(matrix)}}


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
