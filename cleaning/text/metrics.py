"""Computing the metrics of `metric_table` for a batch of texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import zstandard

from cleaning.text import gram_kernels, kernels, patterns, unit_kernels
from cleaning.text.charclass import FLAGS, Encoded, char_tables, classes_with, utf32
from cleaning.text.junctions import FunctionWords, function_tables, odd_letters
from cleaning.text.metric_table import METRICS, Metric

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
_FLAG = {name: i for i, name in enumerate(FLAGS)}


class MetricSet:
    """Computes the metrics with the given names, in that order, for batches of texts."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))
        unknown = [name for name in self.names if name not in METRICS or METRICS[name].group == "notes"]
        if unknown:
            raise KeyError(f"unknown metrics: {unknown}")
        self.column = {name: i for i, name in enumerate(self.names)}
        self._groups = {METRICS[name].group for name in self.names}
        self._top = np.array([n for n in (2, 3, 4) if f"top_{n}gram_ratio" in self.column], np.int64)
        self._dup = np.array([n for n in (*range(5, 11), 13) if f"dup_{n}gram_ratio" in self.column], np.int64)
        self._distinct = any(name.endswith("_distinct") and METRICS[name].group == "chars" for name in self.names)
        if "jieba" in self._groups:
            from cleaning.text.segment import load_jieba

            load_jieba()

    def compute(self, texts: list[str], encoded: Encoded | None = None) -> Matrix:
        """(len(texts), len(names)) float32. `encoded` is `utf32(texts)`, where the caller has it already."""
        out = np.full((len(texts), len(self.names)), np.nan, np.float32)
        if not texts or not self.names:
            return out
        values = self._values(texts, encoded or utf32(texts))
        for name, column in self.column.items():
            out[:, column] = values[name]
        return out

    def _values(self, texts: list[str], encoded: Encoded) -> dict[str, Any]:
        codes, offsets = encoded
        count, lengths = len(texts), np.diff(offsets)
        tables, masks, groups = char_tables(), _masks(), self._groups
        values: dict[str, Any] = {}
        by_flag = np.zeros((count, len(FLAGS)), np.int64)
        kernels.count_flags(codes, offsets, tables.class_of, *flag_lists(), by_flag)
        values.update(_char_values(by_flag, lengths))
        if self._distinct:
            values.update(_stop_values(codes, offsets))
        if groups & {"units", "repetition", "lines", "runs", "frequencies"}:
            rows, entropy = np.zeros((count, len(unit_kernels.UNIT_COLUMNS)), np.int64), np.zeros(count)
            kinds = (masks.unit_kind, masks.is_upper, masks.lower, masks.is_mark, masks.is_blank)
            how = (tables.class_of, *kinds, *masks.words, unit_kernels.entropy_gain())
            hashes, chars, ends = np.empty(codes.size, np.uint64), np.empty(codes.size, np.int32), np.zeros(count + 1, np.int64)
            unit_kernels.measure_units(codes, offsets, *how, hashes, chars, ends, rows, entropy)
            values.update(_unit_values(rows, entropy, by_flag))
            tokens = _Tokens(hashes[: ends[-1]], chars[: ends[-1]], ends)
            share = np.zeros((count, self._top.size + self._dup.size))
            if share.size:
                gram_kernels.measure_repetition(*tokens, self._top, self._dup, share)
            names = [f"top_{n}gram_ratio" for n in self._top.tolist()] + [f"dup_{n}gram_ratio" for n in self._dup.tolist()]
            values.update({name: share[:, i] for i, name in enumerate(names)})
            if "runs" in groups:
                values.update(_run_values(tokens))
            if "frequencies" in groups:
                values.update(_frequency_values(codes, offsets, tokens))
        if "lines" in groups:
            rows = np.zeros((count, len(kernels.LINE_COLUMNS)), np.int64)
            kernels.measure_lines(codes, offsets, tables.class_of, masks.line_bits, masks.unit_kind, rows)
            values.update(_line_values(rows, lengths, values["units"]))
        if "clauses" in groups:
            rows = np.zeros((count, len(kernels.CLAUSE_COLUMNS)), np.int64)
            marks = (masks.unit_kind, masks.is_han, masks.is_punct, masks.is_stop, masks.splits, odd_letters(), masks.is_wide_mark)
            kernels.measure_clauses(codes, offsets, tables.class_of, *marks, rows)
            values.update(_clause_values(rows, by_flag, values["chars"]))
        for group, compute in _MORE.items():
            if group in groups:
                values.update(compute(texts))
        return values


def histogram(metric: Metric, values: Matrix) -> list[int]:
    """Counts per bin of `metric.edges`, then above, then NaN."""
    good = values[~np.isnan(values)]
    bins = np.bincount(np.searchsorted(np.asarray(metric.edges, np.float32), good, side="left"), minlength=len(metric.edges) + 1)
    return [*bins.tolist(), int(values.size - good.size)]


# -- from counts to metrics -------------------------------------------------------------------------------------------------


def _ratio(part: Any, whole: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.asarray(whole) > 0, np.asarray(part) / whole, np.nan)


def _char_values(by_flag: Counts, lengths: Counts) -> dict[str, Any]:
    def total(*flags: str) -> Floats:
        out: Floats = by_flag[:, [_FLAG[name] for name in flags]].sum(axis=1).astype(np.float64)
        return out

    blank = total("space", "newline")
    chars = lengths - blank
    han, digits, kana, hangul, latin = total("han"), total("digit"), total("kana"), total("hangul"), total("latin")
    foreign = kana + hangul + total("other_letter")
    letters = han + latin + foreign
    traditional = total("traditional")
    return {
        "chars": chars,
        "all_chars": lengths,
        "han_char_ratio": _ratio(han, chars),
        "letter_ratio": _ratio(letters + digits, chars),
        "alnum_ratio": _ratio(letters + digits, lengths),
        "special_char_ratio": _ratio(chars - letters - digits, lengths),
        "latin_char_ratio": _ratio(latin, chars),
        "zh_en_digit_ratio": _ratio(han + latin + digits, chars),
        "kana_ratio": _ratio(kana, letters),
        "hangul_ratio": _ratio(hangul, letters),
        "foreign_letter_ratio": _ratio(foreign, letters),
        "foreign_char_ratio": _ratio(foreign, chars),
        "digit_ratio": _ratio(digits, letters + digits),
        "digit_per_letter": _ratio(digits, letters),
        "upper_ratio": _ratio(total("upper"), latin),
        "punct_ratio": _ratio(total("punct"), chars),
        "punct_per_letter": _ratio(total("punct"), letters),
        "han_punct_ratio": _ratio(total("han_punct"), chars),
        "symbol_ratio": _ratio(total("symbol"), chars),
        "emoji_ratio": _ratio(total("emoji"), chars),
        "paren_ratio": _ratio(total("paren"), chars),
        "curly_ratio": _ratio(total("curly"), chars),
        "curly_count": total("curly"),
        "space_ratio": _ratio(total("space"), lengths),
        "whitespace_ratio": _ratio(blank, lengths),
        "terminal_per_char": _ratio(total("terminal"), chars),
        "garble_ratio": _ratio(total("replacement", "private", "control"), chars),
        "box_ratio": _ratio(total("box"), chars),
        "rare_han_ratio": _ratio(total("rare_han"), han),
        "common_han_ratio": _ratio(total("common_han"), han),
        "traditional_ratio": _ratio(traditional, traditional + total("simplified")),
        "stop_han_ratio": _ratio(total("stop_han"), han),
        "stop_modern_ratio": _ratio(total("stop_modern"), han),
        "stop_classical_ratio": _ratio(total("stop_classical"), han),
    }


def _stop_values(codes: Any, offsets: Counts) -> dict[str, Any]:
    tables = char_tables()
    number = np.full((2, 256), -1, np.int64)
    for row, mask in enumerate((tables.stop_zh, tables.stop_lzh)):
        number[row, mask] = np.arange(mask.sum())
    out = np.zeros((len(offsets) - 1, 2), np.int64)
    kernels.count_distinct(codes, offsets, tables.class_of, number, out)
    return {"stop_zh_distinct": out[:, 0], "stop_lzh_distinct": out[:, 1]}


def _line_values(rows: Counts, lengths: Counts, units: Any) -> dict[str, Any]:
    at = dict(zip(kernels.LINE_COLUMNS, rows.T, strict=True))
    lines, chars = at["lines"], at["chars"]
    return {
        "lines": lines,
        "mean_line_chars": _ratio(chars, lines),
        "max_line_chars": at["longest"],
        "newline_ratio": _ratio(at["newlines"], lengths),
        "newlines_per_unit": _ratio(at["newlines"], units),
        "terminated_line_ratio": _ratio(at["terminated"], lines),
        "terminated_char_ratio": _ratio(at["terminated_chars"], chars),
        "bullet_line_ratio": _ratio(at["bullet"], lines),
        "ellipsis_line_ratio": _ratio(at["ellipsis"], lines),
        "short_line_ratio": _ratio(at["short"], lines),
        "menu_char_ratio": _ratio(at["menu_chars"], chars),
        "long_line_char_ratio": _ratio(at["long_chars"], chars),
        "dup_line_ratio": _ratio(at["repeated"], lines),
        "dup_line_char_ratio": _ratio(at["repeated_chars"], chars),
        "paragraphs": at["paragraphs"],
        "dup_paragraph_ratio": _ratio(at["repeated_paragraphs"], at["paragraphs"]),
        "dup_paragraph_char_ratio": _ratio(at["repeated_paragraph_chars"], chars),
        "code_char_ratio": _ratio(at["code_chars"], chars),
        "table_line_ratio": _ratio(at["table"], lines),
        "numbered_line_ratio": _ratio(at["numbered"], lines),
        "article_line_ratio": _ratio(at["article"], lines),
        "dialogue_line_ratio": _ratio(at["dialogue"], lines),
        "verse_line_ratio": _ratio(at["verse"], lines),
    }


def _clause_values(rows: Counts, by_flag: Counts, chars: Any) -> dict[str, Any]:
    clauses, verse, han, longest, interleave, sentences, split, url_chars, pairs, odd_pairs, marks, odd_marks = rows.T
    letters = by_flag[:, [_FLAG[n] for n in ("han", "latin", "kana", "hangul", "other_letter", "digit")]].sum(axis=1)
    return {
        "verse_ratio": _ratio(verse, clauses),
        "mean_clause_chars": _ratio(han, clauses),
        "max_clause_units": longest,
        "interleave_max": interleave,
        "split_han_ratio": _ratio(split, by_flag[:, _FLAG["han"]]),
        "url_char_ratio": _ratio(url_chars, chars),
        "odd_mark_ratio": _ratio(odd_marks, marks),
        "odd_marks": odd_marks,
        "odd_letter_ratio": _ratio(odd_pairs, pairs),
        "sentences": np.maximum(sentences, letters > 0),
    }


def _unit_values(rows: Counts, entropy: Floats, by_flag: Counts) -> dict[str, Any]:
    at = dict(zip(unit_kernels.UNIT_COLUMNS, rows.T, strict=True))
    units, han, words = at["units"], at["han"], at["words"]
    hashes, dots = by_flag[:, _FLAG["hash"]], by_flag[:, _FLAG["ellipsis"]]
    return {
        "units": units,
        "words": words,
        "han_unit_ratio": _ratio(han, units),
        "word_ratio": _ratio(words, units),
        "digit_unit_ratio": _ratio(at["digits"], units),
        "alpha_unit_ratio": _ratio(han + words, units),
        "mean_word_chars": _ratio(at["word_chars"], words),
        "max_word_chars": at["longest_word"],
        "capital_word_ratio": _ratio(at["capital_words"], words),
        "hash_ellipsis_per_unit": _ratio(hashes + dots, units),
        "hash_per_unit": _ratio(hashes, units),
        "ellipsis_per_unit": _ratio(dots, units),
        "digit_symbol_per_unit": _ratio(by_flag[:, _FLAG["digit"]] + by_flag[:, _FLAG["symbol"]], han + words),
        "stop_en_ratio": _ratio(at["stop_en"], words),
        "stop_en_distinct": at["stop_en_distinct"],
        "unique_unit_ratio": _ratio(at["head_distinct"], at["head"]),
        "distinct_unit_ratio": _ratio(at["distinct"], units),
        "unit_entropy": entropy,
        "mean_segment_units": _ratio(units, at["breaks"] + (units > 0)),
        "single_letter_ratio": _ratio(at["single_letters"], words),
        "mixed_case_ratio": _ratio(at["mixed_case"], words),
        "diversity": _ratio(at["head_distinct"], at["head"] ** 0.8),
        "contact_marks": at["numbers"] + at["handles"],
        "broken_junctions": at["broken"],
        "broken_junction_ratio": _ratio(at["broken"], units),
    }


def _run_values(tokens: _Tokens) -> dict[str, Any]:
    rows = np.zeros((tokens.ends.size - 1, 3), np.int64)
    gram_kernels.measure_runs(tokens.hashes, tokens.ends, rows)
    return {"repeat_run": rows[:, 0], "repeat_run_ratio": _ratio(rows[:, 1], rows[:, 2])}


def _frequency_values(codes: Any, offsets: Counts, tokens: _Tokens) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, n, hashes, ends, column in (
        ("char_rep", 3, codes.astype(np.uint64), offsets, 2), ("char_rep", 10, codes.astype(np.uint64), offsets, 2),
        ("unit_rep", 5, tokens.hashes, tokens.ends, 1), ("unit_rep", 10, tokens.hashes, tokens.ends, 1),
    ):  # fmt: skip
        rows = np.zeros((offsets.size - 1, 3), np.int64)
        gram_kernels.count_grams(hashes, ends, n, rows)
        values[f"{name}_{n}gram_ratio"] = _ratio(rows[:, column], rows[:, 0])
    return values


def _zstd_values(texts: list[str]) -> dict[str, Any]:
    pack = zstandard.ZstdCompressor(level=3).compress
    data = [text.encode("utf-8", "surrogatepass") for text in texts]
    return {"zstd_ratio": _ratio(np.array([len(pack(d)) for d in data]), np.array([len(d) for d in data]))}


def _pattern_values(texts: list[str]) -> dict[str, Any]:
    rows = np.array([patterns.measure_patterns(text) for text in texts], np.float64).reshape(len(texts), len(patterns.PATTERN_METRICS))
    return dict(zip(patterns.PATTERN_METRICS, rows.T, strict=True))


def _jieba_values(texts: list[str]) -> dict[str, Any]:
    from cleaning.text.segment import measure_words

    return measure_words(texts)


_MORE: dict[str, Callable[[list[str]], dict[str, Any]]] = {"zstd": _zstd_values, "patterns": _pattern_values, "jieba": _jieba_values}


class _Tokens(NamedTuple):
    """Hashes and lengths of all units of a batch, and where those of each document begin (n + 1)."""

    hashes: npt.NDArray[np.uint64]
    chars: npt.NDArray[np.int32]
    ends: Counts


@lru_cache(maxsize=1)
def flag_lists() -> tuple[Counts, Counts]:
    """The flags of each class for `count_flags`: (257,) where those of a class begin, then all of them."""
    members = [np.flatnonzero([bool(int(b) >> f & 1) for f in range(len(FLAGS))]) for b in char_tables().bits]
    return np.concatenate([[0], np.cumsum([len(m) for m in members])]), np.concatenate(members)


class _Masks(NamedTuple):
    line_bits: npt.NDArray[np.int64]
    unit_kind: npt.NDArray[np.uint8]
    is_upper: npt.NDArray[np.bool_]
    is_han: npt.NDArray[np.bool_]
    is_punct: npt.NDArray[np.bool_]
    is_mark: npt.NDArray[np.bool_]
    is_blank: npt.NDArray[np.bool_]
    is_stop: npt.NDArray[np.bool_]
    splits: npt.NDArray[np.bool_]
    is_wide_mark: npt.NDArray[np.bool_]
    lower: npt.NDArray[np.uint32]
    words: FunctionWords


@lru_cache(maxsize=1)
def _masks() -> _Masks:
    """What the kernels need to know of each class."""
    kind = np.zeros(256, np.uint8)
    kind[classes_with("digit")] = 3
    kind[classes_with("latin", "other_letter", "mark")] = 2
    kind[classes_with("han", "kana", "hangul")] = 1
    lower = np.array([ord(chr(p).lower()) if len(chr(p).lower()) == 1 else p for p in range(0x590)], np.uint32)
    line_bits = np.zeros(256, np.int64)
    for bit, names in (
        (kernels.SPACE, ("space", "newline", "invisible")), (kernels.END, ("terminal",)), (kernels.CLOSER, ("closer",)),
        (kernels.BULLET, ("bullet",)), (kernels.DOTS, ("ellipsis",)), (kernels.HAN, ("han",)), (kernels.PLAIN, ("punct",)),
        (kernels.CODE, ("code_mark",)), (kernels.QUOTE, ("quote_open",)), (kernels.DIGIT, ("digit",)), (kernels.NUMERAL, ("han_numeral",)),
        (kernels.BAR, ("bar",)),
    ):  # fmt: skip
        line_bits[classes_with(*names)] |= bit
    splits = classes_with("latin", "symbol", "bar", "splitter") & ~classes_with("clause_mark", "terminal", "quote_open", "closer", "paren")
    return _Masks(
        line_bits, kind, classes_with("upper"), classes_with("han"), classes_with("punct"),
        classes_with("clause_mark"), classes_with("space"), classes_with("sentence_end"), splits, classes_with("wide_mark"), lower,
        function_tables(),
    )  # fmt: skip
