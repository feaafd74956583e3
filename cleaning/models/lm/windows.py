"""A sample of a long document, to be scored in its place: passages of 100 characters, one in the middle of each of equal parts.

A function of the text and the budget alone. A passage that begins or ends within a line is marked so: its first tokens are context and do
not count, and no end of a sentence is counted that is none. So each token that counts has the probability that it has in the whole text.
"""

from __future__ import annotations

from typing import NamedTuple

SIZE = 100  # characters of a passage, its context among them
_NEAR = 32  # characters that are searched for a blank


class Passage(NamedTuple):
    """A part of a text, and whether it begins and ends within a line."""

    text: str
    begins_within: bool = False
    ends_within: bool = False


def passages(text: str, budget: int) -> list[Passage]:
    """Passages of together about `budget` characters; the text itself when it is not much longer, or the budget is 0.

    >>> [p.text for p in passages("the old mill " * 900, 300)][0][:20], passages("短文。", 300)
    (' old mill the old mi', [Passage(text='短文。', begins_within=False, ends_within=False)])
    """
    if budget <= 0 or len(text) <= 1.25 * budget + SIZE:
        return [Passage(text)]
    count = max(2, round(budget / SIZE))
    step = len(text) / count  # the middle of each part: head and tail of a page are not like the rest, and would weigh too much
    out = []
    for i in range(count):
        start = int((i + 0.5) * step - SIZE / 2)
        start, end = _between_words(text, start), _between_words(text, start + SIZE)
        out.append(Passage(text[start:end], text[start - 1] != "\n", text[end] != "\n"))
    return out


def _between_words(text: str, at: int) -> int:
    """The next blank where there are words of letters; `at` itself where there are none, or no blank is near."""
    if text[at] >= "\u0250":
        return at
    found = text.find(" ", at, at + _NEAR)
    return found if found >= 0 else at
