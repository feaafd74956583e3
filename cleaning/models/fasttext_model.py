"""fastText models behind one small adapter: language identification and the classifiers ask through it.

It calls the batch binding under the package's own `predict`: that one returns `np.array(…, copy=False)`, which numpy 2 refuses (fastText
0.9.3), and goes from Python to C++ and back for every single line. Predicting uses one thread and is deterministic.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cleaning.errors import ModelError
from cleaning.models.card import read_card, sha256_of
from cleaning.models.fasttext_file import LABEL, FastTextFile, NotFastTextError, inspect
from cleaning.models.store import missing_model

Probabilities = npt.NDArray[np.float32]
_NEWLINES = re.compile(r"[\n\r\0]")  # what ends a line for the library
INSTALL = "fastText is not installed; get it with: pip install 'corpus-cleaning[models]'"


class FastTextModel:
    """A supervised model in memory. `labels` are without the prefix `__label__`, in the file's order."""

    def __init__(self, path: Path, about: FastTextFile, binding: Any) -> None:
        self.path, self.about, self._binding = path, about, binding
        self.labels = about.labels

    @property
    def memory_mb(self) -> float:
        """What the vectors take in each worker: the library reads them into memory of its own."""
        return round(self.about.bytes_in_memory / 1e6, 1)

    def predict_batch(
        self, lines: Sequence[str], k: int = 1, threshold: float = 0.0
    ) -> tuple[list[list[str]], list[Probabilities]]:
        """For each line the labels of highest probability, at most `k` (-1: all), from `threshold` on, and these probabilities.

        A line without any feature that the model knows has no labels. Newlines inside a line count as blanks.
        """
        if not lines:
            return [], []
        whole = [f"{_line(line)}\n" for line in lines]
        labels, probabilities = self._binding.multilinePredict(whole, k, threshold, "replace")
        return [[label.removeprefix(LABEL) for label in of] for of in labels], list(probabilities)

    def predict(self, line: str, k: int = 1, threshold: float = 0.0) -> tuple[list[str], Probabilities]:
        """`predict_batch` for one line."""
        labels, probabilities = self.predict_batch([line], k, threshold)
        return labels[0], probabilities[0]


def check_model(path: Path, shown: str = "", *, supervised: bool = True) -> FastTextFile:
    """Look whether a file is a whole model, of the right kind and as its card says, without loading it. Raises ModelError.

    `shown` is the name as the user wrote it, which the error names and from which the command that gets it is found.
    """
    shown = shown or str(path)
    help = missing_model(shown)
    try:
        about = inspect(path)
    except FileNotFoundError as exc:
        raise ModelError(f"{shown}: no such model{help}") from exc
    except OSError as exc:
        raise ModelError(f"{shown}: cannot be read: {exc.strerror or exc}") from exc
    except NotFastTextError as exc:
        raise ModelError(f"{shown} {exc}{help}") from exc
    if supervised and not (about.supervised and about.labels):
        raise ModelError(f"{shown} holds word vectors and no labels; a supervised fastText model is needed{help}")
    card = read_card(path)
    if card is not None and card.sha256 and (card.size != path.stat().st_size or card.sha256 != sha256_of(path)):
        raise ModelError(f"{shown} is not the file that its card describes: damaged, or replaced{help}")
    _binding_class()
    return about


def load(path: Path, shown: str = "") -> FastTextModel:
    """Load a supervised model. Raises ModelError when it is missing, damaged or of another kind, with the command that gets it."""
    about = check_model(path, shown)
    binding = _binding_class()()
    try:
        binding.loadModel(str(path))
    except (ValueError, RuntimeError, MemoryError) as exc:
        raise ModelError(f"{shown or path}: fastText cannot load it: {exc}{missing_model(shown or str(path))}") from exc
    return FastTextModel(path, about, binding)


def _line(text: str) -> str:
    """One line that the binding takes: no ends of lines inside, no halves of surrogate pairs."""
    text = _NEWLINES.sub(" ", text)
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _binding_class() -> Any:
    try:
        from fasttext_pybind import fasttext
    except ImportError as exc:
        raise ModelError(INSTALL) from exc
    return fasttext
