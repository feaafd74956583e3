"""Numbers about single lines, for rules with `action: drop_line`.

Computed in one pass per batch, and only when a rule set has such a rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.text.charclass import char_tables, classes_with, utf32

LINE_METRICS: dict[str, str] = {
    "line_chars": "characters of the line that are not white space",
    "line_letter_ratio": "letters (Han included) / characters",
    "line_digit_ratio": "digits / characters",
    "line_symbol_ratio": "symbols / characters",
    "line_punct_ratio": "punctuation marks / characters",
    "line_upper_ratio": "capital letters / Latin letters",
    "line_garble_ratio": "U+FFFD, private-use, control and unassigned characters / characters",
    "line_terminated": "1 when the line ends in an end mark or a closing quote or bracket, else 0",
}
_CLASSES = (
    ("han", "kana", "hangul", "latin", "other_letter"), ("digit",), ("symbol",), ("punct",), ("upper",), ("latin",),
    ("replacement", "private", "control"),
)  # fmt: skip


@njit(cache=True, nogil=True)
def _count_lines(codes: Any, class_of: Any, is_space: Any, member: Any, ends: Any, counts: Any, terminated: Any) -> None:
    """`counts[l, 0]`: characters of line l; `counts[l, 1 + k]`: those of group k. A line ends at a newline or at `ends` of its text."""
    line, text = 0, 0
    last = -1
    for i in range(codes.size):
        while i == ends[text]:
            terminated[line] = last
            line, text, last = line + 1, text + 1, -1
        if codes[i] == 10:
            terminated[line] = last
            line, last = line + 1, -1
            continue
        c = class_of[codes[i]]
        if not is_space[c]:
            counts[line, 0] += 1
            last = c
            for k in range(member.shape[0]):
                counts[line, 1 + k] += member[k, c]
    terminated[line] = last


def line_matrix(lines: list[list[str]]) -> npt.NDArray[np.float32]:
    """(number of lines, len(LINE_METRICS)) for the lines of some documents, one row a line in order. Lines hold no newline."""
    texts = ["\n".join(of) for of in lines]
    total = sum(len(of) for of in lines)
    out = np.zeros((total, len(LINE_METRICS)), np.float32)
    if not total:
        return out
    codes, offsets = utf32(texts)
    member = np.array([classes_with(*names) for names in _CLASSES])
    counts, last = np.zeros((total, 1 + len(_CLASSES)), np.int64), np.full(total, -1, np.int64)
    _count_lines(codes, char_tables().class_of, classes_with("space"), member, offsets[1:], counts, last)
    chars = counts[:, 0].astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        letters, digits, symbols, marks, upper, latin, garble = (counts[:, 1:] / np.where(chars > 0, chars, np.nan)[:, None]).T
        columns = (chars, letters, digits, symbols, marks, upper / np.where(latin > 0, latin, np.nan), garble)
    ended = classes_with("terminal", "closer")
    for k, column in enumerate(columns):
        out[:, k] = column
    out[:, -1] = np.where(last >= 0, ended[last], False)
    return out
