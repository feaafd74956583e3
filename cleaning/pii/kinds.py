"""What a type of personal data declares: how it looks, what proves it, what must stand near it, and texts that it must and must not find.

A form is one way to write the type. Its pattern is tried only where the scan (`scan.py`) saw its gate, at that very place, on the width
view of the text; so it needs no search, and its repeats are bounded. `\\b` never occurs: Han characters are word characters, and \\b does
not fire between 话 and 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LEFT, RIGHT = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
# no part of a decimal, a version, a path, a parameter, a longer number
LEFT_NUMBER, RIGHT_NUMBER = r"(?<![0-9A-Za-z])(?<![0-9A-Za-z][.\-/_=#])(?<![0-9A-Za-z]=\")", r"(?![0-9A-Za-z_]|[.\-/][0-9])"
NO_UNIT = r"(?![ ]?(?:bytes|sectors|blocks|KB|MB|GB|字节|扇区|元|万|亿|吨|股))"
# 1693, ISBN and the like in front of a number say that it is none of ours
NO_NUMBER = (
    r"(?i)(?:isbn|issn|doi|arxiv|pmid|订单|運單|运单|快递|物流|流水|批次|序列|交易|合同|发票|受理|专利|申请|许可证|批准文?|编|货|單|单|工单|案件|版本)"
    r"(?:号|号码|編號|编号|no|id)?\s{0,2}(?:[:：#是为]|is)?\s{0,2}$"
)


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a type. `(?P<v>…)` in the pattern is what is masked; without it, all of the match."""

    pattern: str
    gates: tuple[str, ...]  # names of `scan.GATES`; "text": tried everywhere (slow, for users' own types)
    validator: str = ""  # a name of `validators.VALIDATORS`
    context: str = ""  # a pattern that must occur near
    before: int = 30  # how many characters before the value the context may stand
    after: int = 12  # … and after it
    unless: str = ""  # a pattern that must not end right before the value
    flags: re.RegexFlag = re.NOFLAG
    back: int = 0  # how far before the gate's place the match may begin


@dataclass(frozen=True, slots=True)
class PiiType:
    """One type of personal data. The examples are its tests: `hits` are (text, value to be found), `misses` texts without one."""

    name: str
    about: str
    forms: tuple[Form, ...]
    zh: str
    en: str
    source: str
    hits: tuple[tuple[str, str], ...]
    misses: tuple[str, ...]
    action: str = "mask"  # mask | keep (found, so that nothing else is seen in it, and left) | off
    proved: bool = True  # counts as validated: names near it are personal data
    context_words: tuple[str, ...] = field(default=())  # a user's additions
