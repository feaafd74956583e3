"""Reading the items of benchmarks: JSON lines, JSON, CSV, or Parquet where pyarrow is installed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from cleaning.config import FieldsConfig, InputConfig
from cleaning.errors import ConfigError
from cleaning.io.reader import ShardReader
from cleaning.io.records import BadRecordError, TextFields
from cleaning.io.shards import find_shards


def read_items(path: Path, shown: str, fields: FieldsConfig | Literal["auto"] = "auto") -> Iterator[tuple[str, str, str]]:
    """(id, benchmark, text) of each item of a file; `shown` is the file's name in messages. Raises ConfigError for a row that is none."""
    bench = Path(shown).name.split(".", 1)[0]
    for number, (record, text) in enumerate(_rows(path, shown, fields), 1):
        name = _first(record, ("id", "question_id", "task_id", "uid")) or f"{bench}:{number}"
        yield name, _first(record, ("bench", "benchmark", "dataset")) or bench, text


def _first(record: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next((str(record[name]) for name in names if record.get(name) not in (None, "")), None)


def _rows(path: Path, shown: str, fields: FieldsConfig | Literal["auto"]) -> Iterator[tuple[dict[str, Any], str]]:
    find = TextFields(fields)
    if path.suffix == ".parquet":
        for number, record in enumerate(_parquet(path, shown), 1):
            try:
                yield record, find.find(record)[0]
            except BadRecordError as exc:
                raise ConfigError(f"{shown}: row {number}: {exc}") from exc
        return
    config = InputConfig(paths=(str(path),), fields=fields, max_bad_ratio=1)
    with tempfile.TemporaryFile() as quarantine:
        for shard in find_shards(config):
            reader = ShardReader(shard, config, find, quarantine)
            for docs in reader:
                yield from ((doc.record, doc.text) for doc in docs)
            if reader.counts.bad_total:
                reasons = ", ".join(f"{count} × {reason}" for reason, count in reader.counts.bad.items())
                count = reader.counts.bad_total
                raise ConfigError(f"{shown}: {count} rows are no items ({reasons}); name the fields: decontaminate.fields")


def _parquet(path: Path, shown: str) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow import parquet
    except ImportError as exc:
        raise ConfigError(f"{shown}: Parquet needs pyarrow: pip install pyarrow, or convert the file to JSON lines") from exc
    for batch in parquet.ParquetFile(path).iter_batches():
        yield from batch.to_pylist()
