"""The bundled samples as documents, without the reader: texts for tests of text."""

from __future__ import annotations

import gzip
import json
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import zstandard

from cleaning.doc import Batch, Doc
from cleaning.stages.contract import Step

RAW = Path(__file__).resolve().parent.parent / "samples" / "raw"
CASES = Path(__file__).resolve().parent / "cases"
CLEAN = ("zh_good", "zh_junk", "en_good", "en_junk", "mixed_good", "mixed_junk", "dirty_good", "qa_pairs")


@cache
def sample(name: str) -> tuple[dict[str, Any], ...]:
    """Records of `samples/raw/<name>.jsonl`."""
    lines = (RAW / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return tuple(json.loads(line) for line in lines if line.strip())


def text_of(record: dict[str, Any]) -> str:
    """All the text of a record, whatever its fields are called."""
    text = record.get("text")
    return text if isinstance(text, str) else "\n".join(str(v) for k, v in sorted(record.items()) if isinstance(v, str) and k != "id")


def sample_docs(name: str) -> list[Doc]:
    """Fresh documents of one sample file."""
    return [make_doc(text_of(record), record, origin=f"{name}.jsonl") for record in sample(name)]


def sample_texts() -> list[str]:
    """Texts of all sample files."""
    return [text_of(record) for name in CLEAN for record in sample(name)]


@cache
def real_texts(root: Path, each: int = 2, chars: int = 2000) -> list[str]:
    """The beginnings of the first documents of every real shard below `docs`."""
    texts: list[str] = []
    for path in sorted((root / "docs").glob("*.jsonl.*")):
        opened: Any = gzip.open if path.suffix == ".gz" else zstandard.open
        with opened(path, "rt", encoding="utf-8") as lines:
            texts += [text_of(json.loads(line))[:chars] for line in islice(lines, each)]
    return texts


def make_doc(text: str, record: dict[str, Any] | None = None, origin: str = "test.jsonl", offset: int = 0) -> Doc:
    """A document as the reader would make it."""
    return Doc(record if record is not None else {}, text, b"", origin, offset)


def run_step(step: Step, docs: list[Doc]) -> Batch:
    """Put documents through a step as one batch."""
    batch = Batch(docs)
    step(batch)
    return batch
