"""How probable an n-gram model finds a text: for each line and document, the logarithm of its probability and its tokens.

A line is a sentence: it begins after `<s>` and ends with `</s>`, which counts as a token. An ARPA file is scored from our own tables, a
binary of KenLM by the kenlm package. The numbers are those of KenLM; its Python package adds them in single precision, we in double.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from cleaning.errors import ModelError
from cleaning.models.card import Card, card_path, read_card, sha256_of
from cleaning.models.lm.repeats import repeated_tokens
from cleaning.models.lm.table_file import open_tables
from cleaning.models.lm.tables import Float64, Tables, score_lines
from cleaning.models.lm.units import KINDS, NORMALISER, NORMALISER_VERSION, Units
from cleaning.models.lm.vocabulary import UNK, Int64, UInt32, Vocabulary
from cleaning.models.lm.windows import Passage, passages

_KENLM_MAGIC = b"mmap lm http://kheafield.com/code format version"
Counts = npt.NDArray[np.int32]
TRAITS = 4
_BATCH = 1 << 20  # characters that are scored at a time


class Scores(NamedTuple):
    """By line: `log10` of its probability, `tokens` with `</s>`. `docs` (texts + 1): where each text begins in the lines.

    `events` (lines, EVENTS): how the model took the tokens, see `score_lines`; `traits` (texts, TRAITS): tokens that end a run of 4, of 12
    that the text had before, tokens that are neither letters nor digits, lines. Both have no columns where they were not asked for, or
    the model cannot tell. A text without a token has no line.
    """

    log10: Float64
    tokens: Int64
    docs: Int64
    events: Counts
    traits: Int64

    def summed(self) -> tuple[Float64, Int64]:
        """The logarithm and the tokens of each text; 0 for a text without a line."""
        return _by_text(self.log10, self.docs), _by_text(self.tokens, self.docs).astype(np.int64)

    def shares(self) -> Float64:
        """(texts, EVENTS + TRAITS): events and traits as shares of a text's tokens; NaN for a text without any."""
        tokens = _by_text(self.tokens, self.docs)
        tokens[tokens == 0] = np.nan
        columns = [*(_by_text(column, self.docs) for column in self.events.T), *self.traits.T.astype(np.float64)]
        out: Float64 = np.array(columns).reshape(-1, tokens.size).T / tokens[:, None]
        return out


def _by_text(values: npt.NDArray[Any], docs: Int64) -> Float64:
    of = np.repeat(np.arange(docs.size - 1), np.diff(docs))
    return np.bincount(of, values, minlength=docs.size - 1).astype(np.float64)


def perplexity(log10: float, tokens: int) -> float:
    """10 ** (-log10 / tokens); NaN without a token.

    >>> perplexity(-6.0, 3), perplexity(0.0, 0)
    (100.0, nan)
    """
    return math.pow(10, min(-log10 / tokens, 300)) if tokens > 0 else math.nan


class LanguageModel(Protocol):
    """Scores texts that were cut into tokens by `units`. `tells_events`: whether it can count what became of each token."""

    order: int
    nbytes: int
    tells_events: bool

    def score(self, texts: Sequence[Sequence[Passage]], units: Units, events: bool) -> Scores: ...


class TableModel:
    """A model in tables of ours."""

    tells_events = True

    def __init__(self, tables: Tables) -> None:
        self.tables, self.order, self.nbytes = tables, tables.order, tables.nbytes
        self._vocab = Vocabulary(tables.vocab)
        self._marks = np.array([not token[:1].isalnum() for token in tables.vocab])
        self._marks[UNK] = False

    def score(self, texts: Sequence[Sequence[Passage]], units: Units, events: bool = False) -> Scores:
        """Lines in the order of the texts and their passages."""
        flat = [passage for text in texts for passage in text]
        encoded = units.encode_texts([passage.text for passage in flat], self._vocab)
        within = _within(flat, encoded.docs)
        log10, counts = score_lines(self.tables, encoded.ids, encoded.lines, events=events, within=within)
        sizes = np.diff(encoded.lines)
        tokens = np.maximum(sizes - within[:, 0] * (self.order - 1), 0) + ~within[:, 1]
        docs = encoded.docs[np.cumsum([0, *map(len, texts)])]
        traits = self._traits(encoded.ids, encoded.lines[docs], np.diff(docs)) if events else _no_traits(len(texts))
        return Scores(log10, tokens.astype(np.int64), docs, counts, traits)

    def _traits(self, ids: UInt32, begins: Int64, lines: Int64) -> Int64:
        marks = np.concatenate([[0], np.cumsum(self._marks[ids])])
        return np.column_stack([repeated_tokens(ids, begins), np.diff(marks[begins]), lines]).astype(np.int64)


def _within(passages_: Sequence[Passage], docs: Int64) -> npt.NDArray[np.bool_]:
    """(lines, 2) whether each line begins and ends within a sentence; only the first and the last line of a passage can."""
    out = np.zeros((int(docs[-1]), 2), np.bool_)
    marks = np.array([passage[1:] for passage in passages_], np.bool_).reshape(-1, 2)
    for column, at in ((0, docs[:-1]), (1, docs[1:] - 1)):
        chosen = marks[:, column] & (docs[:-1] < docs[1:])
        out[at[chosen], column] = True
    return out


def _no_traits(texts: int) -> Int64:
    return np.zeros((texts, 0), np.int64)


class KenlmModel:
    """A binary of KenLM's build_binary, which the kenlm package maps into memory. Raises ModelError when it cannot be read."""

    tells_events = False

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

    def score(self, texts: Sequence[Sequence[Passage]], units: Units, events: bool = False) -> Scores:
        """Lines in the order of the texts and their passages; without events, whether asked for or not.

        A line that begins within a sentence begins without context here, and all its tokens count.
        """
        score, log10, tokens, docs = self._model.score, list[float](), list[int](), [0]
        for text in texts:
            for passage in text:
                lines = units.lines(passage.text)
                for i, line in enumerate(lines):
                    # as CCNet does it, pieces are joined by blanks and counted as the blanks part them
                    words = " ".join(units.tokens(line)).split()
                    bos, eos = i > 0 or not passage.begins_within, i < len(lines) - 1 or not passage.ends_within
                    log10.append(score(" ".join(words), bos=bos, eos=eos))
                    tokens.append(len(words) + eos)
            docs.append(len(log10))
        none = np.zeros((len(log10), 0), np.int32), _no_traits(len(texts))
        return Scores(np.array(log10, np.float64), np.array(tokens, np.int64), np.array(docs, np.int64), *none)


class Scorer:
    """A model, and how text becomes its tokens."""

    def __init__(self, model: LanguageModel, units: Units) -> None:
        self.model, self.units = model, units

    def __call__(self, texts: Sequence[str], *, events: bool = False, windows: int = 0) -> Scores:
        """Scores of some texts; a text's do not depend on the others. `windows`: see `passages`."""
        events = events and self.model.tells_events
        parts, first, size = [], 0, 0
        cut = [passages(text, windows) for text in texts]
        for i, text in enumerate(cut):  # in batches, so that arrays for the work stay in the cache
            size += sum(len(passage.text) for passage in text)
            if size >= _BATCH:
                parts.append(self.model.score(cut[first : i + 1], self.units, events))
                first, size = i + 1, 0
        if first < len(cut) or not parts:
            parts.append(self.model.score(cut[first:], self.units, events))
        return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[Scores]) -> Scores:
    begins = np.cumsum([0] + [part.log10.size for part in parts]).tolist()
    docs = np.concatenate([[0], *(part.docs[1:] + begin for part, begin in zip(parts, begins))]).astype(np.int64)
    log10, tokens, _, events, traits = (np.concatenate(columns) for columns in zip(*parts))
    return Scores(log10, tokens, docs, events, traits)


@dataclass(frozen=True)
class ModelFile:
    """A language model on disk. `unit`: what its tokens are, where no card says it; `pieces`: the SentencePiece model, likewise."""

    path: Path
    card: Card | None = None
    unit: str = "auto"
    pieces: Path | None = None

    @classmethod
    def beside(cls, path: Path, unit: str = "auto", pieces: Path | None = None) -> ModelFile:
        """The model with the card that lies beside it, if there is one. Raises ModelError when that is none."""
        return cls(path, read_card(path), unit, pieces)

    def check_card(self) -> None:
        """Raises ModelError when the card is one of another kind of model, or of another file."""
        card = self.card
        if card is None:
            return
        if card.kind != "lm":
            raise ModelError(f"{self.path}: its card says '{card.kind}'; a language model (kind 'lm') is needed")
        if card.size and self.path.is_file() and card.size != self.path.stat().st_size:
            raise ModelError(
                f"{self.path}: has {self.path.stat().st_size:,} bytes, its card {card_path(self.path).name} is of a file of {card.size:,}; "
                "get or train the model again"
            )

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
        self.check_card()
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
        binary, units = self.is_binary, self.units
        return Scorer(KenlmModel(self.path) if binary else TableModel(open_tables(self.path)), units)
