"""Lists of boilerplate: whole lines, and phrases of sentences at the head and tail of a document.

`rules/boilerplate/*.txt`: an entry is a whole line; `…` at its end makes it the beginning of one; `<n>` is any number.
`rules/head_tail/*.txt`: an entry is part of a sentence; `^` before it: the sentence begins with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ahocorasick_rs
import numpy as np
import numpy.typing as npt

from cleaning.errors import BlacklistError
from cleaning.text.charclass import utf32
from cleaning.text.line_match import LONGEST_LINE, fold_hash, fold_line, line_table, match_lines
from cleaning.text.view import fold_batch, fold_phrases

_MARKS = "©®™"  # one of these may stand alone
Files = Sequence[tuple[Path, str]]


@dataclass(frozen=True, slots=True)
class LineEntry:
    """One line of a list: where it was written."""

    text: str
    file: str
    line: int


def read_entries(files: Files) -> tuple[list[LineEntry], list[str]]:
    """(entries, faults) of some lists."""
    entries: list[LineEntry] = []
    faults: list[str] = []
    for path, shown in files:
        for number, raw in enumerate(path.read_bytes().split(b"\n"), 1):
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as exc:
                faults.append(f"{shown}:{number}: not UTF-8 (byte 0x{raw[exc.start]:02x} at column {exc.start + 1})")
                continue
            if text and not text.startswith("#"):
                entries.append(LineEntry(text, shown, number))
    return entries, faults


class LineLists:
    """Whole-line lists, compiled. Raises BlacklistError with every fault."""

    def __init__(self, files: Files) -> None:
        self.entries, faults = read_entries(files)
        whole: dict[int, int] = {}
        heads: dict[int, int] = {}
        self._sizes = np.zeros(LONGEST_LINE + 1, np.bool_)
        for i, entry in enumerate(self.entries):
            beginning = entry.text.endswith("…")
            points = fold_line(entry.text.rstrip("…").replace("<n>", "0"), beginning=beginning)
            if len(points) < 2 and not any(chr(p) in _MARKS for p in points):
                faults.append(f"{entry.file}:{entry.line}: '{entry.text}' is {len(points)} characters long; an entry has at least two")
            elif len(points) > LONGEST_LINE:
                faults.append(f"{entry.file}:{entry.line}: {len(points)} characters; a line has at most {LONGEST_LINE}")
            else:
                (heads if beginning else whole).setdefault(fold_hash(points), i)
                if beginning:
                    self._sizes[len(points)] = True
        if faults:
            raise BlacklistError(faults)
        self._whole, self._heads = _open_table(whole), _open_table(heads)

    def match(self, texts: list[str]) -> npt.NDArray[np.int64]:
        """(found, 4): document, first and last + 1 character of a line, number of the entry."""
        codes, offsets = utf32(texts)
        out = np.empty((int((codes == 10).sum()) + len(texts), 4), np.int64)
        found = match_lines(codes, offsets, line_table(), *self._whole, *self._heads, self._sizes, out)
        return out[:found]


def _open_table(entries: dict[int, int]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    size = 16
    while size < 4 * len(entries):
        size *= 2
    keys, ids = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    for key, number in entries.items():
        slot = (key ^ (key >> 29)) % size
        while keys[slot]:
            slot = (slot + 1) % size
        keys[slot], ids[slot] = key, number
    return keys, ids


class PhraseList:
    """Head/tail phrases, compiled. Raises BlacklistError with every fault."""

    def __init__(self, files: Files) -> None:
        self.entries, faults = read_entries(files)
        views = fold_phrases([entry.text.lstrip("^") for entry in self.entries])
        for entry, view in zip(self.entries, views, strict=True):
            if len(view.strip()) < 2:
                faults.append(f"{entry.file}:{entry.line}: '{entry.text}' is one character long; it would take innocent sentences")
        if faults:
            raise BlacklistError(faults)
        self._first = [entry.text.startswith("^") for entry in self.entries]
        patterns = [view.encode() for view in views] or [b"\x00"]
        self._automaton: Any = ahocorasick_rs.BytesAhoCorasick(patterns, implementation=ahocorasick_rs.Implementation.DFA)

    def holds(self, texts: list[str], *, whole_sentences: bool = True) -> dict[int, int]:
        """Number of the text -> number of the first entry in it, for the texts that hold one.

        Where the texts are no single sentences, an entry with `^` may stand anywhere in them.
        """
        view = fold_batch(texts)
        out: dict[int, int] = {}
        for entry, start, _ in self._automaton.find_matches_as_indexes(view.text, overlapping=True):
            which = int(np.searchsorted(view.start, start, side="right")) - 1
            if which not in out and (not (whole_sentences and self._first[entry]) or _only_marks(view.text[view.start[which] : start])):
                out[which] = entry
        return out


def _only_marks(head: bytes) -> bool:
    return not any(c.isalnum() for c in head.decode("utf-8", "ignore"))
