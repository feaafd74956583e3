"""Removing the marks that citations leave in running text: [12], [3-5], [编辑], [citation needed]."""

from __future__ import annotations

import re

from cleaning.text.code import outside_code

_NUMBERS = r"\d{1,3}(?:\s?[-–—,，、]\s?\d{1,3}){0,5}"
_NOTE_RE = re.compile(
    r"[\[【［](?:編輯|编辑|來源請求|来源请求|需要來源|需要引用|查证请求|註\s?\d{1,3}|注\s?\d{1,3}|citation needed|edit|note \d{1,3}|"
    r"clarification needed|who\?|when\?|page needed|better source needed|original research\??)[\]】］]",
    re.IGNORECASE,
)
_MARK_RE = re.compile(rf"[\[［]({_NUMBERS})[\]］]")
_PAGE_RE = re.compile(r"p{1,2}[=＝](?:\d{1,4}[–-]*\d{0,4},*\s*)+")  # what wiki templates leave behind


# one of these must be there for the others to have work
_ANY_RE = re.compile(
    r"[\[［【](?:\d{1,3}\s?[\]］,，、–—-]|[编編來来需查註注]|citation|note|clarif|who|when|page|better|orig|edit)", re.IGNORECASE
)


def drop_citations(text: str) -> str:
    """Remove citation marks outside code. Behind Latin letters only where the text has a [1] and a [2] and no [0]: `a[1]` may be an array.

    >>> drop_citations("北京是首都[1]，人口两千万[2-3]。[来源请求] 见 list[0]。")
    '北京是首都，人口两千万。 见 list[0]。'
    >>> drop_citations("It rained.[1] It snowed[2] again.")
    'It rained. It snowed again.'
    """
    marked = ("[" in text or "【" in text or "［" in text) and _ANY_RE.search(text) is not None
    if not (marked or "p=" in text) or _drop(text) == text:  # only now is it worth looking for code
        return text
    return outside_code(text, _drop)


def _drop(text: str) -> str:
    text = _NOTE_RE.sub("", text)
    found = [(match, kind) for match in _MARK_RE.finditer(text) if (kind := _kind(match))]
    numbers = {int(n) for match, _ in found for n in re.findall(r"\d+", match[1])}
    parts, at = [], 0
    for match, kind in found:
        if kind == "han" or ({1, 2} <= numbers and 0 not in numbers):
            parts.append(text[at : match.start()])
            at = match.end()
    text = "".join([*parts, text[at:]])
    return _PAGE_RE.sub(lambda m: m[0] if m.string[m.start() - 1 : m.start()].isalnum() else "", text) if "p=" in text else text


def _kind(match: re.Match[str]) -> str:
    """`han` or `latin`, after what stands before a mark; empty when it is no citation."""
    text = match.string
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    if not before or (after and after in "([:=") or (after == "_"):
        return ""
    if "\u3400" <= before <= "\u9fff" or before in "。，、；：！？”’」』）》":
        return "han"
    latin = before.isascii() and (before.isalnum() or before in ".,;:!?\"')")
    return "latin" if latin and not (after.isascii() and after.isalnum()) else ""
