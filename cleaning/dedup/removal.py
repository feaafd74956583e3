"""Taking sentences out of a text so that what is left reads as if they had never been there."""

from __future__ import annotations

from collections.abc import Sequence

_PAIRS = {"“": "”", "‘": "’", "「": "」", "『": "』", "（": "）", "(": ")", "【": "】", "《": "》", "[": "]", "{": "}"}
_CLOSERS = {close: opening for opening, close in _PAIRS.items()}
Span = tuple[int, int]


def is_balanced(text: str) -> bool:
    """Whether every quote and bracket that begins in a piece of text ends in it: else half of a pair would be left behind.

    >>> is_balanced("“走吧。”"), is_balanced("“走吧。"), is_balanced("don’t"), is_balanced('"a')
    (True, False, True, False)
    """
    open_: list[str] = []
    for i, c in enumerate(text):
        if c in _PAIRS:
            open_.append(c)
        elif c in _CLOSERS:
            if open_ and open_[-1] == _CLOSERS[c]:
                open_.pop()
            elif not (c == "’" and text[i - 1 : i].isalpha()):
                return False
    return not open_ and text.count('"') % 2 == 0 and "```" not in text


def joined_spans(spans: Sequence[Span]) -> list[Span]:
    """Overlapping and touching spans as one, in order."""
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((start, end))
    return out


def without(text: str, spans: Sequence[Span]) -> str:
    """The text without some spans. A line of which nothing is left goes whole; blanks around a gap become at most one.

    >>> without("甲。乙。丙。\\n丁。\\n\\nOne. Two. Three.", [(2, 4), (7, 9), (16, 20)])
    '甲。丙。\\n\\nOne. Three.'
    """
    spans = joined_spans(spans)
    pieces: list[str] = []
    at = 0
    for start, end in spans:
        pieces.append(text[at:start])
        at = end
    pieces.append(text[at:])
    out = pieces[0]
    for piece in pieces[1:]:
        line = out[out.rfind("\n") + 1 :]
        rest = piece.lstrip(" \t\u3000")
        if not line.strip(" \t\u3000"):  # nothing of the line stands before the gap
            out = out[: len(out) - len(line)] + (line if rest[:1] not in ("\n", "") else "")
            if rest[:1] == "\n":
                rest = rest[1:]
                while rest[:1] == "\n" and (not out or out.endswith("\n\n")):
                    rest = rest[1:]
            out += rest
        elif rest[:1] in ("\n", ""):
            out = out.rstrip(" \t\u3000") + rest
        else:
            out = out.rstrip(" \t") + (" " if out[-1:].isspace() or piece[:1] in (" ", "\t") else "") + rest
    return out.strip("\n")
