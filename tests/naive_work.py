"""Plain twins of the kernels of `text/work_kernels.py`, `text/code.py` and `text/view_search.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cleaning.text.fixers import ANY_TAGS, LOOSE_TAGS, RUN_LIMITS
from tests.naive import _in_view, has

_MARKUP_RE = re.compile(
    rf"<!--|<!DOCTYPE|</?(?:{'|'.join(ANY_TAGS)})(?=[\s/>])|<(?:{'|'.join(LOOSE_TAGS)})\b[^<>]*>"
    r"|&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});",
    re.IGNORECASE,
)
_CONTINUATION = {bytes([b]).decode("cp1252", "replace") for b in range(0x80, 0xC0)} | {chr(b) for b in range(0x80, 0xC0)}
_GBK_LEADS = {bytes((a, b)).decode("gbk", "ignore") for a in (0xE3, *range(0xE4, 0xEA), 0xEF) for b in range(0x80, 0xC0)}
_FENCES = r"^```[^\n]*(?:\n.*?(?:^```[ \t]*$|\Z)|\Z)|^~~~[^\n~]*\n.*?^~~~[ \t]*$"
_INDENTED = r"^(?: {4}|\t)[ \t]*(?!<)[!-~][^\n]*[{}();=<>\[\]|$][^\n]*$"


def find_work(text: str) -> dict[str, bool]:
    """WORK_COLUMNS of one document: what a fixer may find in it."""
    spaced = sum(has(gap[0], "han") and has(gap[-1], "han") for gap in _gaps(text))
    pairs = sum(has(a, "han") and has(b, "han") for a, b in zip(text, text[1:], strict=False))
    leads = [i for i, c in enumerate(text) if "\xc2" <= c <= "\xf4" and c != "\xd7"]
    latin = bool(leads) and all(text[i + 1 : i + 2] in _CONTINUATION for i in leads)
    gbk = len(text) >= 8 and sum(c in _GBK_LEADS for c in text[:400]) * 6 >= len(text[:400])
    return {
        "runs": any(c * limit in text for c, (limit, _) in RUN_LIMITS.items()),
        "blanks": re.search(r"[ \t](?:\n|\Z)|\n\n\n|\A\n|\n\Z", text) is not None,
        "gaps": spaced >= 4 and text.count(" ") * 25 >= len(text) and spaced > 0.2 * (spaced + pairs),
        "markup": _MARKUP_RE.search(text) is not None,
        "mojibake": latin or gbk,
    }


def _gaps(text: str) -> list[str]:
    """Every run of blanks with its two neighbours."""
    return [text[m.start() - 1 : m.end() + 1] for m in re.finditer("[ \t]+", text) if m.start() and m.end() < len(text)]


def trim_codes(text: str) -> str:
    """No blanks at line ends, at most one empty line in a row, none at the ends."""
    lines = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return re.sub("\n{3,}", "\n\n", lines).strip("\n")


def find_code(text: str, fences_only: bool = False) -> list[tuple[int, int]]:
    """First and last + 1 character of each piece of program text."""
    pattern = _FENCES if fences_only else rf"{_FENCES}|`[^`\n]+`|{_INDENTED}"
    return [m.span() for m in re.finditer(pattern, text, re.MULTILINE | re.DOTALL)]


def shrink_codes(text: str) -> str:
    """Long runs of a mark shortened, outside program text."""
    out, at = "", 0
    for first, last in [*find_code(text), (len(text), len(text))]:
        part = text[at:first]
        out += re.sub(r"(.)\1*", lambda m: _shrunk(m[0], m.string[m.start() - 1 : m.start()]), part, flags=re.DOTALL) + text[first:last]
        at = last
    return out


def _shrunk(run: str, before: str) -> str:
    limit, kept = RUN_LIMITS.get(run[0], (len(run) + 1, 0))
    if len(run) < limit or run == "。。。" or (run[0] == "~" and (not before or before.isspace())):
        return run
    return run[0] * kept


def view_tokens(text: str) -> list[str | None]:
    """The tokens of a text's view: runs of letters and digits, single other characters; None: a wide gap; "": a sign that reads as one."""
    kinds = "".join(_in_view(c)[1] for c in text)
    out: list[str | None] = []
    for match in re.finditer("a+|[bs]+|.", kinds):
        i, j = match.span()
        points = [_in_view(c)[0] for c in text[i:j] if _in_view(c)[1] != "b"]
        neighbours = kinds[i - 1] + kinds[j : j + 1] if i else ""
        if kinds[i] == "a":
            out.append("".join(points))
        elif kinds[i] not in "bs":
            out += [_plain(p, kinds[i]) for p in points]
        elif j - i > 3 or neighbours not in ("hh", "ha", "ah"):
            out += [_plain(p, "s") for p in points] or ([None] if neighbours == "hh" else [])
    return out


def _plain(point: str, kind: str) -> str:
    return "" if kind != "h" and _in_view(point)[1] == "a" else point


def token_hash(token: str | None) -> int:
    """The kernel's number of a token."""
    if not token:
        return 0 if token is None else 1
    h = 7919
    for c in token:
        h = (h + ord(c)) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
    return h


def find_phrases(tokens: Sequence[str | None], phrases: Sequence[Sequence[str | None]]) -> bool:
    """Whether the first eight tokens of a phrase stand in a row in `tokens`, or a sign that reads as a letter or digit stands anywhere."""
    heads = [list(phrase[:8]) for phrase in phrases]
    return "" in tokens or any(list(tokens[i : i + len(head)]) == head for head in heads for i in range(len(tokens)))
