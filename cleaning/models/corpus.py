"""What models are trained and tried on: the documents of any input that a run could read, a finished run's directory among them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import xxhash

from cleaning.config import InputConfig
from cleaning.doc import Doc
from cleaning.errors import UserError
from cleaning.io.reader import ShardReader
from cleaning.io.records import TextFields
from cleaning.io.shards import find_shards


@dataclass(slots=True)
class Corpus:
    """Reads documents and remembers what it read: for a model's card."""

    inputs: Sequence[str | Path]
    limit_bytes: int | None = None  # of UTF-8 text; the rest is not read
    documents: int = 0
    chars: int = 0
    bad_lines: int = 0
    _digest: Any = field(default_factory=xxhash.xxh3_128)

    def __iter__(self) -> Iterator[tuple[str, Doc]]:
        """(text, document) in the order of the input's shards; starts anew with each call."""
        self.documents = self.chars = self.bad_lines = 0
        self._digest = xxhash.xxh3_128()
        config = InputConfig(paths=tuple(str(path) for path in self.inputs))
        left = self.limit_bytes if self.limit_bytes is not None else 1 << 62
        with tempfile.TemporaryFile() as quarantine:
            for shard in find_shards(config):
                reader = ShardReader(shard, config, TextFields("auto", "text"), quarantine)
                for docs in reader:
                    for doc in docs:
                        data = doc.text.encode("utf-8", "surrogatepass")
                        left -= len(data)
                        if left < 0:
                            return
                        self.documents += 1
                        self.chars += len(doc.text)
                        self._digest.update(data + b"\0")
                        yield doc.text, doc
                self.bad_lines += reader.counts.bad_total

    def about(self) -> dict[str, Any]:
        """What a card says of the corpus. Raises UserError when there was no document."""
        if not self.documents:
            raise UserError(f"no documents in {', '.join(str(path) for path in self.inputs)}")
        names = [Path(path).name for path in self.inputs]
        counts = {"documents": self.documents, "chars": self.chars, "bad_lines": self.bad_lines}
        return {"inputs": names, **counts, "digest": self._digest.hexdigest()}


def read_texts(inputs: Sequence[str | Path], limit_bytes: int | None = None) -> Corpus:
    """The documents of files, directories and globs; iterate over it, then ask `about()`."""
    return Corpus(inputs, limit_bytes)
