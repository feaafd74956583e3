"""What a token of a language model is: the normaliser, the lines of a document, and their tokens.

`normalise`, `lines` and `tokens` are the definition, in plain Python. `encode` does the same on arrays of code points, for many texts at
once, and gives the numbers of a `Vocabulary`.

The normaliser `cleaning-1` maps each code point by itself: letters and digits of full width become half width, capitals small, every
decimal digit 0; white space and `▁` become a blank, and a run of blanks one; what ends a line becomes a line feed; controls, format
characters and variation selectors go. Traditional characters and punctuation stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.errors import ModelError
from cleaning.models.lm.vocabulary import JOINS, POINT, Vocabulary, char_ids, fold_lines, word_ids
from cleaning.text.charclass import MAX_CODE_POINT, utf32

NORMALISER, NORMALISER_VERSION = "cleaning-1", 1
KINDS = ("char", "word", "jieba", "sp")
BLANK = "▁"  # the token of a blank between two characters
_BATCH = 1 << 22  # code points that are encoded at a time
_KANA = ((0x3005, 0x3007), (0x3041, 0x309F), (0x30A0, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
# ranges that are neither letters of an alphabet nor anything to fold: Han, private use, planes without characters
_CHECKED = (*range(0x3400), *range(0xA000, 0xAC00), *range(0xD7A4, 0xE000), *range(0xFB00, 0x1FB00), *range(0xE0000, 0xE01F0))


class Encoded(NamedTuple):
    """`ids` (uint32): token numbers, 0 for an unknown one, without `<s>` and `</s>`; `lines` (L + 1): where each line begins in `ids`;

    `docs` (D + 1): where each document begins in `lines`; `starts` (L): where each line begins in the joined code points of the texts, -1
    where the normaliser does not say.
    """

    ids: npt.NDArray[np.uint32]
    lines: npt.NDArray[np.int64]
    docs: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]


@lru_cache(maxsize=1)
def fold_points() -> npt.NDArray[np.uint32]:
    """(1,114,112) what each code point becomes: 0 nothing, 10 a line feed, 32 a blank; `JOINS` is set on what makes words with its like."""
    out = np.arange(MAX_CODE_POINT, dtype=np.uint32)
    out[0xAC00:0xD7A4] |= np.uint32(JOINS)
    for point in _CHECKED:
        out[point] = _folded(chr(point))
    for low, high in _KANA:  # each a token of its own, like Han
        out[low : high + 1] &= np.uint32(POINT)
    return out


def _folded(c: str) -> int:
    category = unicodedata.category(c)
    if c in "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029":
        return 10
    if c.isspace() or category == "Zs" or c == BLANK:
        return 32
    if category in ("Cc", "Cf", "Cs") or 0xFE00 <= ord(c) <= 0xFE0F or 0xE0100 <= ord(c) <= 0xE01EF:
        return 0
    if category == "Nd":
        return ord("0") | JOINS
    if "！" <= c <= "～" and c.isalpha():
        c = unicodedata.normalize("NFKC", c)
    small = c.lower()
    point = ord(small) if len(small) == 1 else ord(c)
    return point | JOINS if category[0] in "LNM" else point


@lru_cache(maxsize=1)
def _translation() -> dict[int, str | None]:
    table = fold_points() & np.uint32(POINT)
    return {int(p): chr(table[p]) if table[p] else None for p in np.flatnonzero(table != np.arange(MAX_CODE_POINT, dtype=np.uint32))}


def normalise(text: str) -> str:
    """The text as the models see it: a line for each paragraph that is not empty.

    >>> normalise("ＡＢＣ　２０２４年，\\r\\n\\n  Hello\\t World ")
    'abc 0000年，\\nhello world'
    """
    text = re.sub(" +", " ", text.translate(_translation()).replace("\0", ""))
    return re.sub(" ?\n[\n ]*", "\n", text).strip(" \n")


@lru_cache(maxsize=4)
def load_sentencepiece(path: Path) -> Any:
    """The SentencePiece model of a file. Raises ModelError when it cannot be read, or sentencepiece is not installed."""
    try:
        import sentencepiece
    except ImportError as exc:
        raise ModelError("sentencepiece is not installed: pip install 'corpus-cleaning[sentencepiece]'") from exc
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as exc:
        raise ModelError(f"{path}: not a SentencePiece model: {exc}") from exc


@dataclass(frozen=True, slots=True)
class Units:
    """How text becomes tokens. `kind`: char, word, jieba or sp (SentencePiece, by the model file `pieces`)."""

    kind: str = "char"
    normaliser: str = NORMALISER
    version: int = NORMALISER_VERSION
    pieces: Path | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ModelError(f"unknown unit '{self.kind}'; allowed: {', '.join(KINDS)}")
        if (self.kind == "sp") != (self.pieces is not None):
            raise ModelError("unit 'sp' needs a SentencePiece model (--sp-model FILE), and no other unit takes one")
        if self.normaliser == NORMALISER and self.version != NORMALISER_VERSION:
            raise ModelError(f"normaliser {self.normaliser} {self.version}: here is version {NORMALISER_VERSION}; train the model again")

    def normalise(self, text: str) -> str:
        """The text as the models see it."""
        if self.normaliser == "ccnet":
            from cleaning.models.lm.ccnet import normalise as of_ccnet

            return of_ccnet(text)
        return normalise(text)

    def lines(self, text: str) -> list[str]:
        """The sentences of a document, for a language model: its normalised lines, without empty ones."""
        return [line for line in self.normalise(text).split("\n") if line]

    def tokens(self, line: str) -> list[str]:
        """The tokens of a normalised line.

        >>> Units("char").tokens("你好 ab"), Units("word").tokens("don't 看2023年のab1")
        (['你', '好', '▁', 'a', 'b'], ['don', "'", 't', '看', '2023', '年', 'の', 'ab1'])
        """
        if self.kind == "char":
            return list(line.replace(" ", BLANK))
        if self.kind == "word":
            return _words(line)
        if self.kind == "jieba":
            from cleaning.text.segment import load_jieba

            return [word for word in load_jieba().lcut(line, HMM=False) if not word.isspace()]
        assert self.pieces is not None
        pieces = load_sentencepiece(self.pieces).encode(line, out_type=str)
        return [piece.replace(" ", BLANK) for piece in pieces if piece.strip()]

    def encode(self, text: str, vocab: Vocabulary) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """(ids, line offsets) of one text; see `encode_texts`."""
        encoded = self.encode_texts([text], vocab)
        return encoded.ids, encoded.lines

    def encode_texts(self, texts: Sequence[str], vocab: Vocabulary, *, learn: bool = False) -> Encoded:
        """The numbers of all tokens of some texts. `learn` adds new tokens to the vocabulary in the order of their first appearance."""
        if self.normaliser != NORMALISER:
            return self._by_line([self.lines(text) for text in texts], None, vocab, learn)
        parts, first, size = [], 0, 0
        for i, text in enumerate(texts):  # in batches, so that arrays for the work stay small
            size += len(text)
            if size >= _BATCH:
                parts.append(self._encode_batch(list(texts[first : i + 1]), vocab, learn))
                first, size = i + 1, 0
        if first < len(texts) or not parts:
            parts.append(self._encode_batch(list(texts[first:]), vocab, learn))
        return parts[0] if len(parts) == 1 else _joined(parts, texts)

    def _encode_batch(self, texts: list[str], vocab: Vocabulary, learn: bool) -> Encoded:
        codes, offsets = utf32(texts)
        folded, lines, docs, starts = fold_lines(codes, offsets, fold_points())
        if self.kind == "char":
            return Encoded(char_ids(folded, vocab, ord(BLANK), learn), lines, docs, starts)
        if self.kind == "word":
            ids, lines = word_ids(folded, lines, vocab, learn)
            return Encoded(ids, lines, docs, starts)
        joined = (folded & np.uint32(POINT)).tobytes().decode("utf-32-le")
        cuts = lines.tolist()
        of = [[joined[cuts[i] : cuts[i + 1]] for i in range(docs[d], docs[d + 1])] for d in range(len(texts))]
        return self._by_line(of, starts, vocab, learn)

    def _by_line(self, of: list[list[str]], starts: npt.NDArray[np.int64] | None, vocab: Vocabulary, learn: bool) -> Encoded:
        """The slow path: tokens of each line as strings, `of` the documents."""
        number = vocab.learn if learn else vocab.find
        rows = [[number(token) for token in self.tokens(line)] for lines in of for line in lines]
        if learn:  # `<s>` and its like as text: no token of a corpus may be called so
            rows = [[i for i in row if i] for row in rows]
        ids = np.array([i for row in rows for i in row], np.uint32)
        return Encoded(ids, _offsets(rows), _offsets(of), np.full(len(rows), -1, np.int64) if starts is None else starts)


def _words(line: str) -> list[str]:
    table, out, open_word = fold_points(), list[str](), False
    for c in line:
        joins = bool(table[ord(c)] & np.uint32(JOINS))
        if joins and open_word:
            out[-1] += c
        elif c != " ":
            out.append(c)
        open_word = joins
    return out


def _offsets(rows: Sequence[Sequence[Any]]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)


def _joined(parts: list[Encoded], texts: Sequence[str]) -> Encoded:
    lines, docs, starts = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)], []
    tokens = line_count = doc_count = points = 0
    for part in parts:
        lines.append(part.lines[1:] + tokens)
        docs.append(part.docs[1:] + line_count)
        starts.append(np.where(part.starts < 0, -1, part.starts + points))
        tokens, line_count = tokens + part.ids.size, line_count + part.lines.size - 1
        points += sum(len(text) for text in texts[doc_count : doc_count + part.docs.size - 1])
        doc_count += part.docs.size - 1
    return Encoded(np.concatenate([part.ids for part in parts]), np.concatenate(lines), np.concatenate(docs), np.concatenate(starts))
