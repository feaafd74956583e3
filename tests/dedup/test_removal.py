"""Taking sentences out: what is left reads as if they had never been there."""

from __future__ import annotations

import pytest

from cleaning.dedup.removal import is_balanced, without


@pytest.mark.parametrize(
    ("text", "gone", "left"),
    [
        ("甲。乙。丙。", "乙。", "甲。丙。"),
        ("甲。乙。丙。", "甲。", "乙。丙。"),
        ("甲。乙。丙。", "丙。", "甲。乙。"),
        ("甲。\n乙。\n丙。", "乙。", "甲。\n丙。"),
        ("甲。\n\n乙。\n\n丙。", "乙。", "甲。\n\n丙。"),
        ("乙。\n\n丙。", "乙。", "丙。"),
        ("甲。\n\n乙。", "乙。", "甲。"),
        ("乙。", "乙。", ""),
        ("  乙。丙。", "乙。", "  丙。"),
        ("One. Two. Three.", "Two.", "One. Three."),
        ("One. Two.\nThree.", "Two.", "One.\nThree."),
        ("One.  Two.  Three.", "Two.", "One. Three."),
        ("　　乙。\n丙。", "乙。", "丙。"),
        ("- 乙。\n- 丙。", "- 乙。", "- 丙。"),
    ],
)
def test_without(text: str, gone: str, left: str) -> None:
    at = text.index(gone)
    assert without(text, [(at, at + len(gone))]) == left


def test_neighbours_go_together() -> None:
    assert without("甲。乙。丙。丁。", [(2, 4), (4, 6)]) == "甲。丁。"
    assert without("甲。\n乙。丙。\n丁。", [(3, 5), (5, 7)]) == "甲。\n丁。"
    assert without("甲。\n\n乙。\n\n丙。\n\n丁。", [(4, 6), (8, 10)]) == "甲。\n\n丁。"


def test_half_a_pair_is_not_balanced() -> None:
    assert [is_balanced(t) for t in ("（甲。）", "“甲。", "甲。”", '"甲', "it’s", "f(x)[0]", "f(x", "）（", "```py")] == [
        True, False, False, False, True, True, False, False, False,
    ]  # fmt: skip
