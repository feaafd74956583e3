"""Which script each letter belongs to, and what a Han character tells of the language: simplified or traditional, modern, classical,
Cantonese or Japanese.

A class number for each code point, as in `charclass`: a kernel counts classes, everything else is a sum over them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cleaning.text.charclass import MAX_CODE_POINT, STOP_CLASSICAL, STOP_MODERN, char_tables, classes_with

# ISO 15924 codes; the letters of each, marks included. What is not here is `Zyyy`
SCRIPTS = {
    "Zyyy": "", "Latn": "Latin", "Hani": "Han", "Kana": "", "Hang": "Hangul", "Cyrl": "Cyrillic", "Arab": "Arabic", "Deva": "Devanagari",
    "Grek": "Greek", "Hebr": "Hebrew", "Thai": "Thai", "Beng": "Bengali", "Taml": "Tamil", "Telu": "Telugu", "Knda": "Kannada",
    "Mlym": "Malayalam", "Gujr": "Gujarati", "Guru": "Gurmukhi", "Orya": "Oriya", "Sinh": "Sinhala", "Mymr": "Myanmar", "Khmr": "Khmer",
    "Laoo": "Lao", "Tibt": "Tibetan", "Geor": "Georgian", "Armn": "Armenian", "Ethi": "Ethiopic", "Thaa": "Thaana", "Syrc": "Syriac",
    "Mong": "Mongolian", "Bopo": "Bopomofo",
}  # fmt: skip
SCRIPT_NUMBER = {code: number for number, code in enumerate(SCRIPTS)}
HAN_SIGNS = ("hans", "hant", "modern", "classical", "cantonese", "japanese")
# written Cantonese; no standard Chinese text has more than a stray one
CANTONESE_ONLY = "嘅咗喺啲嗰冇佢哋乜嘢嚟咁唔瞓攞噉嘥啱畀嗱喎囉啩嘞曬嚿噃"
BOTH_AGES = "说說没沒还還给給"  # of STOP_MODERN: classical texts have them in another use
_KANA = [(0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FD, 0x30FF), (0xFF66, 0xFF6F), (0xFF71, 0xFF9D)]


class ScriptTables(NamedTuple):
    """`class_of` (1,114,112 uint8) and, for each of `size` classes, its script's number; `signs` (256, HAN_SIGNS) are masks."""

    class_of: npt.NDArray[np.uint8]
    script_of: npt.NDArray[np.uint8]
    signs: npt.NDArray[np.bool_]
    size: int


@lru_cache(maxsize=1)
def script_tables() -> ScriptTables:
    """The tables (a tenth of a second, once in a process)."""
    script = _script_numbers()
    signs = np.zeros(MAX_CODE_POINT, np.uint16)
    han = script == SCRIPT_NUMBER["Hani"]
    for bit, points in enumerate(_sign_points(han)):
        signs[points] |= np.uint16(1 << bit)
    signs[~han] = 0
    values, inverse = np.unique(script.astype(np.uint16) << 8 | signs, return_inverse=True)
    if len(values) > 256:
        raise AssertionError(f"{len(values)} classes; a class number is one byte")
    script_of, masks = np.zeros(256, np.uint8), np.zeros((256, len(HAN_SIGNS)), np.bool_)
    script_of[: len(values)] = values >> 8
    for bit in range(len(HAN_SIGNS)):
        masks[: len(values), bit] = values >> bit & 1
    return ScriptTables(inverse.astype(np.uint8), script_of, masks, len(values))


def _script_numbers() -> npt.NDArray[np.uint8]:
    import regex

    out = np.zeros(MAX_CODE_POINT, np.uint8)
    points = [*range(0x41, 0xD800), *range(0xF900, 0x1E000), *range(0x20000, 0x323B0)]
    everything = "".join(map(chr, points))
    for code, name in SCRIPTS.items():
        if name:
            for match in regex.finditer(rf"[\p{{Script={name}}}&&[\p{{L}}\p{{M}}\u3005-\u3007]]+", everything, regex.VERSION1):
                out[[ord(c) for c in match[0]]] = SCRIPT_NUMBER[code]
    for low, high in _KANA:
        out[low : high + 1] = SCRIPT_NUMBER["Kana"]
    for low, high in ((0xFF21, 0xFF3A), (0xFF41, 0xFF5A)):
        out[low : high + 1] = SCRIPT_NUMBER["Latn"]
    return out


def _sign_points(han: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int64]]:
    """The code points of each of HAN_SIGNS."""
    class_of = char_tables().class_of
    forms = [np.flatnonzero(classes_with(name)[class_of]) for name in ("simplified", "traditional")]
    modern = [c for c in STOP_MODERN if c not in BOTH_AGES]
    words = [np.array([ord(c) for c in text]) for text in (modern, STOP_CLASSICAL, CANTONESE_ONLY)]
    return [*forms, *words, _japanese_forms(han, classes_with("rare_han")[class_of])]


def _japanese_forms(han: npt.NDArray[np.bool_], rare: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Han of the first level of JIS X 0208 that neither GB2312 nor Big5 has (経 済 円 広): the forms that Japan alone writes."""
    pairs = [bytes((hi, lo)) for hi in range(0xB0, 0xD0) for lo in range(0xA1, 0xFF)]
    first_level = "".join(pair.decode("euc_jp", errors="ignore") for pair in pairs)
    found = np.array([ord(c) for c in first_level])
    japanese: npt.NDArray[np.int64] = found[han[found] & rare[found]]
    return japanese
