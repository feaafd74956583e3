"""Plain twins of the compiled kernels: slow, on strings, written from what METRICS and LINE_METRICS say each number means.

They share with the kernels the table of character classes (which has tests of its own) and nothing else: no hashing, no arrays. The unit
of counting, the case folding and the window are spelled out again here on purpose.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache

from cleaning.text.charclass import BIT, char_tables

WINDOW = 1 << 18  # units of one window of the repetition and entropy metrics
UNIQUE_UNITS = 1000
GOPHER_STOPS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))
# fmt: off
ALL_STOPS = GOPHER_STOPS | {
    "a", "in", "is", "it", "for", "on", "as", "was", "at", "by", "this", "are", "from", "or", "an", "not", "we", "you", "i", "but",
}
# fmt: on
LETTERS = ("han", "kana", "hangul", "latin", "other_letter")


@cache
def has(c: str, *flags: str) -> bool:
    """Whether the character has any of these flags."""
    tables = char_tables()
    bits = int(tables.bits[tables.class_of[ord(c)]])
    return any(bits & BIT[flag] for flag in flags)


def count_flag(text: str, *flags: str) -> int:
    """Characters of the text that have any of these flags."""
    return sum(has(c, *flags) for c in text)


def count_classes(texts: Sequence[str]) -> list[dict[int, int]]:
    """Characters of each class, for each text."""
    class_of = char_tables().class_of
    return [dict(Counter(int(class_of[ord(c)]) for c in text)) for text in texts]


def find_doubled(text: str) -> bool:
    """Whether a punctuation mark or symbol stands twice in a row."""
    return any(a == b and has(a, "punct", "symbol") for a, b in zip(text, text[1:], strict=False))


# -- lines --------------------------------------------------------------------------------------------------------------------


def measure_lines(text: str) -> dict[str, int]:
    """LINE_COLUMNS of one document.

    Blank are white space *and* invisible characters; two lines are the same when they are so without their blanks.
    """
    out = dict.fromkeys(("lines", "chars", "longest", "terminated", "terminated_chars", "bullet", "ellipsis", "short"), 0)
    out |= {"newlines": text.count("\n"), "menu_chars": 0, "repeated": 0, "repeated_chars": 0}
    seen: set[str] = set()
    for line in text.split("\n"):
        ink = "".join(c for c in line if not has(c, "space", "newline", "invisible"))
        if not ink:
            continue
        ended = has(ink[-1], "terminal", "closer")
        out["lines"] += 1
        out["chars"] += len(ink)
        out["longest"] = max(out["longest"], len(ink))
        out["terminated"] += ended
        out["terminated_chars"] += len(ink) * ended
        out["bullet"] += has(ink[0], "bullet")
        out["ellipsis"] += ink[-1] == "…"
        out["short"] += len(ink) <= 30
        out["menu_chars"] += len(ink) * (not ended and len(list(units(line))) < 7)
        out["repeated"] += ink in seen
        out["repeated_chars"] += len(ink) * (ink in seen)
        seen.add(ink)
    return out


def measure_line(line: str) -> dict[str, float]:
    """LINE_METRICS of one line."""
    ink = [c for c in line if not has(c, "space")]
    latin = count_flag(line, "latin")

    def share(*flags: str) -> float:
        return sum(has(c, *flags) for c in ink) / len(ink) if ink else math.nan

    return {
        "line_chars": float(len(ink)),
        "line_letter_ratio": share(*LETTERS),
        "line_digit_ratio": share("digit"),
        "line_symbol_ratio": share("symbol"),
        "line_punct_ratio": share("punct"),
        "line_upper_ratio": count_flag(line, "upper") / latin if latin else math.nan,
        "line_garble_ratio": share("replacement", "private", "control"),
        "line_terminated": float(bool(ink) and has(ink[-1], "terminal", "closer")),
    }


def count_lines(lines: Sequence[str]) -> list[dict[str, float]]:
    """LINE_METRICS of some lines: the twin of `_count_lines` and of what `line_matrix` makes of it."""
    return [measure_line(line) for line in lines]


# -- units --------------------------------------------------------------------------------------------------------------------


def units(text: str) -> Iterator[str]:
    """One Han, kana or Hangul character, or one run of letters, digits and combining marks of any other script."""
    run = ""
    for c in text:
        if not has(c, "han", "kana", "hangul") and has(c, "latin", "other_letter", "digit", "mark"):
            run += c
            continue
        if run:
            yield run
        run = ""
        if has(c, "han", "kana", "hangul"):
            yield c
    if run:
        yield run


def folded(unit: str) -> str:
    """Lower case for Latin, Greek, Cyrillic and Armenian, where that is one character for one."""
    return "".join(c.lower() if ord(c) < 0x590 and len(c.lower()) == 1 else c for c in unit)


def _windows(items: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(items), WINDOW):
        yield items[start : start + WINDOW]


def measure_units(text: str) -> dict[str, float]:
    """UNIT_COLUMNS of one document, and `entropy`."""
    all_units = list(units(text))
    one = [u for u in all_units if has(u[0], "han", "kana", "hangul")]
    runs = [u for u in all_units if not has(u[0], "han", "kana", "hangul")]
    digits = [u for u in runs if all(has(c, "digit") for c in u)]
    words = [u for u in runs if not all(has(c, "digit") for c in u)]
    stops = [folded(u) for u in words if folded(u) in ALL_STOPS]
    keys = [folded(u) for u in all_units]
    return {
        "units": len(all_units),
        "han": len(one),
        "words": len(words),
        "digits": len(digits),
        "word_chars": sum(map(len, words)),
        "capital_words": sum(len(u) > 1 and all(has(c, "upper") for c in u) for u in words),
        "stop_en": len(stops),
        "stop_en_distinct": len(set(stops) & GOPHER_STOPS),
        "head": len(keys[:UNIQUE_UNITS]),
        "head_distinct": len(set(keys[:UNIQUE_UNITS])),
        "entropy": entropy(keys),
    }


def entropy(keys: list[str]) -> float:
    """Unigram entropy in nats, the mean over windows weighted by their units; NaN without units."""
    if not keys:
        return math.nan
    total = 0.0
    for window in _windows(keys):
        total -= sum(n * math.log(n / len(window)) for n in Counter(window).values())
    return total / len(keys)


def measure_repetition(text: str, top: Sequence[int], dup: Sequence[int]) -> dict[str, float]:
    """`top_n` and `dup_n` for each n asked for."""
    keys = [folded(u) for u in units(text)]
    chars = sum(map(len, keys))
    out = {f"top_{n}": sum(_top_gram(w, n) for w in _windows(keys)) / chars if chars else math.nan for n in top}
    return out | {f"dup_{n}": sum(_covered(w, n) for w in _windows(keys)) / chars if chars else math.nan for n in dup}


def _grams(keys: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(keys[i : i + n]) for i in range(len(keys) - n + 1)]


def _top_gram(keys: list[str], n: int) -> int:
    """Count × characters of the n-gram for which that is most, 0 when none occurs twice.

    Occurrences may overlap, so this is capped at the characters of the window.
    """
    most = max((k * sum(map(len, gram)) for gram, k in Counter(_grams(keys, n)).items() if k > 1), default=0)
    return min(most, sum(map(len, keys)))


def _covered(keys: list[str], n: int) -> int:
    """Characters of the units that stand in an n-gram which has occurred before."""
    seen: set[tuple[str, ...]] = set()
    covered: set[int] = set()
    for i, gram in enumerate(_grams(keys, n)):
        if gram in seen:
            covered.update(range(i, i + n))
        seen.add(gram)
    return sum(len(keys[i]) for i in covered)


# -- clauses ------------------------------------------------------------------------------------------------------------------


def measure_clauses(text: str) -> tuple[int, int]:
    """(runs of Han characters, runs of the commonest length among 4, 5 and 7)."""
    runs = "".join(c if has(c, "han") else " " for c in text).split(" ")
    lengths = Counter(len(run) for run in runs if run)
    return lengths.total(), max(lengths[4], lengths[5], lengths[7])
