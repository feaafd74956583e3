"""A sample of a long document, to be scored in its place: passages of some hundred characters, evenly spaced from its first to its last.

A function of the text and the budget alone. Passages begin after the end of a line or of a sentence where one is near, so that the model
does not meet half a sentence as the beginning of one.
"""

from __future__ import annotations

import re

PASSAGE = 400  # characters
_NEAR = 120  # characters that are searched for a beginning
_BEGIN = re.compile(r"\n|[。！？!?；;]|\.\s")


def sampled(text: str, budget: int) -> str:
    """Passages of together about `budget` characters, a line each; the text itself when it is not much longer.

    >>> len(sampled("春天来了。" * 1000, 1200)), sampled("短文。", 1200)
    (1202, '短文。')
    """
    if budget <= 0 or len(text) <= budget + PASSAGE // 2:
        return text
    count = max(2, round(budget / PASSAGE))
    size = budget // count
    last = len(text) - size
    starts = [i * last // (count - 1) for i in range(count)]
    return "\n".join(_passage(text, start, size) for start in starts)


def _passage(text: str, start: int, size: int) -> str:
    if start == 0 or start + size >= len(text):
        return text[start : start + size]
    found = _BEGIN.search(text, start - 1, min(start + _NEAR, len(text) - size))
    start = found.end() if found is not None else start
    return text[start : start + size]
