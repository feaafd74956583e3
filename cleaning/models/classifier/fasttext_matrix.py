"""A binary fastText classifier as numbers: its dictionary, and one weight for each row of its input matrix.

With two labels and the softmax loss, log P(a) - log P(b) is the mean over a line's rows of `row · (output[a] - output[b])`. So
one number a row says what all its dimensions say. `write_model` stores these numbers as a fastText model of one dimension: any
fastText reads it and gives the same probabilities, and it is as many times smaller as the trained model had dimensions.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cleaning.errors import ModelError
from cleaning.io.commit import replace_file
from cleaning.models.classifier.figures import Margins
from cleaning.models.classifier.kernels import Bytes, Float32, Float64, Int64, UInt64, _fill_table, hash_words, margins
from cleaning.models.classifier.tokens import Lines
from cleaning.models.fasttext_file import LABEL, MAGIC, VERSION, inspect

_SETTINGS = struct.Struct("<14i d")
_COUNTS = struct.Struct("<3i 2q")
_SOFTMAX, _SUPERVISED = 3, 3
TRAIN = "python -m cleaning models train-classifier --positive A --negative B --output models/NAME.bin"
_ROWS = 1 << 16  # rows of the matrix that are multiplied at a time


@dataclass(frozen=True, slots=True)
class LinearModel:
    """`words`: bytes of all words and where each ends; `weights` (words + buckets): a number for each row of the input matrix."""

    words: Bytes
    ends: Int64
    counts: Int64
    weights: Float32
    ngrams: int
    keys: UInt64
    rows: Int64

    @classmethod
    def made(cls, words: list[bytes], counts: Int64, weights: Float32, ngrams: int) -> LinearModel:
        """The model with the table in which its words are found."""
        data = np.frombuffer(b"".join(words), np.uint8)
        ends = np.cumsum([len(word) for word in words]).astype(np.int64)
        hashes = np.zeros(len(words), np.uint64)
        hash_words(data, ends, hashes)
        size = 1 << max(8, (4 * len(words)).bit_length())
        keys, rows = np.zeros(size, np.uint64), np.zeros(size, np.int64)
        _fill_table(hashes, keys, rows)
        return cls(data, ends, counts, weights, ngrams, keys, rows)

    @property
    def memory_mb(self) -> float:
        """What it takes in a worker."""
        arrays = (self.words, self.ends, self.counts, self.weights, self.keys, self.rows)
        return round(sum(array.nbytes for array in arrays) / 1e6, 1)

    def __call__(self, lines: Lines) -> Margins:
        """What the model says of each line, before any calibration."""
        out, lengths = np.zeros(lines.starts.size - 1), np.zeros(lines.starts.size - 1, np.int64)
        margins(lines.data, lines.starts, self.keys, self.rows, self.weights, self.ends.size, self.ngrams, out, lengths)
        return Margins(out, lengths)

    def margins(self, lines: Lines) -> Float64:
        """log P(positive) - log P(negative) of each line; NaN for a line without tokens."""
        return self(lines).margin


def read_model(path: Path, positive: str, shown: str = "") -> LinearModel:
    """Read a supervised model with two labels, without the library. `positive` is the label whose probability is asked for.

    Raises ModelError for a model that is of another kind: the number of labels, the loss, quantised, character n-grams.
    """
    shown = shown or str(path)
    about = inspect(path)
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # closed when the last array that looks into it has gone
    settings = _SETTINGS.unpack_from(data)
    faults = []
    if len(about.labels) != 2:
        faults.append(f"it has {len(about.labels)} labels instead of two")
    if settings[8] != _SOFTMAX:
        faults.append("its loss is not softmax")
    if about.quantized:
        faults.append("it is quantised")
    if about.max_char_ngram > 0:
        faults.append("it uses character n-grams inside words (maxn)")
    if not faults and positive not in about.labels:
        faults.append(f"it has no label '{positive}', but {' and '.join(about.labels)}")
    if faults:
        raise ModelError(f"{shown}: not a classifier that can be used here: {'; '.join(faults)}; train one with: {TRAIN}")
    words, counts, at = _dictionary(data, about.words)
    inputs, at = _dense(data, at)
    output, _ = _dense(data, at)
    push = output[about.labels.index(positive)] - output[1 - about.labels.index(positive)]
    weights = np.concatenate([inputs[k : k + _ROWS] @ push for k in range(0, len(inputs), _ROWS)]).astype(np.float32)
    return LinearModel.made(words, counts, weights, about.word_ngrams)


def write_model(path: Path, model: LinearModel, labels: tuple[str, str], epochs: int) -> None:
    """Write a fastText model of one dimension, atomically. `labels`: the positive one first."""
    words, at = [], 0
    for end in model.ends.tolist():
        words.append(model.words[at:end].tobytes())
        at = end
    buckets = model.weights.size - len(words)
    settings = (MAGIC, VERSION, 1, 5, epochs, 1, 5, model.ngrams, _SOFTMAX, _SUPERVISED, buckets, 0, 0, 100)
    parts = [_SETTINGS.pack(*settings, 1e-4), _COUNTS.pack(len(words) + 2, len(words), 2, int(model.counts.sum()), -1)]
    parts += [word + struct.pack("<xqb", count, 0) for word, count in zip(words, model.counts.tolist(), strict=True)]
    parts += [f"{LABEL}{label}".encode() + struct.pack("<xqb", 1, 1) for label in labels]
    parts += [struct.pack("<?2q", False, model.weights.size, 1), model.weights.astype("<f4").tobytes()]
    parts += [struct.pack("<?2q", False, 2, 1), np.array([0.5, -0.5], "<f4").tobytes()]
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, b"".join(parts))


def _dictionary(data: mmap.mmap, words: int) -> tuple[list[bytes], Int64, int]:
    """Words and how often each occurred in training, and where the dictionary ends."""
    entries, at = _COUNTS.unpack_from(data, _SETTINGS.size)[0], _SETTINGS.size + _COUNTS.size
    found, counts = [], np.zeros(words, np.int64)
    for number in range(entries):
        zero = data.find(b"\0", at)
        if number < words:
            found.append(data[at:zero])
            counts[number] = struct.unpack_from("<q", data, zero + 1)[0]
        at = zero + 10
    return found, counts, at


def _dense(data: mmap.mmap, at: int) -> tuple[Float32, int]:
    """A matrix that is not quantised, as it lies in the file, and where it ends."""
    rows, columns = struct.unpack_from("<2q", data, at + 1)
    first = at + 17
    return np.frombuffer(data, "<f4", rows * columns, first).reshape(rows, columns), first + 4 * rows * columns
