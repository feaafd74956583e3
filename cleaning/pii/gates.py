"""The gates: where personal data could be, and of what kind, found in one pass over a batch's characters (`scan.py`).

Most text has no such place. The patterns, which are slow, are tried only where the scan found their gate: eleven digits in a row that
begin with 13, an @ between letters, a province followed by a capital. A gate may be generous, but must not miss.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from cleaning.pii import scan, scan_numbers
from cleaning.pii.scan import Array
from cleaning.text.charclass import Encoded

GATES = (
    "mobile", "landline", "long", "us", "ip4", "macau", "han_digits", "document", "code18", "code17", "iban", "plate", "at", "url", "hex",
    "qq", "wechat", "address", "flat", "key", "named", "pem", "label",
)  # fmt: skip
HAN_DIGIT_CHARS = {
    c: i for row in ("〇一二三四五六七八九", "零壹贰叁肆伍陆柒捌玖", "○壱貳參肆伍陸柒捌玖", "⓪①②③④⑤⑥⑦⑧⑨") for i, c in enumerate(row)
} | {"幺": 1, "两": 2}
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
STREETS = "路街道巷弄村区园苑庄里寓厦城院镇乡府屯社场组"
LABEL_ENDS = "名人者表主生长"  # 姓名： 联系人： 患者： 法定代表： 户主： 学生： 家长：


@lru_cache(maxsize=1)
def tables() -> tuple[Array, Array, Array]:
    """(65536,) class of each character on the width view, its half-width form, its value as a digit or 255."""
    fold = np.arange(0x10000, dtype=np.uint32)
    for first, last in ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A)):
        fold[first : last + 1] = np.arange(first, last + 1) - 0xFEE0
    for wide, narrow in (("＠", "@"), ("．", "."), ("－", "-"), ("＿", "_"), ("＋", "+"), ("\u00a0", " "), ("\u3000", " ")):
        fold[ord(wide)] = ord(narrow)
    fold[[0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0x2212, 0xFE63]] = ord("-")
    classes = np.zeros(0x10000, np.uint8)
    for low, high, number in (("0", "9", scan.C_DIGIT), ("A", "Z", scan.C_UPPER), ("a", "z", scan.C_LOWER)):
        classes[ord(low) : ord(high) + 1] = number
    for chars, number in (
        ("".join(HAN_DIGIT_CHARS), scan.C_HAN_DIGIT), (PROVINCES, scan.C_PROVINCE), ("信❤", scan.C_TRUST), ("@", scan.C_AT),
        ("扣企球秋", scan.C_QQ), ("室房户", scan.C_ROOM),
        (STREETS, scan.C_STREET), (LABEL_ENDS, scan.C_LABEL), ("证證", scan.C_PERMIT), ("元", scan.C_UNIT), ("#", scan.C_HASH),
    ):  # fmt: skip
        classes[[ord(c) for c in chars]] = number
    classes = classes[fold]
    values = np.full(0x10000, 255, np.uint8)
    values[ord("0") : ord("9") + 1] = np.arange(10)
    values = values[fold]
    values[[ord(c) for c in HAN_DIGIT_CHARS]] = list(HAN_DIGIT_CHARS.values())
    return classes, fold, values


def candidates(encoded: Encoded) -> tuple[Array, Array]:
    """(n, 3) rows (document, place in it, gate) in order, and for each document whether its view differs from its text."""
    codes, offsets = encoded
    classes, fold, values = tables()
    wide = np.zeros(len(offsets) - 1, np.bool_)
    raw = _filled(lambda rows: scan.find_candidates(codes, offsets, classes, fold, values, rows, wide), 256 + len(codes) // 32)
    return _filled(lambda rows: scan_numbers.refine_numbers(codes, offsets, raw, fold, values, rows), 64 + len(raw)), wide


def _filled(fill: Callable[[Array], int], room: int) -> Array:
    """The rows that `fill` writes; when it finds more than fit, it is given more room."""
    while True:
        rows = np.empty((room, 3), np.int32)
        found = fill(rows)
        if found <= room:
            return rows[:found]
        room = found
