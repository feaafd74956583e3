"""Every number that a rule may ask for, and how it is computed for a batch.

`METRICS` is the one table: name, group, scale, meaning. A rule set names metrics, names pull groups, nothing else is computed. An
undefined ratio (nothing to divide by) is NaN, and NaN never acts.

The counting unit needs no tokenizer: one Han, kana or Hangul character is a unit, and so is one run of letters or digits of any
other script. "Units" below are these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.text.charclass import char_tables, classes_with, utf32

if TYPE_CHECKING:
    pass

Matrix = npt.NDArray[np.float32]
_RATIO_EDGES = tuple(np.linspace(0, 1, 51)[1:].round(4).tolist())
_COUNT_EDGES = tuple(float(x) for x in (0, *(10**p * m for p in range(8) for m in (1, 2, 5))))
_SMALL_EDGES = tuple(float(x) for x in np.arange(0.5, 25.5, 0.5))


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table. `scale`: ratio (0 to 1), count (0 to millions) or small (0 to 25): the histogram's edges."""

    name: str
    group: str
    scale: str
    doc: str

    @property
    def edges(self) -> tuple[float, ...]:
        """Upper edges of the histogram's bins; one more bin takes what lies above, the last one NaN."""
        return {"ratio": _RATIO_EDGES, "count": _COUNT_EDGES, "small": _SMALL_EDGES}[self.scale]


def _table(*rows: tuple[str, str, str, str]) -> dict[str, Metric]:
    return {row[0]: Metric(*row) for row in rows}


METRICS: dict[str, Metric] = _table(
    ("chars", "chars", "count", "characters that are not white space"),
    ("all_chars", "chars", "count", "all characters"),
    ("han_char_ratio", "chars", "ratio", "Han characters / characters that are not white space"),
    ("letter_ratio", "chars", "ratio", "letters of any script (Han included) and digits / characters that are not white space"),
    ("latin_char_ratio", "chars", "ratio", "Latin letters / characters that are not white space"),
    ("kana_ratio", "chars", "ratio", "kana / letters of any script"),
    ("hangul_ratio", "chars", "ratio", "Hangul / letters of any script"),
    ("foreign_letter_ratio", "chars", "ratio", "letters that are neither Han nor Latin (kana, Hangul, Cyrillic …) / letters"),
    ("digit_ratio", "chars", "ratio", "digits / letters and digits"),
    ("upper_ratio", "chars", "ratio", "capital letters / Latin letters"),
    ("punct_ratio", "chars", "ratio", "punctuation marks / characters that are not white space"),
    ("han_punct_ratio", "chars", "ratio", "Chinese punctuation marks / characters that are not white space"),
    ("symbol_ratio", "chars", "ratio", "symbols (mathematical, currency, arrows, boxes, emoji) / characters that are not white space"),
    ("emoji_ratio", "chars", "ratio", "emoji and pictographs / characters that are not white space"),
    ("space_ratio", "chars", "ratio", "white space other than newlines / all characters"),
    ("terminal_per_char", "chars", "ratio", "sentence-ending marks / characters that are not white space"),
    ("hash_ellipsis_per_unit", "units", "ratio", "# and … / units (Gopher's symbol-to-word ratio)"),
    ("curly_ratio", "chars", "ratio", "{ and } / characters that are not white space"),
    ("garble_ratio", "chars", "ratio", "U+FFFD, private-use, control and unassigned characters / characters that are not white space"),
    ("rare_han_ratio", "chars", "ratio", "Han outside GB2312 and Big5 / Han: high in mis-decoded text"),
    ("stop_han_ratio", "chars", "ratio", "modern function characters (的 了 是 …) / Han"),
    ("stop_classical_ratio", "chars", "ratio", "classical function characters (之 乎 者 …) / Han"),
    ("lines", "lines", "count", "lines that are not blank"),
    ("mean_line_chars", "lines", "count", "mean characters of a line, white space not counted"),
    ("max_line_chars", "lines", "count", "characters of the longest line, white space not counted"),
    ("newline_ratio", "lines", "ratio", "newlines / all characters"),
    ("terminated_line_ratio", "lines", "ratio", "lines that end in an end mark or a closing quote or bracket / lines"),
    ("terminated_char_ratio", "lines", "ratio", "characters in lines that end so / characters"),
    ("bullet_line_ratio", "lines", "ratio", "lines that start with a bullet / lines"),
    ("ellipsis_line_ratio", "lines", "ratio", "lines that end in … / lines"),
    ("short_line_ratio", "lines", "ratio", "lines of at most 30 characters / lines"),
    ("menu_char_ratio", "lines", "ratio", "characters in lines of fewer than 7 units without an end mark / characters"),
    ("dup_line_ratio", "lines", "ratio", "lines that stood before in the document / lines"),
    ("dup_line_char_ratio", "lines", "ratio", "characters in lines that stood before / characters"),
    ("verse_ratio", "clauses", "ratio", "runs of Han of the commonest length among 4, 5 and 7 / runs of Han: near 1 in regular verse"),
    ("units", "units", "count", "units"),
    ("han_unit_ratio", "units", "ratio", "Han, kana and Hangul units / units"),
    ("word_ratio", "units", "ratio", "units that are runs with a letter / units"),
    ("digit_unit_ratio", "units", "ratio", "units that are runs of digits / units"),
    ("alpha_unit_ratio", "units", "ratio", "units with a letter, Han included / units"),
    ("mean_word_chars", "units", "small", "mean characters of a run with a letter"),
    ("capital_word_ratio", "units", "ratio", "runs of two or more capitals / runs with a letter"),
    ("stop_en_ratio", "units", "ratio", "English function words / runs with a letter"),
    ("stop_en_distinct", "units", "small", "how many of Gopher's eight stop words occur (the be to of and that have with)"),
    ("unique_unit_ratio", "units", "ratio", "distinct units / units, in the first 1,000 units"),
    ("unit_entropy", "units", "small", "unigram entropy of the units in nats"),
    *(
        (f"top_{n}gram_ratio", f"top_{n}", "ratio", f"characters of the {n}-gram of units that covers most / of all units")
        for n in (2, 3, 4)
    ),
    *(
        (f"dup_{n}gram_ratio", f"dup_{n}", "ratio", f"characters covered by {n}-grams of units that occurred before / of all units")
        for n in (*range(5, 11), 13)
    ),
)

STOP_EN = ("the", "be", "to", "of", "and", "that", "have", "with")
_EXTRA_STOP_EN = (
    "a",
    "in",
    "is",
    "it",
    "for",
    "on",
    "as",
    "was",
    "at",
    "by",
    "this",
    "are",
    "from",
    "or",
    "an",
    "not",
    "we",
    "you",
    "i",
    "but",
)


class MetricSet:
    """Computes the metrics with the given names, in that order, for batches of texts."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        unknown = [name for name in self.names if name not in METRICS]
        if unknown:
            raise KeyError(f"unknown metrics: {unknown}")
        self.column = {name: i for i, name in enumerate(self.names)}
        self._groups = {METRICS[name].group for name in self.names}
        self._top = np.array(sorted(int(g[4:]) for g in self._groups if g.startswith("top_")), np.int64)
        self._dup = np.array(sorted(int(g[4:]) for g in self._groups if g.startswith("dup_")), np.int64)

    def compute(self, texts: list[str]) -> Matrix:
        """(len(texts), len(names)) float32."""
        out = np.full((len(texts), len(self.names)), np.nan, np.float32)
        if not texts or not self.names:
            return out
        codes, offsets = utf32(texts)
        values = self._values(codes, offsets)
        for name, column in self.column.items():
            out[:, column] = values[name]
        return out

    def _values(self, codes: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]) -> dict[str, Any]:
        from cleaning.text import kernels

        tables, count = char_tables(), len(offsets) - 1
        values: dict[str, Any] = {}
        need_chars = bool(self._groups & {"chars", "units", "lines"})
        by_class = np.zeros((count, 256), np.int64)
        if need_chars:
            kernels.count_classes(codes, offsets, tables.class_of, by_class)
            values.update(_char_values(by_class, np.diff(offsets)))
        masks = _masks()
        if "lines" in self._groups:
            rows = np.zeros((count, len(kernels.LINE_COLUMNS)), np.int64)
            kernels.measure_lines(codes, offsets, tables.class_of, *masks[:5], masks.unit_kind, rows)
            values.update(_line_values(rows, np.diff(offsets)))
        if "clauses" in self._groups:
            rows = np.zeros((count, 2), np.int64)
            kernels.measure_clauses(codes, offsets, tables.class_of, masks.is_han, rows)
            values["verse_ratio"] = _ratio(rows[:, 1], rows[:, 0])
        if "units" in self._groups:
            rows = np.zeros((count, len(kernels.UNIT_COLUMNS)), np.int64)
            entropy = np.zeros(count, np.float64)
            how = (tables.class_of, masks.unit_kind, masks.is_upper, masks.lower)
            kernels.measure_units(codes, offsets, *how, masks.stop_en, rows, entropy)
            values.update(_unit_values(rows, entropy, _sum(by_class, "hash", "ellipsis")))
        if self._top.size or self._dup.size:
            share = np.zeros((count, self._top.size + self._dup.size), np.float64)
            kernels.measure_repetition(
                codes, offsets, tables.class_of, masks.unit_kind, masks.is_upper, masks.lower, self._top, self._dup, share
            )
            names = [f"top_{n}gram_ratio" for n in self._top.tolist()] + [f"dup_{n}gram_ratio" for n in self._dup.tolist()]
            values.update({name: share[:, i] for i, name in enumerate(names)})
        return values


def histogram(metric: Metric, values: Matrix) -> list[int]:
    """Counts per bin of `metric.edges`, then above, then NaN."""
    good = values[~np.isnan(values)]
    bins = np.bincount(np.searchsorted(np.asarray(metric.edges, np.float32), good, side="left"), minlength=len(metric.edges) + 1)
    return [*bins.tolist(), int(values.size - good.size)]


# -- from counts to metrics -------------------------------------------------------------------------------------------------


def _sum(by_class: npt.NDArray[np.int64], *flags: str) -> npt.NDArray[np.float64]:
    out: npt.NDArray[np.float64] = by_class[:, classes_with(*flags)].sum(axis=1).astype(np.float64)
    return out


def _ratio(part: Any, whole: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(whole) > 0, np.asarray(part) / whole, np.nan)


def _char_values(by_class: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> dict[str, Any]:
    def total(*flags: str) -> npt.NDArray[np.float64]:
        return _sum(by_class, *flags)

    blank = total("space", "newline")
    chars = lengths - blank
    han, digits = total("han"), total("digit")
    letters = total("han", "kana", "hangul", "latin", "other_letter")
    kana, hangul = total("kana"), total("hangul")
    return {
        "chars": chars,
        "all_chars": lengths,
        "han_char_ratio": _ratio(han, chars),
        "letter_ratio": _ratio(letters + digits, chars),
        "latin_char_ratio": _ratio(total("latin"), chars),
        "kana_ratio": _ratio(kana, letters),
        "hangul_ratio": _ratio(hangul, letters),
        "foreign_letter_ratio": _ratio(kana + hangul + total("other_letter"), letters),
        "digit_ratio": _ratio(digits, letters + digits),
        "upper_ratio": _ratio(total("upper"), total("latin")),
        "punct_ratio": _ratio(total("punct"), chars),
        "han_punct_ratio": _ratio(total("han_punct"), chars),
        "symbol_ratio": _ratio(total("symbol"), chars),
        "emoji_ratio": _ratio(total("emoji"), chars),
        "space_ratio": _ratio(total("space"), lengths),
        "terminal_per_char": _ratio(total("terminal"), chars),
        "curly_ratio": _ratio(total("curly"), chars),
        "garble_ratio": _ratio(total("replacement", "private", "control"), chars),
        "rare_han_ratio": _ratio(total("rare_han"), han),
        "stop_han_ratio": _ratio(total("stop_han"), han),
        "stop_classical_ratio": _ratio(total("stop_classical"), han),
    }


def _line_values(rows: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> dict[str, Any]:
    lines, newlines, chars, longest, ended, ended_chars, bullets, dots, short, menu, repeated, repeated_chars = rows.T
    return {
        "lines": lines,
        "mean_line_chars": _ratio(chars, lines),
        "max_line_chars": longest,
        "newline_ratio": _ratio(newlines, lengths),
        "terminated_line_ratio": _ratio(ended, lines),
        "terminated_char_ratio": _ratio(ended_chars, chars),
        "bullet_line_ratio": _ratio(bullets, lines),
        "ellipsis_line_ratio": _ratio(dots, lines),
        "short_line_ratio": _ratio(short, lines),
        "menu_char_ratio": _ratio(menu, chars),
        "dup_line_ratio": _ratio(repeated, lines),
        "dup_line_char_ratio": _ratio(repeated_chars, chars),
    }


def _unit_values(rows: npt.NDArray[np.int64], entropy: npt.NDArray[np.float64], marks: npt.NDArray[np.float64]) -> dict[str, Any]:
    units, han, words, digits, word_chars, capitals, stops, stop_kinds, head, head_distinct = rows.T
    return {
        "units": units,
        "han_unit_ratio": _ratio(han, units),
        "word_ratio": _ratio(words, units),
        "digit_unit_ratio": _ratio(digits, units),
        "alpha_unit_ratio": _ratio(han + words, units),
        "mean_word_chars": _ratio(word_chars, words),
        "capital_word_ratio": _ratio(capitals, words),
        "stop_en_ratio": _ratio(stops, words),
        "stop_en_distinct": stop_kinds,
        "unique_unit_ratio": _ratio(head_distinct, head),
        "unit_entropy": entropy,
        "hash_ellipsis_per_unit": _ratio(marks, units),
    }


class _Masks(NamedTuple):
    is_space: npt.NDArray[np.bool_]
    is_end: npt.NDArray[np.bool_]
    is_closer: npt.NDArray[np.bool_]
    is_bullet: npt.NDArray[np.bool_]
    is_dots: npt.NDArray[np.bool_]
    unit_kind: npt.NDArray[np.uint8]
    is_upper: npt.NDArray[np.bool_]
    lower: npt.NDArray[np.uint32]
    stop_en: npt.NDArray[np.uint64]
    is_han: npt.NDArray[np.bool_]


@lru_cache(maxsize=1)
def _masks() -> _Masks:
    """Space, end, closer, bullet and dots masks of the line kernel, and what the unit kernels need."""
    blank = classes_with("space", "newline", "invisible")
    kind = np.zeros(256, np.uint8)
    kind[classes_with("digit")] = 3
    kind[classes_with("latin", "other_letter", "mark")] = 2
    kind[classes_with("han", "kana", "hangul")] = 1
    lower = np.array([ord(chr(p).lower()) if len(chr(p).lower()) == 1 else p for p in range(0x590)], np.uint32)
    stop_en = np.array([unit_hash(word) for word in (*STOP_EN, *_EXTRA_STOP_EN)], np.uint64)
    return _Masks(
        blank, classes_with("terminal"), classes_with("closer"), classes_with("bullet"), classes_with("ellipsis"),
        kind, classes_with("upper"), lower, stop_en, classes_with("han"),
    )  # fmt: skip


def unit_hash(unit: str) -> int:
    """The kernel's hash of one lower-case unit (64-bit FNV-1a over code points, last bit set)."""
    h = 14695981039346656037
    for c in unit:
        h = ((h ^ ord(c)) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return h | 1
