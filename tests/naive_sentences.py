"""The plain twin of the sentence splitter: on strings, line by line, written from the docstring of `cleaning/text/sentences.py`."""

from __future__ import annotations

import re

from cleaning.text.charclass import BIT, char_tables
from cleaning.text.sentences import ABBREVIATIONS

ENDS, RUN = "。｡！？…；‼⁇⁈⁉", "。｡！？…；‼⁇⁈⁉.．!?"
CLOSERS = "”’」』）)】》〉］]}＂｣﹂﹄"
OPENERS = "“‘「『（(【《〈［[{｢﹁﹃"
LINES = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]")


def _has(c: str, *flags: str) -> bool:
    tables = char_tables()
    return any(int(tables.bits[tables.class_of[ord(c)]]) & BIT[flag] for flag in flags)


def _han(c: str) -> bool:
    return _has(c, "han", "kana", "hangul") and c not in RUN + CLOSERS + OPENERS + '"'


def _digit(c: str) -> bool:
    return _has(c, "digit") and not _han(c)


def _letter(c: str) -> bool:
    return _has(c, "latin", "other_letter", "mark") and not (_han(c) or _digit(c))


def _blank(c: str) -> bool:
    return _has(c, "space") and not LINES.match(c) and not (_han(c) or _digit(c))


def _abbreviated(sentence: str, rest: str) -> bool:
    """`sentence` is what stands before the full stop."""
    word = ""
    for c in reversed(sentence):
        if not (_letter(c) or _digit(c) or (c == "." and word)):
            break
        word = c + word
    if not word:
        return False
    if all(_digit(c) for c in word):
        return word == sentence and len(word) <= 3
    small = "".join(c.lower() if "A" <= c <= "Z" else c for c in word)
    follows = ""
    for c in rest:
        if not _blank(c):
            follows = c
            break
    return len(word) == 1 or small in ABBREVIATIONS or "a" <= follows <= "z"


def _address(sentence: str) -> bool:
    word = ""
    for c in reversed(sentence):
        if _blank(c) or _han(c):
            break
        word = c + word
    # one character before the word counts for the second slash: the kernel looks at neighbours
    return "@" in word or "//" in sentence[max(0, len(sentence) - len(word) - 1) :] and "/" in word


def _ends(line: str, begin: int, first: int, last: int, closed: int) -> bool:
    before, rest = line[first - 1 : first], line[closed:]
    if not rest:
        return True
    after, sentence = rest[0], line[begin:first]
    if before and _han(before):
        return not (_digit(after) or _letter(after))
    if line[first] == "．":
        return False
    if _han(after):
        return len(sentence) >= 2 and _letter(sentence[-1]) and _letter(sentence[-2]) and not _address(sentence)
    if after in OPENERS and closed == last:
        return False
    if not (_blank(after) or after in RUN + CLOSERS + OPENERS + '"'):
        return False
    if line[first:last] != ".":
        return True
    return not _abbreviated(sentence, rest)


def find_sentences(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence."""
    wide = 0 < text.count("．") >= 10 * text.count("。")
    found: list[tuple[int, int]] = []
    at = 0
    for line in LINES.split(text):
        begin = i = 0
        cuts = []
        while i < len(line):
            if line[i] not in RUN:
                i += 1
                continue
            last = i
            while last < len(line) and line[last] in RUN:
                last += 1
            closed = last
            while closed < len(line) and (line[closed] in CLOSERS or (line[closed] == '"' and line[:closed].count('"') % 2 == 1)):
                closed += 1
            strong = any(c in ENDS or (c == "．" and wide) for c in line[i:last])
            if strong or _ends(line, begin, i, last, closed):
                cuts.append((begin, closed))
                begin = closed
            i = closed
        cuts.append((begin, len(line)))
        for a, b in cuts:
            while a < b and _blank(line[a]):
                a += 1
            while b > a and _blank(line[b - 1]):
                b -= 1
            if b > a:
                found.append((at + a, at + b))
        at += len(line) + 1
    return found


