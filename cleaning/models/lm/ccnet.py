"""The text as the language models of CCNet (Wenzek et al. 2020) see it, and the number that CCNet gives a document.

Their models know text that was normalised like this, so what they say of any other is noise. White space at the ends goes, capitals become
small, accents go, every decimal digit becomes 0, marks of other scripts become those of ASCII, controls go. Line feeds are controls: a
document is one sentence for the model. SentencePiece cuts it into pieces, and the perplexity is 10 to the power of the negative decimal
logarithm of the sentence's probability, divided by its pieces and one for its end.
"""

from __future__ import annotations

import unicodedata

VERSION = 1
# Marks and what stands for each. Their list has the digit １ as well, but digits are 0 before it is asked.
_MARKS = {
    ",": "，、", ".": "。", '"': "„”“«»」「《》", "'": "´’", ":": "∶：", "?": "？", "!": "！", "(": "（", ")": "）", ";": "；",
    "-": "–━►", " - ": "—", ". ": "．", "~": "～", "...": "…", "<": "〈", ">": "〉", "[": "【", "]": "】", "%": "％",
}  # fmt: skip


class _Table(dict[int, str]):
    """What each code point of decomposed text becomes; filled as text asks."""

    def __missing__(self, point: int) -> str:
        c = chr(point)
        category = unicodedata.category(c)
        gone = category == "Mn" or point < 32 or 127 <= point < 160
        self[point] = "" if gone else "0" if category == "Nd" else c
        return self[point]


_TABLE = _Table({ord(mark): ascii_form for ascii_form, marks in _MARKS.items() for mark in marks})


def normalise(text: str) -> str:
    """A document as one line.

    >>> normalise(" Été 2024，\\n第１章——「好」 ")
    'ete 0000,第0章 -  - "好"'
    """
    return unicodedata.normalize("NFD", text.strip().lower()).translate(_TABLE)
