"""Metrics that are easiest said as patterns. A rule set pays for them only when it names one; those of published presets mostly do."""

from __future__ import annotations

import re

import numpy as np

PATTERN_METRICS = (
    "bracket_char_ratio", "readmore_line_ratio", "javascript_lines", "policy_lines", "lorem_ipsum", "chapter_marks",
    "bracket_numbers", "html_tags", "item_mean_chars", "item_std_chars", "clause_mean_chars", "clause_std_chars",
)  # fmt: skip
_BRACKET_RE = re.compile("【[^【】\n]*】")
_READ_MORE_RE = re.compile(
    r"(?:展开|更多|查看全文|阅读全文|阅读原文|閱讀全文|查看詳情|查看详情|显示全部|read\s?more|show\s?more|learn\s?more)[\s.…》>»\]】）)]*$",
    re.IGNORECASE | re.MULTILINE,
)
JAVASCRIPT_RE = re.compile("javascript", re.IGNORECASE)
POLICY_RE = re.compile("terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies", re.IGNORECASE)
_LOREM_RE = re.compile("lorem ipsum", re.IGNORECASE)
_CHAPTER_RE = re.compile("第[一二三四五六七八九十百零〇0-9]{1,6}章")
_NUMBER_RE = re.compile("[（(][一二三四五六七八九十0-9]{1,3}[)）]")
_TAG_RE = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>|&(?:#\d{1,6}|[a-zA-Z]{2,8});")
_ITEM_RE, _CLAUSE_RE = re.compile("[\n、]"), re.compile("[\n、，]")


def measure_patterns(text: str) -> list[float]:
    """The values of PATTERN_METRICS for one text; NaN where there is nothing to divide by."""
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    chars = len("".join(text.split()))
    brackets = sum(len(m[0]) - 2 for m in _BRACKET_RE.finditer(text))
    more = sum(1 for line in lines if _READ_MORE_RE.search(line))
    scripts = sum(1 for line in lines if JAVASCRIPT_RE.search(line))
    policies = sum(1 for line in lines if POLICY_RE.search(line))
    counts = [len(pattern.findall(text)) for pattern in (_LOREM_RE, _CHAPTER_RE, _NUMBER_RE, _TAG_RE)]
    nan = float("nan")
    share = [brackets / chars if chars else nan, more / len(lines) if lines else nan]
    return [*share, scripts, policies, *counts, *_lengths(_ITEM_RE, text), *_lengths(_CLAUSE_RE, text)]


def _lengths(split: re.Pattern[str], text: str) -> tuple[float, float]:
    """Mean and standard deviation of the lengths of the parts, those beyond three deviations left out (xubuvd is_TablePage)."""
    lengths = np.array([len(part.strip()) for part in split.split(text) if part.strip()], np.float64)
    if not lengths.size:
        return float("nan"), float("nan")
    near = lengths[np.abs(lengths - lengths.mean()) <= 3 * lengths.std()]
    return float(near.mean()), float(near.std())
