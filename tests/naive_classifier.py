"""Plain twins of the kernels of the classifiers, written from the docstring of `classifier/tokens.py` and from fastText's description."""

from __future__ import annotations

import unicodedata

from cleaning.text.charclass import BIT, char_tables, fold_table

M64 = (1 << 64) - 1


def _is(c: str, *flags: str) -> bool:
    tables = char_tables()
    return any(int(tables.bits[tables.class_of[ord(c)]]) & BIT[flag] for flag in flags)


def _kind(c: str) -> str:
    if c in "\n\r\x0b\x0c\x85\u2028\u2029":
        return "newline"
    if ord(c) >= 0x10000:
        return "alone" if 0x20000 <= ord(c) < 0x323B0 else "mark"
    for kind, flags in (
        ("alone", ("han", "kana", "hangul")), ("blank", ("space",)), ("digit", ("digit",)), ("letter", ("latin", "other_letter")),
        ("drop", ("control", "invisible", "private", "replacement", "mark")),
    ):  # fmt: skip
        if _is(c, *flags):
            return kind
    return "mark"


def _folded(c: str, kind: str) -> str:
    if kind in ("newline", "digit"):
        return {"newline": "¶", "digit": "0"}[kind]
    return chr(int(fold_table()[ord(c)])) if ord(c) < 0x10000 else c


def token_lines(texts: list[str]) -> list[str]:
    """A line of tokens for each text."""
    out = []
    for text in texts:
        tokens: list[str] = []
        open_kind = ""  # what the next character may continue
        for c in text:
            kind = _kind(c)
            if kind == "drop":
                continue
            if kind == "blank":
                open_kind = "" if open_kind != "newline" else open_kind
                continue
            new = _folded(c, kind)
            if kind == "newline":
                if tokens and open_kind != "newline":
                    tokens.append(new)
                    open_kind = "newline"
                continue
            if kind == open_kind and (kind in ("letter", "digit") or (kind == "mark" and tokens[-1][0] == new)):
                tokens[-1] += new
            else:
                tokens.append(new)
            open_kind = kind if kind != "alone" else ""
        cut = [t[: 32 if unicodedata.category(t[0])[0] == "L" else 12 if t[0] == "0" else 3] if len(t) > 1 else t for t in tokens]
        out.append(" ".join(cut))
    return out


def hash_words(words: list[bytes]) -> list[int]:
    """64-bit FNV-1a."""
    out = []
    for word in words:
        h = 14695981039346656037
        for b in word:
            h = ((h ^ b) * 1099511628211) & M64
        out.append(h)
    return out


def _fasttext_hash(word: str) -> int:
    """32-bit FNV-1a over signed bytes, as a signed number of 64 bits."""
    h = 2166136261
    for b in word.encode():
        h = ((h ^ (b if b < 128 else b | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
    return h if h < 1 << 31 else h - (1 << 32)


def mark_rows(line: str, words: dict[str, int], buckets: int, ngrams: int) -> list[int]:
    """The rows of the input matrix that a line asks for, in fastText's order."""
    tokens = [*line.split(" "), "</s>"]
    rows = [words[token] for token in tokens if token in words]
    hashes = [_fasttext_hash(token) for token in tokens]
    for i in range(len(hashes)):
        h = hashes[i] & M64
        for j in range(i + 1, min(len(hashes), i + ngrams)):
            h = (h * 116049371 + hashes[j]) & M64
            rows.append(len(words) + h % buckets)
    return rows


def margins(lines: list[str], words: dict[str, int], weights: list[float], ngrams: int) -> tuple[list[float], list[int]]:
    """The mean weight of the rows of each line, and its tokens with the end of the line."""
    out = []
    for line in lines:
        rows = mark_rows(line, words, len(weights) - len(words), ngrams) if line else []
        out.append(sum(weights[row] for row in rows) / len(rows) if rows else float("nan"))
    return out, [len(line.split()) + 1 for line in lines]
