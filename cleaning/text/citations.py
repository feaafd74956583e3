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
# what wiki templates leave behind: p=66–67, pp=12; no p-value (p=0.05) and no part of an address (?p=12)
_PAGE_RE = re.compile(r"pp?[=＝]\d{1,4}(?:[–-]+\d{1,4})?(?:,[ \t]*\d{1,4}(?:[–-]+\d{1,4})?)*(?![\d.])[ \t]*")


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
    if not (marked or "p=" in text or "p＝" in text) or _drop(text) == text:  # only now is it worth looking for code
        return text
    return outside_code(text, _drop)


def _drop(text: str) -> str:
    text = _NOTE_RE.sub("", text)
    marks: list[tuple[re.Match[str], str, list[int]]] = []
    for match in _MARK_RE.finditer(text):
        joined = marks and marks[-1][0].end() == match.start()  # [1][2]: the second has what stands before the first
        kind = marks[-1][1] if joined else _kind(match)
        marks.append((match, kind, [int(n) for n in re.findall(r"\d+", match[1])]))
    seen = {n for _, kind, numbers in marks if kind for n in numbers}
    plain = sum(kind == "han" and len(numbers) == 1 and numbers[0] > 0 for _, kind, numbers in marks)
    parts, at = [], 0
    for match, kind, numbers in marks:
        # [0] is an index; [0, 1] and a lone [1, 5] are intervals; a[1] may be an array where there is no [2], or a [0]
        interval = len(numbers) == 2 and re.search("[,，]", match[1]) is not None and numbers[1] != numbers[0] + 1
        counted = min(numbers) > 0 and (plain >= 2 or not interval)
        if counted and (kind == "han" or (kind == "latin" and {1, 2} <= seen and 0 not in seen)):
            parts.append(text[at : match.start()])
            at = match.end()
    text = "".join([*parts, text[at:]])
    return _PAGE_RE.sub(_keep_address, text) if "p=" in text or "p＝" in text else text


def _keep_address(match: re.Match[str]) -> str:
    before = match.string[match.start() - 1 : match.start()]
    return match[0] if before.isascii() and (before.isalnum() or before in "?&/_-=.") and before else ""


def _kind(match: re.Match[str]) -> str:
    """`han` or `latin`, after what stands before a mark; empty when it is no citation."""
    text = match.string
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    chained = after == "[" and _MARK_RE.match(text, match.end()) is not None
    if not before or (after and after in "([:=_" and not chained):
        return ""
    if "\u3400" <= before <= "\u9fff" or before in "。，、；：！？”’」』）》":
        return "han"
    latin = before.isascii() and (before.isalnum() or before in ".,;:!?\"')")
    return "latin" if latin and not (after.isascii() and after.isalnum()) else ""
