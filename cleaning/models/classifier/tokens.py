"""The text as a classifier sees it: one line of tokens for each document, which is also a line of fastText's training file.

The normaliser `cleaning-tokens` works on code points one by one. Letters and digits of full width become half width, capitals
small, traditional characters simplified; every decimal digit becomes 0, so that a number counts by its length; controls and
invisible characters go. A Han character, kana or syllable of Hangul is a token, so is a run of letters (32 at most), a run of
digits (12 at most), each mark (of the same one no more than three in a row), and a line break. A document of more than 32,768
characters is read through eight windows of 4,096, evenly spread, the first at its head and the last at its tail.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from cleaning.errors import ModelError
from cleaning.models.classifier.kernels import ALONE, BLANK, DIGIT, DROP, KIND, LETTER, MARK, NEWLINE, Bytes, Int64, token_lines
from cleaning.text.charclass import char_tables, classes_with, fold_table, utf32

NORMALISER, NORMALISER_VERSION = "cleaning-tokens", 1
KINDS = ("char", "jieba", "words")
Kind = Literal["char", "jieba", "words"]
WINDOW, WINDOWS = 4096, 8  # characters; a longer document than their product is read through windows
_RESERVED = ("__label__", "</s>")  # what fastText would not take for a word


def view(text: str) -> str:
    """What is read of a text: all of it, or windows of a long one, a line break between them.

    >>> len(view("字" * 32768)), len(view("字" * 1000000))
    (32768, 32775)
    """
    if len(text) <= WINDOW * WINDOWS:
        return text
    starts = [k * (len(text) - WINDOW) // (WINDOWS - 1) for k in range(WINDOWS)]
    return "\n".join([text[start : start + WINDOW] for start in starts])


@dataclass(frozen=True, slots=True)
class Lines:
    """`data`: lines of tokens in UTF-8, each with its newline; `starts` (n + 1): the byte at which each begins."""

    data: Bytes
    starts: Int64

    def line(self, k: int) -> bytes:
        """One line without its newline."""
        return self.data[self.starts[k] : self.starts[k + 1] - 1].tobytes()


@dataclass(frozen=True, slots=True)
class Tokens:
    """How text becomes tokens. `kind`: char (the default); jieba (words of Chinese as jieba cuts them, the rest as char); words (what
    stands between blanks, untouched: for models that others have trained).
    """

    kind: Kind = "char"
    version: int = NORMALISER_VERSION

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ModelError(f"unknown unit '{self.kind}'; allowed: {', '.join(KINDS)}")
        if self.version != NORMALISER_VERSION:
            raise ModelError(f"normaliser {NORMALISER} {self.version}: here is version {NORMALISER_VERSION}; train the model again")

    def lines(self, texts: Sequence[str]) -> Lines:
        """A line of tokens for each text.

        >>> Tokens().lines(["加V信 ＡＢＣ１２３！"]).line(0).decode()
        '加 v 信 abc 000 !'
        """
        views = [view(text) for text in texts]
        if self.kind != "char":
            return _joined([_words(text) if self.kind == "words" else _jieba(text) for text in views])
        codes, offsets = utf32(views)
        out, starts = np.empty(5 * codes.size + 4 * len(views) + 8, np.uint8), np.zeros(len(views) + 1, np.int64)
        size = token_lines(codes, offsets, kind_table(), out, starts)
        return Lines(out[:size], starts)


@lru_cache(maxsize=1)
def kind_table() -> npt.NDArray[np.uint32]:
    """(65536) for each code point of the basic plane: what it is folded to, and its kind above."""
    table = fold_table().copy()
    of_class = np.full(256, MARK, np.uint32)
    of_class[classes_with("control", "invisible", "private", "replacement", "mark")] = DROP
    of_class[classes_with("latin", "other_letter")] = LETTER
    of_class[classes_with("digit")] = DIGIT
    of_class[classes_with("space")] = BLANK
    of_class[classes_with("han", "kana", "hangul")] = ALONE
    kind = of_class[char_tables().class_of[:0x10000]]
    kind[[ord(c) for c in "\n\r\x0b\x0c\x85\u2028\u2029"]] = NEWLINE
    table[kind == NEWLINE] = ord("¶")
    table[kind == DIGIT] = ord("0")
    table[0xD800:0xE000] = 0xFFFD
    # what a letter is folded to may be a mark and the other way round; the kind is that of what stands in the text
    return table | kind.astype(np.uint32) << np.uint32(KIND)


def _words(text: str) -> list[str]:
    return [word for word in text.split() if not word.startswith(_RESERVED)]


def _jieba(text: str) -> list[str]:
    """Words of the folded text. Marks and numbers as the unit char has them, so that only the Chinese differs."""
    from cleaning.text.segment import load_jieba

    out: list[str] = []
    for token in Tokens().lines([text]).line(0).decode("utf-8").split(" "):
        if out and len(token) == 1 and _is_han(token) and _is_han(out[-1][-1:]):
            out[-1] += token
        else:
            out.append(token)
    cut = load_jieba().lcut
    return [word for run in out for word in (cut(run, HMM=False) if run and _is_han(run[0]) else [run]) if word]


def _is_han(c: str) -> bool:
    return "\u3400" <= c <= "\u9fff" or c >= "\U00020000"


def _joined(of: list[list[str]]) -> Lines:
    rows = [" ".join(words).encode("utf-8", "replace") + b"\n" for words in of]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return Lines(np.frombuffer(b"".join(rows), np.uint8), starts)
