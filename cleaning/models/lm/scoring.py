"""How probable an n-gram model finds a text: for each line and document, the logarithm of its probability and its tokens.

A line is a sentence: it begins after `<s>` and ends with `</s>`, which counts as a token. An ARPA file is scored from our own tables, a
binary of KenLM by the kenlm package. The numbers are those of KenLM; its Python package adds them in single precision, we in double.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from cleaning.errors import ModelError
from cleaning.models.card import Card, card_path, read_card, sha256_of
from cleaning.models.lm.tables import Float64, Tables, open_tables, score_lines
from cleaning.models.lm.units import KINDS, NORMALISER, NORMALISER_VERSION, Units
from cleaning.models.lm.vocabulary import Int64, Vocabulary

_KENLM_MAGIC = b"mmap lm http://kheafield.com/code format version"
_BATCH = 1 << 20  # characters that are scored at a time


class Scores(NamedTuple):
    """By line: `log10` of its probability, `alone` the same by unigrams only (NaN where not asked), `tokens` with `</s>`.

    `docs` (texts + 1): where each text begins in the lines. A text without a token has no line.
    """

    log10: Float64
    alone: Float64
    tokens: Int64
    docs: Int64

    def summed(self) -> tuple[Float64, Float64, Int64]:
        """The same three by text; 0 for a text without a line."""
        log10, alone, tokens = (_by_text(values, self.docs) for values in (self.log10, self.alone, self.tokens))
        return log10, alone, tokens.astype(np.int64)


def _by_text(values: npt.NDArray[Any], docs: Int64) -> Float64:
    of = np.repeat(np.arange(docs.size - 1), np.diff(docs))
    return np.bincount(of, values, minlength=docs.size - 1).astype(np.float64)


def perplexity(log10: Float64, tokens: Int64) -> Float64:
    """10 ** (-log10 / tokens); NaN without a token."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        out: Float64 = np.where(tokens > 0, 10.0 ** np.minimum(-log10 / tokens, 300), np.nan)
    return out


class LanguageModel(Protocol):
    """Scores texts that were cut into tokens by `units`."""

    order: int

    @property
    def nbytes(self) -> int: ...
    def score(self, texts: Sequence[str], units: Units) -> Scores: ...


class TableModel:
    """A model in tables of ours."""

    def __init__(self, tables: Tables) -> None:
        self.tables, self.order, self.nbytes = tables, tables.order, tables.nbytes
        self._vocab = Vocabulary(tables.vocab)

    def score(self, texts: Sequence[str], units: Units) -> Scores:
        """Lines in the order of the texts."""
        encoded = units.encode_texts(texts, self._vocab)
        log10, alone, _ = score_lines(self.tables, encoded.ids, encoded.lines)
        return Scores(log10, alone, np.diff(encoded.lines) + 1, encoded.docs)


class KenlmModel:
    """A binary of KenLM's build_binary, which the kenlm package maps into memory. Raises ModelError when it cannot be read."""

    def __init__(self, path: Path) -> None:
        try:
            import kenlm
        except ImportError as exc:
            raise ModelError(f"{path}: kenlm is not installed: pip install 'corpus-cleaning[models]'") from exc
        config = kenlm.Config()
        config.load_method = kenlm.LoadMethod.LAZY  # pages are shared by all workers, and come when they are needed
        try:
            self._model = kenlm.Model(str(path), config)
        except (OSError, RuntimeError) as exc:
            raise ModelError(f"{path}: not a binary that this kenlm reads: {str(exc).splitlines()[0][:200]}") from exc
        self.order, self.nbytes = int(self._model.order), path.stat().st_size
        self._alone = _Unigrams(self._model)

    def score(self, texts: Sequence[str], units: Units) -> Scores:
        """Lines in the order of the texts."""
        score, log10, alone, tokens, docs = self._model.score, list[float](), list[float](), list[int](), [0]
        for text in texts:
            for line in units.lines(text):
                # as CCNet does it, pieces are joined by blanks and counted as the blanks part them
                words = " ".join(units.tokens(line)).split()
                log10.append(score(" ".join(words)))
                alone.append(sum(map(self._alone.__getitem__, words)) + self._alone.end)
                tokens.append(len(words) + 1)
            docs.append(len(log10))
        return Scores(np.array(log10, float), np.array(alone, float), np.array(tokens, np.int64), np.array(docs, np.int64))


class _Unigrams(dict[str, float]):
    """Decimal logarithms of unigrams, asked once each. A token that the model does not know is as probable as another."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.end = float(model.score("", bos=False, eos=True))

    def __missing__(self, token: str) -> float:
        value = float(self._model.score(token, bos=False, eos=False))
        if token in self._model:  # what is not in the model is not kept: there is no end of it
            self[token] = value
        return value


class Scorer:
    """A model, and how text becomes its tokens."""

    def __init__(self, model: LanguageModel, units: Units) -> None:
        self.model, self.units = model, units

    def __call__(self, texts: Sequence[str]) -> Scores:
        """Scores of some texts; a text's do not depend on the others."""
        parts, first, size = [], 0, 0
        for i, text in enumerate(texts):  # in batches, so that arrays for the work stay in the cache
            size += len(text)
            if size >= _BATCH:
                parts.append(self.model.score(texts[first : i + 1], self.units))
                first, size = i + 1, 0
        if first < len(texts) or not parts:
            parts.append(self.model.score(texts[first:], self.units))
        return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[Scores]) -> Scores:
    begins = np.cumsum([0] + [part.log10.size for part in parts])
    docs = np.concatenate([[0], *(part.docs[1:] + begin for part, begin in zip(parts, begins.tolist()))]).astype(np.int64)
    log10, alone, tokens = (np.concatenate(columns) for columns in list(zip(*parts))[:3])
    return Scores(log10, alone, tokens, docs)


@dataclass(frozen=True, slots=False)
class ModelFile:
    """A language model on disk. `unit`: what its tokens are, where no card says it; `pieces`: the SentencePiece model, likewise."""

    path: Path
    unit: str = "auto"
    pieces: Path | None = None

    @cached_property
    def card(self) -> Card | None:
        """The model's card. Raises ModelError when it is one of another kind of model, or of another file."""
        card = read_card(self.path)
        if card is None:
            return None
        if card.kind != "lm":
            raise ModelError(f"{self.path}: its card says '{card.kind}'; a language model (kind 'lm') is needed")
        if card.size and self.path.is_file() and card.size != self.path.stat().st_size:
            raise ModelError(
                f"{self.path}: has {self.path.stat().st_size:,} bytes, its card {card_path(self.path).name} is of a file of {card.size:,}; "
                "get or train the model again"
            )
        return card

    @cached_property
    def is_binary(self) -> bool:
        """Whether it is a binary of KenLM. Raises ModelError for what is neither that nor an ARPA file."""
        try:
            with open(self.path, "rb") as file:
                head = file.read(4096)
        except OSError as exc:
            raise ModelError(f"{self.path}: cannot be read: {exc.strerror}") from exc
        if head.startswith(_KENLM_MAGIC):
            return True
        if b"\\data\\" not in head:
            raise ModelError(f"{self.path}: neither an ARPA file nor a binary of KenLM")
        return False

    @cached_property
    def sp_model(self) -> Path | None:
        """The SentencePiece model that belongs to it: as told, as the card says, or `zh.sp.model` beside `zh.arpa.bin` (CCNet's names)."""
        if self.pieces is not None:
            return self.pieces
        named = self.card.training.get("sp_model") if self.card is not None else None
        if named:
            return self.path.with_name(str(named))
        beside = self.path.with_name(f"{self.path.name.split('.arpa')[0]}.sp.model")
        return beside if self.card is None and self.unit in ("auto", "sp") and beside.is_file() else None

    @cached_property
    def units(self) -> Units:
        """How text becomes tokens. Raises ModelError when nothing says it, or the SentencePiece model is not there."""
        card, pieces = self.card, self.sp_model
        if card is not None and card.unit and self.unit not in ("auto", card.unit):
            raise ModelError(f"{self.path}: its unit is '{card.unit}', as its card says, not '{self.unit}'")
        unit = card.unit if card is not None and card.unit else self.unit
        if unit == "auto" and pieces is not None:
            unit = "sp"
        if unit not in KINDS:
            raise ModelError(f"{self.path}: has no card that says what its tokens are; say it by perplexity.unit: {', '.join(KINDS)}")
        if unit == "sp" and (pieces is None or not pieces.is_file()):
            raise ModelError(f"{self.path}: its tokens are pieces of SentencePiece, but there is no {pieces or 'model of it'}")
        if pieces is not None and card is not None and card.training.get("sp_sha256") not in (None, sha256_of(pieces)):
            raise ModelError(f"{pieces}: not the SentencePiece model that {self.path.name} was trained with")
        if card is not None and card.normaliser:
            return Units(unit, card.normaliser, card.normaliser_version, pieces if unit == "sp" else None)
        if unit == "sp" and self.is_binary and self.pieces is None:  # no card, and CCNet's names
            return Units(unit, "ccnet", 1, pieces)
        return Units(unit, NORMALISER, NORMALISER_VERSION, pieces if unit == "sp" else None)

    def open(self) -> Scorer:
        """Load the model. Raises ModelError when it is no language model, or corrupt."""
        units = self.units
        return Scorer(KenlmModel(self.path) if self.is_binary else TableModel(open_tables(self.path)), units)
