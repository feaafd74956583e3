"""Plain twins of the compiled kernels: slow, on strings, written from what the docstrings and the tables of metrics say each number means.

They share with the kernels the table of character classes and the table of function words (which have tests of their own) and nothing
else: no hashing, no arrays. The unit of counting, the case folding, the view and the window are spelled out again here on purpose.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from functools import cache
from itertools import groupby, pairwise, product

from cleaning.text.charclass import BIT, char_tables, script_maps
from cleaning.text.junctions import MARK, bad_pairs, odd_letters

WINDOW = 1 << 18  # units of one window of the repetition and entropy metrics
UNIQUE_UNITS = 1000
LONGEST_LINE = 80
FRONT_LINES = 60
WIDE_MARKS = "，。；！？、："
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


def count_flags(text: str) -> dict[str, int]:
    """Characters of the text that have each flag."""
    return {flag: count_flag(text, flag) for flag in BIT}


def count_distinct(text: str, characters: str) -> int:
    """How many different ones of these characters occur."""
    return len(set(text) & set(characters))


# -- lines --------------------------------------------------------------------------------------------------------------------

_FENCES = ("```", "~~~")
_CODE_ENDS = ("{", "}", ";")


def measure_lines(text: str) -> dict[str, int]:
    """LINE_COLUMNS of one document.

    Blank are white space *and* invisible characters; two lines are the same when they are so without their blanks, two paragraphs when
    their lines are.
    """
    out = Counter[str](newlines=text.count("\n"))
    seen: set[str] = set()
    fence, front = "", False
    for line in text.split("\n"):
        ink = ink_of(line)
        if not ink:
            continue
        ended = has(ink[-1], "terminal", "closer")
        bare = line.strip("".join({c for c in line if blank(c)}))
        out["lines"] += 1
        out["chars"] += len(ink)
        out["longest"] = max(out["longest"], len(ink))
        out["terminated"] += ended
        out["terminated_chars"] += len(ink) * ended
        out["bullet"] += has(ink[0], "bullet")
        out["ellipsis"] += ink[-1] == "…" or bare.endswith("...")
        out["short"] += len(ink) <= 30
        out["repeated"] += ink in seen
        out["repeated_chars"] += len(ink) * (ink in seen)
        out["long_chars"] += len(ink) * (len(ink) >= 61)
        seen.add(ink)
        mark = bare[:3] if is_fence(bare) else ""
        code = bool(fence or mark) or is_program(ink, bare)
        fence = ("" if fence == mark else fence or mark) if mark else fence
        out["code_chars"] += len(ink) * code
        bars = count_flag(ink, "bar")
        strip = not code and bars >= 3 and not ended and ink[0] != "|" and len(ink) <= 12 * (bars + 1)  # Home » News » Sport
        table = not code and not strip and line.count("|") + line.count("\t") >= 2
        out["table"] += table
        # front matter of a Markdown page stands between two --- and is short
        ruler = bare == "---" and (front or out["lines"] == 1)
        front = (not front) if ruler else front and out["lines"] < FRONT_LINES
        entry = not (code or table or front or ruler or ended) and len(list(units(line))) < 7
        out["menu_chars"] += len(ink) * (entry or strip)
        out["numbered"] += heading(bare) == "numbered"
        out["article"] += heading(bare) == "article"
        out["dialogue"] += has(ink[0], "quote_open") or (ended and re.match("[^:：]{1,6}[:：]..", ink) is not None)
        out["verse"] += count_flag(ink, "han") >= 2 and len(ink) <= 24 and all(has(c, "han", "punct") for c in ink)
    paragraphs = [tuple(of) for full, of in groupby(map(ink_of, text.split("\n")), key=bool) if full]
    out["paragraphs"] = len(paragraphs)
    before: set[tuple[str, ...]] = set()
    for paragraph in paragraphs:
        out["repeated_paragraphs"] += paragraph in before
        out["repeated_paragraph_chars"] += len("".join(paragraph)) * (paragraph in before)
        before.add(paragraph)
    return dict(out)


def blank(c: str) -> bool:
    """White space and what cannot be seen."""
    return has(c, "space", "newline", "invisible")


def ink_of(line: str) -> str:
    """What one sees of a line."""
    return "".join(c for c in line if not blank(c))


def is_fence(bare: str) -> bool:
    """Whether a line opens or closes a block of code: ``` or ~~~, but no ~~~~~~ and no ~~~好~~~, which are ornaments."""
    return bare[:3] in _FENCES and not (bare[:1] == "~" and "~" in bare[3:])


def is_program(ink: str, bare: str) -> bool:
    """Whether a line reads like program text: no bullet, no Markdown link; an end of a statement, or many marks of programs.

    With Han in it, an end of a statement and a mark for twenty characters, three at least.
    """
    marks = count_flag(ink, "code_mark")
    shown = ink.endswith(_CODE_ENDS) and marks >= 3 and 20 * marks >= len(ink)
    if (any(has(c, "han") for c in ink) and not shown) or has(ink[0], "bullet") or "](" in bare:
        return False
    return ink.endswith(_CODE_ENDS) or (marks >= 2 and 8 * marks >= len(ink))


def heading(bare: str) -> str:
    """`numbered` for 1. 2) (3) 三、; `article` for 第…条 第…章 （一）; else empty. A number has eight digits at most."""
    shape = "".join("H" if has(c, "han_numeral") else "D" if has(c, "digit") else "x" if c in "HD" else c for c in bare[:12])
    if re.match("第[HD]{1,8}[条條章节節款编編]|[(（](?=D*H)[HD]{1,8}[)）]", shape):
        return "article"
    return "numbered" if re.match("[(（]D{1,8}[)）]|[HD]{1,8}[.)）、．](?!D)", shape) else ""


def measure_line(line: str) -> dict[str, float]:
    """LINE_METRICS of one line."""
    ink = [c for c in line if not has(c, "space")]
    latin = count_flag(line, "latin")
    folded_line, end = line.lower(), "".join(ink)

    def share(*flags: str) -> float:
        return sum(has(c, *flags) for c in ink) / len(ink) if ink else math.nan

    policies = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
    return {
        "line_chars": float(len(ink)),
        "line_letter_ratio": share(*LETTERS),
        "line_digit_ratio": share("digit"),
        "line_symbol_ratio": share("symbol"),
        "line_punct_ratio": share("punct"),
        "line_upper_ratio": count_flag(line, "upper") / latin if latin else math.nan,
        "line_garble_ratio": share("replacement", "private", "control"),
        "line_units": float(len(list(units(line)))),
        "line_max_word_chars": float(max((len(u) for u in units(line) if not is_single(u)), default=0)),
        "line_sentence_end": float(re.search("[.?!][\"”’']?$", end) is not None),
        "line_javascript": float("javascript" in folded_line),
        "line_policy": float(any(words in folded_line for words in policies)),
        "line_terminated": float(bool(ink) and has(ink[-1], "terminal", "closer")),
    }


def count_lines(lines: Sequence[str]) -> list[dict[str, float]]:
    """LINE_METRICS of some lines: the twin of `_count_lines` and of what `line_matrix` makes of it."""
    return [measure_line(line) for line in lines]


# -- units --------------------------------------------------------------------------------------------------------------------


def is_single(c: str) -> bool:
    """Whether the (first) character is a unit of its own."""
    return has(c[0], "han", "kana", "hangul")


def in_run(c: str) -> bool:
    """Whether the character is part of a run of letters and digits."""
    return not is_single(c) and has(c, "latin", "other_letter", "digit", "mark")


def placed_units(text: str) -> list[tuple[str, int]]:
    """The units and where each begins: one Han, kana or Hangul character, or one run of letters, digits and marks of other scripts."""
    shape = "".join("S" if is_single(c) else "r" if in_run(c) else "." for c in text)
    return [(text[m.start() : m.end()], m.start()) for m in re.finditer("S|r+", shape)]


def units(text: str) -> Iterator[str]:
    """The units alone."""
    return (unit for unit, _ in placed_units(text))


def folded(unit: str) -> str:
    """Lower case for Latin, Greek, Cyrillic and Armenian, where that is one character for one."""
    return "".join(c.lower() if ord(c) < 0x590 and len(c.lower()) == 1 else c for c in unit)


def unit_hashes(text: str) -> list[str]:
    """What the hashes stand for: the folded units in order."""
    return [folded(unit) for unit in units(text)]


def _windows(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), WINDOW):
        yield items[start : start + WINDOW]


def measure_units(text: str) -> dict[str, float]:
    """UNIT_COLUMNS of one document, and `entropy`."""
    keys = unit_hashes(text)
    singles = [u for u in units(text) if is_single(u)]
    runs = [u for u in units(text) if not is_single(u)]
    digits = [u for u in runs if all(has(c, "digit") for c in u)]
    words = [u for u in runs if not all(has(c, "digit") for c in u)]
    stops = [folded(u) for u in words if folded(u) in ALL_STOPS]
    return {
        "units": len(keys),
        "han": len(singles),
        "words": len(words),
        "digits": len(digits),
        "word_chars": sum(map(len, words)),
        "capital_words": sum(len(u) > 1 and all(has(c, "upper") for c in u) for u in words),
        "stop_en": len(stops),
        "stop_en_distinct": len(set(stops) & GOPHER_STOPS),
        "head": len(keys[:UNIQUE_UNITS]),
        "head_distinct": len(set(keys[:UNIQUE_UNITS])),
        "distinct": sum(len(set(window)) for window in _windows(keys)),
        "longest_word": max(map(len, words), default=0),
        "broken": broken_junctions(text),
        "numbers": sum(7 <= len(u) <= 12 for u in digits),
        "breaks": breaks(text),
        "single_letters": sum(len(u) == 1 for u in words),
        "mixed_case": sum(is_mixed(u) for u in words),
        "handles": sum(6 <= len(u) <= 20 and any(has(c, "digit") for c in u) for u in words),
        "entropy": entropy(keys),
    }


def breaks(text: str) -> int:
    """Places between two units that end a segment: any mark or newline, and blanks between two Han.

    A single mark between letters is part of a word (don't, example.com, well-known).
    """
    placed, count = placed_units(text), 0
    for k in range(1, len(placed)):
        (before, start), (after, at) = placed[k - 1], placed[k]
        between, singles = text[start + len(before) : at], is_single(before) + is_single(after)
        inside = len(between) == 1 and between != "\n" and not singles
        ends = any(not has(c, "space") for c in between) or singles == 2
        count += bool(k % WINDOW and between and not inside and ends)
    return count


def is_mixed(word: str) -> bool:
    """Whether a capital stands behind a small letter; no word with digits, none in capitals."""
    capitals = [has(c, "upper") for c in word]
    return any(capitals[1:]) and not all(capitals) and not any(has(c, "digit") for c in word)


def entropy(keys: Sequence[str]) -> float:
    """Unigram entropy in nats, the mean over windows weighted by their units; NaN without units."""
    if not keys:
        return math.nan
    total = 0.0
    for window in _windows(keys):
        total -= sum(n * math.log(n / len(window)) for n in Counter(window).values())
    return total / len(keys)


@cache
def _written(word: str) -> str:
    """A word of the table of pairs as it stands there: small and simplified."""
    small = folded(word)
    return script_maps()[1].get(small, small) if "\u4e00" <= small <= "\u9fff" and small not in _PAIR_WORDS else small


_PAIR_WORDS = {MARK, *bad_pairs(), *(word for followers in bad_pairs().values() for word in followers)}


def broken_junctions(text: str) -> int:
    """Pairs of neighbours that stand in `junctions.txt`: of units with nothing (Han) or one blank (words) between, or of a unit and a mark.

    A mark stands directly behind the unit, or before it with at most one blank between it and a word.
    """
    pairs = bad_pairs()
    placed = placed_units(text)
    broken = 0
    for k, (unit, at) in enumerate(placed):
        before, after = text[:at][-2:], text[at + len(unit) :][:1]
        if not is_single(unit) and len(before) == 2 and before[1] == " ":
            before = before[0]
        neighbours = [(MARK, _written(unit))] if before and has(before[-1], "clause_mark") else []
        neighbours += [(_written(unit), MARK)] if after and has(after, "clause_mark") else []
        if k % WINDOW:
            other, start = placed[k - 1]
            joined = text[start + len(other) : at] == ("" if is_single(unit) else " ")
            neighbours += [(_written(other), _written(unit))] if joined else []
        broken += sum(second in pairs.get(first, ()) for first, second in neighbours)
    return broken


def measure_repetition(tokens: Sequence[str], top: Sequence[int], dup: Sequence[int]) -> dict[str, float]:
    """`top_n` and `dup_n` for each n asked for; NaN without tokens."""
    chars = sum(map(len, tokens))
    out: dict[str, float] = {}
    for name, sizes, covered in (("top", top, _top_gram), ("dup", dup, _covered)):
        out.update({f"{name}_{n}": sum(covered(w, n) for w in _windows(tokens)) / chars if chars else math.nan for n in sizes})
    return out


def _grams(keys: Sequence[Hashable], n: int) -> list[tuple[Hashable, ...]]:
    return [tuple(keys[i : i + n]) for i in range(len(keys) - n + 1)]


def _top_gram(keys: Sequence[str], n: int) -> int:
    """Count × characters of the n-gram for which that is most, 0 when none occurs twice.

    Occurrences may overlap, so this is capped at the characters of the window.
    """
    most = max((k * sum(len(str(u)) for u in gram) for gram, k in Counter(_grams(keys, n)).items() if k > 1), default=0)
    return min(most, sum(map(len, keys)))


def _covered(keys: Sequence[str], n: int) -> int:
    """Characters of the units that stand in an n-gram which has occurred before."""
    seen: set[tuple[Hashable, ...]] = set()
    covered: set[int] = set()
    for i, gram in enumerate(_grams(keys, n)):
        if gram in seen:
            covered.update(range(i, i + n))
        seen.add(gram)
    return sum(len(keys[i]) for i in covered)


def measure_runs(tokens: Sequence[str]) -> tuple[int, int, int]:
    """(most immediate repetitions of a stretch of 1 to 16 tokens, tokens inside stretches that repeat four times and more, tokens)."""
    most, inside = 0, set[int]()
    for i in range(len(tokens)):
        for size in range(1, min(16, len(tokens) - i) + 1):
            times, stretch = 1, tokens[i : i + size]
            while tokens[i + times * size : i + (times + 1) * size] == stretch:
                times += 1
            most = max(most, times)
            if times >= 4:
                inside.update(range(i, i + times * size))
    return most, len(inside), len(tokens)


def count_grams(items: Sequence[Hashable], n: int) -> tuple[int, int, int]:
    """(n-grams, those that occur twice and more, occurrences of the √N commonest of N distinct ones that occur twice and more)."""
    counts = Counter(_grams(items, n))
    often = sorted((k for k in counts.values() if k > 1), reverse=True)
    return counts.total(), sum(often), sum(often[: math.isqrt(len(counts))])


# -- clauses ------------------------------------------------------------------------------------------------------------------


def measure_clauses(text: str) -> dict[str, int]:
    """CLAUSE_COLUMNS of one document."""
    runs = [run for run in "".join(c if has(c, "han") else " " for c in text).split(" ") if run]
    lengths = Counter(map(len, runs))
    clauses = "".join("\n" if has(c, "punct") else c for c in text).split("\n")
    stops = "".join("!" if has(c, "sentence_end") else "u" if is_single(c) or in_run(c) else c if c in '. \n"' else "x" for c in text)
    words = re.sub("://[!-~]*", " ", text)
    return {
        "clauses": len(runs),
        "verse_clauses": max(lengths[4], lengths[5], lengths[7]),
        "han": sum(map(len, runs)),
        "longest": max(len(list(units(clause))) for clause in clauses),
        "interleave": max(map(_interleave, clauses)),
        "sentences": len(re.findall(r"!+|(?<=u)\.(?=[ \n\"]|\Z)", stops)),
        "split_han": sum(_splits(*text[i : i + 3]) for i in range(len(text) - 2)),
        "url_chars": sum(len(m[0]) for m in re.finditer("[A-Za-z]*://[!-~]*", text)),
        "pairs": len(re.findall("[a-z](?=[a-z])", words)),
        "odd_pairs": sum(bool(odd_letters()[ord(a) - 97, ord(b) - 97]) for a, b in re.findall("([a-z])(?=([a-z]))", words)),
        **_wide_marks(text),
    }


def _splits(a: str, mark: str, b: str) -> bool:
    """Whether one letter, or one mark that ends no clause, stands alone between two Han."""
    ends = has(mark, "clause_mark", "terminal", "quote_open", "closer", "paren")
    return has(a, "han") and has(b, "han") and has(mark, "latin", "symbol", "bar", "splitter") and not ends


def _wide_marks(text: str) -> dict[str, int]:
    """The marks of Chinese clauses, and those that stand behind another one or (，、；) at the head of a line; not ？！ and 。。"""
    seen = "".join(c for c in "\n" + text if c == "\n" or is_single(c) or in_run(c) or has(c, "punct"))
    odd = 0
    for before, c in zip(seen, seen[1:], strict=False):
        ends = has(before, "sentence_end") and has(c, "sentence_end")
        odd += c in WIDE_MARKS and (before == "\n" and c in "，、；" or before in WIDE_MARKS and before != c and not ends)
    return {"marks": sum(text.count(c) for c in WIDE_MARKS), "odd_marks": odd}


def _interleave(clause: str) -> int:
    """Most changes between Han and other letters or digits in seven neighbouring characters; other characters are passed over."""
    sides = [has(c, "han") for c in clause if is_single(c) or in_run(c)]
    changes = [a != b for a, b in zip(sides, sides[1:], strict=False)]
    return max((sum(changes[i : i + 6]) for i in range(len(changes))), default=0)


# -- the view -----------------------------------------------------------------------------------------------------------------

SEPARATORS = ".·•・‧∙*_-—~|+/\\^`'‘’\"“”°丶丨【】[]()（）{}<>《》☆★◆●○■□▲△▼▽♥❤✿→①=⭐．＊～－＿｜＋／＼＾‵｀＝〈〉「」『』"


@cache
def fold_char(c: str) -> str:
    """Half width, small, simplified, where that is one character for one."""
    if c > "\uffff" or c <= " " or "\ud800" <= c <= "\udfff":
        return c
    narrow = unicodedata.normalize("NFKC", c)
    small = narrow.lower() if len(narrow) == 1 else c.lower()
    return script_maps()[1].get(small, small) if len(small) == 1 else c


@cache
def _in_view(c: str) -> tuple[str, str]:
    """The folded character, and h (Han, kana, Hangul), a (other letters and digits), b (blank), s (separator) or o (anything else)."""
    if c == "\0" or "\ud800" <= c <= "\udfff":
        return "\ufffd", "o"
    if c > "\uffff":
        return c, "h" if has(c, "han") else "o"
    kind = "s" if c in SEPARATORS else "h" if is_single(c) else "a" if in_run(c) else "b" if has(c, "space", "invisible") else "o"
    return fold_char(c), kind


def fold_codes(text: str) -> str:
    """The view of one text, without the newline that ends it."""
    kinds = "".join(_in_view(c)[1] for c in text)
    parts: list[str] = []
    for match in re.finditer("a+|[bs]+|.", kinds):
        i, j = match.span()
        piece = "".join(_in_view(c)[0] for c in text[i:j] if _in_view(c)[1] != "b")
        neighbours = kinds[i - 1] + kinds[j : j + 1] if i else ""
        if kinds[i] == "a":
            parts.append(f" {piece} ")
        elif kinds[i] not in "bs":
            parts.append(piece)
        elif j - i > 3 or neighbours not in ("hh", "ha", "ah"):
            parts.append("\t" if not piece and neighbours == "hh" else piece)
    return "".join(parts).replace("  ", " ")


# -- whole lines --------------------------------------------------------------------------------------------------------------

TRIMMED = "»>›→←↑↓▶►◄◀|*_【】[]()（）《》〈〉<«‹「」『』“”‘’\"'·•:：;；,，.。!！?？、-—–~～…+★☆■□◆◇●○▪▫※✓✔▲△▼▽｜"


def _plane0(c: str, *flags: str) -> bool:
    return c != "" and c <= "\uffff" and has(c, *flags)


def _is_letter(c: str) -> bool:
    return _plane0(c, *LETTERS, "mark")


def outer(c: str) -> bool:
    """What does not count at the ends of a line."""
    return c in TRIMMED or _plane0(c, "space", "invisible")


def fold_pieces(line: str) -> list[tuple[str, int]]:
    """The characters that a line is compared by, each with the place behind what it was made of: no blanks, every number as 0."""
    kinds = "".join(
        "D" if _plane0(c, "digit") else "L" if _is_letter(c) else "B" if _plane0(c, "space", "invisible") else c if c in ".," else "x"
        for c in line
    )
    out: list[tuple[str, int]] = []
    at = 0
    while at < len(line):
        number = re.compile("D+(?:[.,]D+)*").match(kinds, at)
        if number is None:
            out += [(fold_char(line[at]), at + 1)] if kinds[at] != "B" else []
            at += 1
            continue
        at = number.end()
        scale = fold_char(line[at]) if at < len(line) else "?"
        at += scale in "万千亿+" or (scale in "kmw" and kinds[at + 1 : at + 2] not in ("L", "D"))
        out.append(("0", at))
    return out


def match_lines(text: str, whole: Sequence[str], heads: Sequence[str]) -> list[tuple[int, int, str]]:
    """(first, last + 1, entry) of the lines that are one of `whole`, or begin with one of `heads`; both as `fold_line` has them.

    A line has `LONGEST_LINE` characters at most, twice as many with blanks and digits. Lines of fenced code are none.
    """
    out: list[tuple[int, int, str]] = []
    at, fence = 0, ""
    for line in text.split("\n"):
        first, end = at, at + len(line)
        at = end + 1
        bare = line
        while bare and outer(bare[0]) and bare[0] != "~":
            bare = bare[1:]
        if is_fence(bare):
            fence = "" if fence == bare[:3] else fence or bare[:3]
            continue
        while bare and outer(bare[0]):
            bare = bare[1:]
        while bare and outer(bare[-1]):
            bare = bare[:-1]
        pieces = fold_pieces(bare)
        if fence or not pieces or len(bare) > 2 * LONGEST_LINE or len(pieces) > LONGEST_LINE:
            continue
        made = "".join(c for c, _ in pieces)
        within = [_is_letter(bare[k - 1]) and _is_letter(bare[k : k + 1]) and bare[k] < "\u2e80" for _, k in pieces]
        ends_word = [not ("0" != c < "\u2e80" and inside) for (c, _), inside in zip(pieces, within, strict=True)]
        found = [made[:size] for size in range(1, len(made) + 1) if made[:size] in heads and ends_word[size - 1]]
        if made in whole or found:
            out.append((first, end, made if made in whole else found[0]))
    return out


# -- deduplication: cleaning/dedup ----------------------------------------------------------------------------------------------

M32, M64 = (1 << 32) - 1, (1 << 64) - 1
SHINGLE_BASE = 0x9E3779B97F4A7C55


def finalize64(x: int) -> int:
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & M64
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & M64
    return x ^ x >> 31


def cut_units(text: str, table: list[int]) -> list[int]:
    """Hashes of the units of one text."""
    out: list[int] = []
    run: int | None = None
    for c in map(ord, text):
        if c < 65536:
            kind, point = table[c] >> 24, table[c] & 0x1FFFFF
        else:
            kind, point = (1 if 0x20000 <= c < 0x323B0 else 2 if 0x1D400 <= c < 0x1D800 else 0), c
        if kind == 2:
            run = ((14695981039346656037 if run is None else run) ^ point) * 1099511628211 & M64
            continue
        if kind == 3:
            continue
        if run is not None:
            out.append(finalize64(run))
            run = None
        if kind == 1:
            out.append(finalize64(point + (1 << 32)))
    return out if run is None else [*out, finalize64(run)]


def make_shingles(units: list[int], size: int) -> list[int]:
    """32-bit hashes of the runs of `size` units."""
    size = min(size, len(units))
    if not size:
        return []
    salt = size * 0xD6E8FEB86659FD93 & M64
    out = []
    for i in range(len(units) - size + 1):
        h = 0
        for unit in units[i : i + size]:
            h = (h * SHINGLE_BASE + unit) & M64
        out.append(finalize64(h ^ salt) >> 32)
    return out


def cut_chunks(shingles: list[int], size: int) -> list[list[int]]:
    """The chunks of one document: each ends where its smallest value lies `size / (e - 1)` back."""
    window, out = int(size / 1.718), []
    if len(shingles) <= size:
        return [shingles]
    while True:
        ends = (n for n in range(window + 1, len(shingles)) if shingles.index(min(shingles[:n])) == n - 1 - window)
        cut = next(ends, None)
        if cut is None:
            return [*out, shingles]
        out.append(shingles[:cut])
        shingles = shingles[cut:]


def sign_shingles(shingles: list[int], a: list[int], b: list[int]) -> list[int]:
    """A MinHash signature."""
    mixed = []
    for x in shingles:
        x = (x ^ x >> 16) * 0x85EBCA6B & M32
        x = (x ^ x >> 13) * 0xC2B2AE35 & M32
        mixed.append(x ^ x >> 16)
    return [min([(x * scale + shift) & M32 for x in mixed], default=M32) for scale, shift in zip(a, b, strict=True)]


def band_keys(signature: list[int], bands: int, rows: int, salt: int) -> list[int]:
    """A key for each band."""
    out = []
    for j in range(bands):
        h = (salt * 0x9FB21C651E98DF25 + j) & M64
        for value in signature[j * rows : (j + 1) * rows]:
            h = (finalize64(h ^ value) + 0xD1B54A32D192ED03) & M64
        out.append(h)
    return out


def join_edges(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """The smallest document of each one's component."""
    label = list(range(count))
    changed = True
    while changed:
        changed = False
        for one, other in edges:
            least = min(label[one], label[other])
            changed = changed or label[one] != least or label[other] != least
            label[one] = label[other] = least
    return label


def flatten(parent: list[int]) -> list[int]:
    """The root of each."""
    out = []
    for i in range(len(parent)):
        while parent[i] != i:
            i = parent[i]
        out.append(i)
    return out


def common_values(one: set[int], other: set[int]) -> int:
    return len(one & other)


def unique_sets(shingles: list[int]) -> list[int]:
    return sorted(set(shingles))


def keep_hubs(keys: list[set[int]], sets: list[set[int]], bars: list[float], chunked: list[bool]) -> list[tuple[int, float]]:
    """(twin or -1, similarity) of each document, in the order of the keep policy."""
    out: list[tuple[int, float]] = []
    for d, mine in enumerate(sets):
        best = (-1, 0.0)
        for h in range(d):
            if out[h][0] >= 0 or not keys[d] & keys[h]:
                continue
            common = len(mine & sets[h])
            whole = len(mine) if chunked[d] and chunked[h] else len(mine | sets[h])
            value = common / whole if whole else 0.0
            if value >= bars[d] and value > best[1]:
                best = (h, value)
        out.append(best)
    return out


# -- personal data: where could it be? ------------------------------------------------------------------------------------------------


def find_candidates(text: str) -> list[tuple[int, str]]:
    """(place, gate) of one text, as `cleaning.pii.scan` and `scan_numbers` give them for gates that a pattern can state."""
    view = narrow(text)
    out, free, at = [], "", 0
    for m in re.finditer(r"(?i)(?<![A-Za-z0-9])(?:https?|ftp)://|(?<![A-Za-z0-9.@])www\.(?=[A-Za-z0-9])", view):
        body = re.compile("[!-~]+").match(text, m.end())  # what follows must be half-width as it stands
        if body is not None and m.start() >= at:
            out.append((m.start(), "url"))
            free += view[at : m.start()] + "\0" * (body.end() - m.start())
            at = body.end()
    free += view[at:]
    word = r"(?<![0-9A-Za-z])"
    for gate, pattern in (
        ("plate", "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领](?=[A-Z])"),
        ("wechat", "[微威薇徽vV](?=[信❤])"),
        ("iban", word + r"[A-Z]{2}[0-9]{2}(?=[0-9A-Za-z]{11,32}(?![0-9A-Za-z]))"),
        ("code17", word + r"(?=[0-9A-Za-z]{17}(?![0-9A-Za-z]))(?=(?:[A-Za-z]*[0-9]){5})(?=[0-9]*[A-Za-z])[0-9A-Za-z]"),
        ("code18", word + r"(?=[0-9A-Za-z]{18}(?![0-9A-Za-z]))(?=(?:[A-Za-z]*[0-9]){8})(?=[0-9]*[A-Za-z])[0-9A-Za-z]"),
    ):
        out += [(m.start(), gate) for m in re.finditer(pattern, free)]
    return sorted(out)


def narrow(text: str) -> str:
    """The width view: full-width letters, digits and the marks of numbers and addresses in half width, one for one."""
    wide = {c: chr(c - 0xFEE0) for first, last in ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A)) for c in range(first, last + 1)}
    wide |= {ord(c): n for c, n in zip("＠．－＿＋\u00a0\u3000", "@.-_+  ", strict=True)}
    return text.translate(wide | dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xFE63), "-"))


def refine_numbers(text: str) -> list[tuple[int, str]]:
    """(place, gate) of chains of digits: mobile and bank-like numbers, by a pattern for each way to write them."""
    view = narrow(text)
    gap = "[ \\-.()（）/\t*·_]{1,3}"
    run = "(?<![0-9A-Za-z])"
    out = []
    for m in re.finditer(run + r"(?=[0-9])", view):
        chain = re.match(rf"[0-9]+(?![0-9A-Za-z])(?:{gap}[0-9]+(?![0-9A-Za-z]))*", view[m.start() : m.start() + 52])
        if chain is None:
            continue
        lengths = [len(part) for part in re.findall("[0-9]+", chain[0])]
        sums = {sum(lengths[: k + 1]) for k in range(len(lengths))}
        head = "".join(re.findall("[0-9]", chain[0]))
        if (re.match("1[3-9]", head) and 11 in sums) or (head.startswith("861") and 13 in sums):
            out.append((m.start(), "mobile"))
    return out


def best_tags(features: Sequence[Sequence[int]], weights: Sequence[Sequence[float]], moves: Sequence[Sequence[float]]) -> float:
    """The score of the best sequence of tags O B M E S in which B and M go on with M or E, and nothing else does: all are tried."""
    best = -math.inf
    for tags in product(range(5), repeat=len(features)):
        sound = tags[0] in (0, 1, 4) and tags[-1] in (0, 3, 4)
        sound = sound and all((a in (1, 2)) == (b in (2, 3)) for a, b in pairwise(tags))
        if sound:
            best = max(best, score_of(tags, features, weights, moves))
    return best


def score_of(
    tags: Sequence[int], features: Sequence[Sequence[int]], weights: Sequence[Sequence[float]], moves: Sequence[Sequence[float]]
) -> float:
    """What a sequence of tags is worth."""
    own = sum(weights[f][t] for t, row in zip(tags, features, strict=True) for f in row)
    return own + sum(moves[a][b] for a, b in pairwise(tags))


def name_features(text: str, lengths: Sequence[int], tags: Sequence[int], kinds: Sequence[int]) -> list[tuple[object, ...]]:
    """What each character's features are made of, unhashed: equal rows must fall into equal buckets, unequal ones nearly always not."""
    chars = ["\1"] * 3 + list(text) + ["\1"] * 3
    words, at = [], 0
    for size in lengths:
        words.append(text[at : at + size])
        at += size
    words, padded = ["", "", *words, "", ""], [0, 0, *tags, 0, 0]
    out: list[tuple[object, ...]] = []
    at = 0
    for w, size in enumerate(lengths):
        for k in range(size):
            i = at + k + 3
            kind = [kinds[ord(chars[j])] if 3 <= j < len(text) + 3 else 0 for j in range(i - 2, i + 4)]
            place = (3 if size == 1 else 0 if k == 0 else 2 if k == size - 1 else 1, min(size, 7))
            out.append((tuple(chars[i - 2 : i + 3]), tuple(kind), place, tuple(words[w : w + 5]), tuple(padded[w + 1 : w + 4])))
        at += size
    return out
