"""Numbers about single lines, for rules with `action: drop_line`.

Computed in one pass per batch, and only when a rule set has such a rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.charclass import char_tables, classes_with, utf32
from cleaning.text.patterns import JAVASCRIPT_RE, POLICY_RE

LINE_METRICS: dict[str, str] = {
    "line_chars": "characters of the line that are not white space",
    "line_letter_ratio": "letters (Han included) / characters",
    "line_digit_ratio": "digits / characters",
    "line_symbol_ratio": "symbols / characters",
    "line_punct_ratio": "punctuation marks / characters",
    "line_upper_ratio": "capital letters / Latin letters",
    "line_garble_ratio": "U+FFFD, private-use, control and unassigned characters / characters",
    "line_units": "units of the line",
    "line_max_word_chars": "characters of the longest word",
    "line_sentence_end": "1 when the line ends in . ? or !, or in a quote behind one of them (C4), else 0",
    "line_javascript": "1 when the line holds the word javascript, else 0",
    "line_policy": "1 when the line holds terms of use, privacy policy, cookie policy and the like, else 0",
    "line_terminated": "1 when the line ends in an end mark or a closing quote or bracket, else 0",
}
# what the stage perplexity knows of lines besides
MODEL_LINE_METRICS: dict[str, str] = {
    "line_perplexity": "perplexity of the line for each unit; NaN under 16 of them",
    "line_perplexity_ratio": "perplexity of the line, taken together with 16 units of the rest of the document / that of the rest",
    "line_units": "units of the line, as the model counts them",
    "line_from_end": "1 for the last line, 2 for the one before, …",
}
_CLASSES = (
    ("han", "kana", "hangul", "latin", "other_letter"), ("digit",), ("symbol",), ("punct",), ("upper",), ("latin",),
    ("replacement", "private", "control"),
)  # fmt: skip


@njit(cache=True, nogil=True)
def _count_lines(codes: Any, class_of: Any, is_space: Any, kind_of: Any, member: Any, ends: Any, counts: Any, tail: Any) -> None:
    """`counts[l]`: characters, units, longest word of line l, then the characters of each group; `tail[l]`: its last two code points.

    A line ends at a newline or at `ends` of its text.
    """
    line, text, run = 0, 0, 0
    for i in range(codes.size):
        while i == ends[text]:
            line, text, run = line + 1, text + 1, 0
        if codes[i] == 10:
            line, run = line + 1, 0
            continue
        c = class_of[codes[i]]
        kind = kind_of[c]
        run = run + 1 if kind >= 2 else 0
        counts[line, 1] += kind == 1 or run == 1
        counts[line, 2] = max(counts[line, 2], run)
        if not is_space[c]:
            counts[line, 0] += 1
            tail[line, 0], tail[line, 1] = tail[line, 1], codes[i]
            for k in range(member.shape[0]):
                counts[line, 3 + k] += member[k, c]


def line_matrix(lines: list[list[str]]) -> npt.NDArray[np.float32]:
    """(number of lines, len(LINE_METRICS)) for the lines of some documents, one row a line in order. Lines hold no newline."""
    texts = ["\n".join(of) for of in lines]
    total = sum(len(of) for of in lines)
    out = np.zeros((total, len(LINE_METRICS)), np.float32)
    if not total:
        return out
    codes, offsets = utf32(texts)
    member = np.array([classes_with(*names) for names in _CLASSES])
    counts, tail = np.zeros((total, 3 + len(_CLASSES)), np.int64), np.zeros((total, 2), np.int64)
    kinds = np.zeros(256, np.uint8)
    kinds[classes_with("latin", "other_letter", "mark", "digit")] = 2
    kinds[classes_with("han", "kana", "hangul")] = 1
    class_of = char_tables().class_of
    _count_lines(codes, class_of, classes_with("space"), kinds, member, offsets[1:], counts, tail)
    chars = counts[:, 0].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        letters, digits, symbols, marks, upper, latin, garble = (counts[:, 3:] / np.where(chars > 0, chars, np.nan)[:, None]).T
        columns = [chars, letters, digits, symbols, marks, upper / np.where(latin > 0, latin, np.nan), garble]
    columns += [counts[:, 1], counts[:, 2]]
    stops, quotes = [ord(c) for c in ".?!"], [ord(c) for c in "\"”’'"]
    columns.append(np.isin(tail[:, 1], stops) | (np.isin(tail[:, 1], quotes) & np.isin(tail[:, 0], stops)))
    for pattern, words in ((JAVASCRIPT_RE, ("javascript",)), (POLICY_RE, ("terms of use", "policy", "cookies"))):
        held = np.zeros(total)
        at = 0
        for of, text in zip(lines, texts, strict=True):
            folded = text.lower()
            if any(word in folded for word in words):
                held[at : at + len(of)] = [pattern.search(line) is not None for line in of]
            at += len(of)
        columns.append(held)
    ended = classes_with("terminal", "closer")
    columns.append(np.where(tail[:, 1] > 0, ended[class_of[tail[:, 1]]], False))
    for k, column in enumerate(columns):
        out[:, k] = column
    return out
