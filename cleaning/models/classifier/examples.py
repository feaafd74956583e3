"""Labelled documents for training and trying: read, folded to tokens, without twins, in an order that depends on nothing but the texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xxhash

from cleaning.errors import UserError
from cleaning.models.classifier.tokens import Lines, Tokens
from cleaning.models.corpus import Corpus, read_texts

_BATCH = 1 << 22  # characters that are folded at a time


@dataclass(frozen=True, slots=True)
class Sources:
    """Where labelled documents are: inputs of positive and of negative ones, or inputs whose records have a label."""

    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    labelled: tuple[str, ...] = ()
    label_field: str = "label"
    positive_values: tuple[str, ...] = ("1",)
    negative_values: tuple[str, ...] = ()  # none: every other value
    limit_bytes: int | None = None  # of each input's UTF-8 text


@dataclass(slots=True)
class Examples:
    """Lines of tokens with labels, sorted by the hash of their text: a hash decides on which side of a split a text and its twins are."""

    lines: list[bytes] = field(default_factory=list)
    positive: npt.NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    hashes: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    tokens: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    about: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, mask: npt.NDArray[np.bool_]) -> Examples:
        """Those for which the mask holds."""
        lines = [self.lines[k] for k in np.flatnonzero(mask).tolist()]
        return Examples(lines, self.positive[mask], self.hashes[mask], self.tokens[mask], self.about)

    def joined(self) -> Lines:
        """All lines as one array."""
        starts = np.concatenate([[0], np.cumsum([len(line) + 1 for line in self.lines])]).astype(np.int64)
        return Lines(np.frombuffer(b"".join(line + b"\n" for line in self.lines), np.uint8), starts)


def read_examples(sources: Sources, tokens: Tokens) -> Examples:
    """Read, fold, and sort by hash. Equal texts (after folding) count once; texts with both labels are left out; both are counted.

    Raises UserError when one of the classes is empty, or a record has no label.
    """
    found: dict[bytes, int] = {}  # 1 positive, 2 negative, 3 both
    total = {"positive": 0, "negative": 0, "empty": 0}
    corpora: dict[str, Any] = {}
    for part, inputs in (("positive", sources.positive), ("negative", sources.negative), ("labelled", sources.labelled)):
        if not inputs:
            continue
        corpus = read_texts(inputs, sources.limit_bytes)
        for texts, labels in _batches(corpus, part, sources):
            lines = tokens.lines(texts)
            for k, label in enumerate(labels):
                total["positive" if label == 1 else "negative"] += 1
                line = lines.line(k)
                if line:
                    found[line] = found.get(line, 0) | label
                else:
                    total["empty"] += 1
        corpora[part] = corpus.about()
    kept = [line for line, label in found.items() if label != 3]
    hashes = np.array([xxhash.xxh3_64_intdigest(line) for line in kept], np.uint64)
    order = np.argsort(hashes, kind="stable")
    positive = np.array([found[kept[k]] == 1 for k in order.tolist()], np.bool_)
    lines_, sizes = [kept[k] for k in order.tolist()], np.array([kept[k].count(b" ") + 2 for k in order.tolist()], np.int64)
    both = len(found) - len(kept)
    counts = {**total, "duplicates": sum(total.values()) - 2 * total["empty"] - len(found), "both_labels": both}
    for name, count in (("positive", int(positive.sum())), ("negative", int((~positive).sum()))):
        if not count:
            raise UserError(f"no {name} documents among {len(kept):,}: {_hint(sources)}")
    return Examples(lines_, positive, hashes[order], sizes, {**counts, "inputs": corpora})


def _hint(sources: Sources) -> str:
    if not sources.labelled:
        return "both --positive and --negative need documents"
    return f"--positive-value {' '.join(sources.positive_values)} is compared with the field '{sources.label_field}' of each record"


def _batches(corpus: Corpus, part: str, sources: Sources) -> Iterator[tuple[list[str], list[int]]]:
    texts: list[str] = []
    labels: list[int] = []
    size = 0
    for text, doc in corpus:
        label = {"positive": 1, "negative": 2}.get(part) or _label(doc.record, sources, doc.id)
        if not label:
            continue
        texts.append(text)
        labels.append(label)
        size += len(text)
        if size >= _BATCH:
            yield texts, labels
            texts, labels, size = [], [], 0
    if texts:
        yield texts, labels


def _label(record: dict[str, Any], sources: Sources, name: str) -> int:
    """1, 2, or 0 for a record whose value is in neither list."""
    if sources.label_field not in record:
        raise UserError(f"{name}: the record has no field '{sources.label_field}'; name the one that holds the label with --label-field")
    value = record[sources.label_field]
    value = str(int(value)) if isinstance(value, bool) or (isinstance(value, float) and value.is_integer()) else str(value)
    if value in sources.positive_values:
        return 1
    return 2 if not sources.negative_values or value in sources.negative_values else 0


def sources_of(args: Any) -> Sources:
    """From the options of a command. Raises UserError when they name no documents, or only one class."""
    if args.input and (args.positive or args.negative):
        raise UserError("--input (records with labels) and --positive/--negative cannot be given together")
    if not args.input and not (args.positive and args.negative):
        raise UserError("--positive A --negative B, or --input FILE --label-field label --positive-value 1")
    return Sources(
        _strings(args.positive), _strings(args.negative), _strings(args.input), args.label_field, tuple(args.positive_value),
        tuple(args.negative_value),
    )  # fmt: skip


def _strings(paths: Sequence[str | Path] | None) -> tuple[str, ...]:
    return tuple(str(path) for path in paths or ())
