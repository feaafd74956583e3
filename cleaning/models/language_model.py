"""A language identifier that scores lines of a view, alone or added up to paragraphs and documents.

fastText's number for a text is that of the mean of its features. So each line is read once, and the sum over any lines gives the exact
score of their join. Models that the kernels do not cover are asked through the library, with the joined lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cleaning.models.fasttext_arrays import FastTextArrays, kernel_arguments, read_arrays
from cleaning.models.fasttext_kernels import label_probabilities, sum_features, sum_rows
from cleaning.models.fasttext_model import FastTextModel, check_model, load

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


class Lines(Protocol):
    """Lines that a model has read."""

    def probabilities(self, group: Ints, groups: int) -> Floats:
        """(groups, labels): for the joined lines of each group; `group` (lines) is -1 for lines of none. Zero for a group without any."""


class LanguageModel(Protocol):
    """Built once in each worker."""

    labels: tuple[str, ...]

    def read(self, text: Bytes, starts: Ints) -> Lines:
        """Read lines text[starts[d]:starts[d + 1]] of UTF-8."""


def load_language_model(path: Path, shown: str = "") -> LanguageModel:
    """The model of a file. Raises ModelError."""
    about = check_model(path, shown)
    arrays = read_arrays(path, about)
    return ByKernel(arrays, about.labels) if arrays is not None else ByLibrary(load(path, shown))


class ByKernel:
    """Scores by our own loops."""

    def __init__(self, arrays: FastTextArrays, labels: tuple[str, ...]) -> None:
        self._arrays, self.labels = arrays, labels
        self._arguments = kernel_arguments(arrays)

    def read(self, text: Bytes, starts: Ints) -> Lines:
        """See `LanguageModel`."""
        totals = np.zeros((len(starts) - 1, self._arrays.vectors.shape[1]), np.float32)
        counts = np.zeros(len(starts) - 1, np.int64)
        sum_features(text, starts, *self._arguments, totals, counts)  # type: ignore[call-arg]  # starred, which the stubs do not follow
        return _Summed(self._arrays, len(self.labels), totals, counts)


@dataclass(frozen=True, slots=True)
class _Summed:
    arrays: FastTextArrays
    labels: int
    totals: Floats
    counts: Ints

    def probabilities(self, group: Ints, groups: int) -> Floats:
        totals, counts = np.zeros((groups, self.totals.shape[1])), np.zeros(groups, np.int64)
        sum_rows(self.totals, group, totals)
        sum_rows(self.counts[:, None], group, counts[:, None])
        if self.arrays.end_row >= 0:  # a text ends once, however many lines it has
            there = np.zeros(groups, bool)
            there[group[group >= 0]] = True
            totals[there] += self.arrays.vectors[self.arrays.end_row]
            counts[there] += 1
        out = np.zeros((groups, self.labels), np.float32)
        label_probabilities(totals.astype(np.float32), counts, self.arrays.output, self.arrays.left, self.arrays.right, out)
        return out


class ByLibrary:
    """Asks fastText itself."""

    def __init__(self, model: FastTextModel) -> None:
        self._model, self.labels = model, model.labels
        self._column = {label: column for column, label in enumerate(model.labels)}

    def read(self, text: Bytes, starts: Ints) -> Lines:
        """See `LanguageModel`."""
        whole = text.tobytes()
        return _Asked(self._model, self._column, [whole[a:b].decode() for a, b in zip(starts[:-1].tolist(), starts[1:].tolist())])


@dataclass(frozen=True, slots=True)
class _Asked:
    model: FastTextModel
    column: dict[str, int]
    lines: list[str]

    def probabilities(self, group: Ints, groups: int) -> Floats:
        joined: list[list[str]] = [[] for _ in range(groups)]
        for line, number in zip(self.lines, group.tolist(), strict=True):
            if number >= 0:
                joined[number].append(line)
        out = np.zeros((groups, len(self.column)), np.float32)
        asked = [number for number in range(groups) if joined[number]]
        answers = self.model.predict_batch([" ".join(joined[number]) for number in asked], -1)
        for number, labels, probabilities in zip(asked, *answers, strict=True):
            out[number, [self.column[label] for label in labels]] = probabilities
        return out


def warm_up_kernels() -> None:
    """Compile the loops, or load them from numba's cache, without a model."""
    vectors = np.zeros((2, 4), np.float32)
    tree = np.zeros(1, np.int32)
    words = (np.zeros(16, np.uint64), np.full(16, -1, np.int32))
    arrays = FastTextArrays(vectors, vectors, *words, np.zeros(1, np.uint64), np.zeros(1, np.int32), 8, 1, tree, tree, -1, 2, 4)
    ByKernel(arrays, ("a", "b")).read(np.frombuffer(b"a b", np.uint8).copy(), np.array([0, 3])).probabilities(np.zeros(1, np.int64), 1)
