"""Where program text stands in a document, so that what mends prose keeps off it."""

from __future__ import annotations

import re
from collections.abc import Callable

_FENCES = r"^```[^\n]*(?:\n.*?(?:^```[ \t]*$|\Z)|\Z)|^~~~[^\n~]*\n.*?^~~~[ \t]*$"
# an indented line with the marks of a program; markup that is merely indented begins with <
_CODE_RE = re.compile(rf"{_FENCES}|`[^`\n]+`|^(?: {{4}}|\t)[ \t]*(?!<)[!-~][^\n]*[{{}}();=<>\[\]|$][^\n]*$", re.MULTILINE | re.DOTALL)
_FENCES_RE = re.compile(_FENCES, re.MULTILINE | re.DOTALL)


def outside_code(text: str, fix: Callable[[str], str], *, fences_only: bool = False) -> str:
    """Apply `fix` to the text between code: fenced blocks, `inline code`, indented lines with the marks of programs.

    >>> outside_code("很好！！！！！ `a!!!!!b`", lambda t: t.replace("！！！！！", "！！！"))
    '很好！！！ `a!!!!!b`'
    """
    if "`" not in text and "~~~" not in text and "\n    " not in text and "\n\t" not in text and text[:1] not in " \t":
        return fix(text)
    out: list[str] = []
    at = 0
    for match in (_FENCES_RE if fences_only else _CODE_RE).finditer(text):
        out += [fix(text[at : match.start()]), match[0]]
        at = match.end()
    return "".join([*out, fix(text[at:])])
