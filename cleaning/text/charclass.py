"""What every code point is: a set of flags, packed so that one byte per code point is enough for the kernels.

`FLAGS` names the properties that metrics and fixers ask for. Each combination of flags that occurs gets a class number (under 256);
`CLASS_OF[code point]` is that number, `FLAG_BITS[class]` the combination. A kernel counts classes, and every character metric is a
sum over classes: adding a flag costs nothing per character.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

MAX_CODE_POINT = 0x110000

FLAGS = (
    "han", "kana", "hangul", "latin", "other_letter", "digit", "space", "newline", "punct", "symbol", "mark", "control", "private",
    "replacement", "invisible", "emoji", "upper", "wide_alnum", "terminal", "closer", "bullet", "ellipsis", "hash", "curly",
    "stop_han", "stop_classical", "rare_han", "odd_space", "carriage", "han_punct", "markup", "unstable", "odd_newline", "lead",
    "numeral", "radical",
)  # fmt: skip
BIT = {name: 1 << i for i, name in enumerate(FLAGS)}

# function characters of modern written Chinese, both scripts: particles, pronouns, prepositions, conjunctions, auxiliaries
STOP_HAN = (
    "的了着过得地是在有和与及或而且但也都就才还又很更最不没未被把将对从向到为以于由因所之其这那此每各些们"
    "我你您他她它谁什怎么吗呢吧啊会能可要想该让使说时来去上下中里后前著過與還沒將對從於這個們麼嗎讓說時來後裡為個一"
)
# function characters of classical Chinese, both scripts
STOP_CLASSICAL = "之乎者也矣焉哉其以于於为為而则則乃且若所与與曰吾汝尔爾岂豈何此故无無不有夫盖蓋虽雖"
TERMINAL = "。！？；…：．｡.!?;:～~"
CLOSER = "”’」』）)】》〉］]}\"'＂｣﹂﹄"
BULLET = "•●○■□▪▫※·➢◆◇★☆►▶-*–—"
HAN_PUNCT = "，。、；：？！“”‘’（）《》〈〉【】「」『』〔〕…—～·｡､"
_INVISIBLE = [0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x180F), *range(0x200B, 0x2010)]
_INVISIBLE += [*range(0xFE00, 0xFE10), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x3164, 0xFEFF, 0xFFA0]
_INVISIBLE += [*range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)]
_HAN = [(0x3005, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)]
_KANA = [(0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)]
_HANGUL = [(0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97F), (0xAC00, 0xD7A3), (0xD7B0, 0xD7FF)]
_LATIN = [(0x41, 0x5A), (0x61, 0x7A), (0xAA, 0xAA), (0xBA, 0xBA), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x24F), (0x1E00, 0x1EFF)]
_LATIN += [(0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0xFB00, 0xFB06)]
_EMOJI = [(0x1F300, 0x1FAFF), (0x2600, 0x27BF), (0x1F1E6, 0x1F1FF)]
_PRIVATE = [(0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD)]


class CharTables(NamedTuple):
    """`class_of` (1,114,112 uint8), `bits` (256 uint64: the flags of each class), `size` (how many classes there are)."""

    class_of: npt.NDArray[np.uint8]
    bits: npt.NDArray[np.uint64]
    size: int


@lru_cache(maxsize=1)
def char_tables() -> CharTables:
    """Build the tables (about 40 ms, once per process)."""
    flags = np.zeros(MAX_CODE_POINT, np.uint64)
    _set_categories(flags)
    for ranges, name in ((_HAN, "han"), (_KANA, "kana"), (_HANGUL, "hangul"), (_LATIN, "latin"), (_PRIVATE, "private")):
        for low, high in ranges:
            flags[low : high + 1] &= ~np.uint64(BIT["other_letter"])
            flags[low : high + 1] |= np.uint64(BIT[name])
    for low, high in _EMOJI:
        # emoji that this Python's Unicode does not know yet are no garble
        flags[low : high + 1] &= ~np.uint64(BIT["control"])
        flags[low : high + 1] |= np.uint64(BIT["emoji"] | BIT["symbol"])
    _set_points(flags)
    values, class_of = np.unique(flags, return_inverse=True)
    if len(values) > 256:
        raise AssertionError(f"{len(values)} flag combinations; a class number is one byte")
    bits = np.zeros(256, np.uint64)
    bits[: len(values)] = values
    return CharTables(class_of.astype(np.uint8), bits, len(values))


def _set_categories(flags: npt.NDArray[np.uint64]) -> None:
    by_category = {"N": "digit", "P": "punct", "S": "symbol", "M": "mark", "Z": "space"}
    for point in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xD7A4, 0xD800), *range(0xFB00, 0x10000), *range(0x10000, 0x1FB00)):
        category = unicodedata.category(chr(point))
        if category == "Nd":
            flags[point] |= BIT["digit"]
        elif category == "No":
            flags[point] |= BIT["numeral"]  # ① ½ ²: neither letters nor digits of a number
        elif category[0] == "L" or category == "Nl":
            flags[point] |= BIT["other_letter"]
        elif category in ("Cc", "Cn", "Cs"):
            flags[point] |= BIT["control"]
        elif category[0] in by_category:
            flags[point] |= BIT[by_category[category[0]]]
    flags[0xD800:0xE000] = BIT["control"]
    flags[0x323B0:0xE0000] = BIT["control"]
    flags[0xE0080:0xF0000] = BIT["control"]
    flags[0xE0100:0xE01F0] = BIT["mark"]  # variation selectors


def _set_points(flags: npt.NDArray[np.uint64]) -> None:
    def put(points: str | list[int], name: str) -> None:
        index = [ord(c) for c in points] if isinstance(points, str) else points
        flags[index] |= np.uint64(BIT[name])

    flags[[plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF)]] = BIT["control"]
    flags[_INVISIBLE] = BIT["invisible"]
    flags[[0x09, 0x20]] = BIT["space"]
    flags[0x0A] = BIT["newline"]
    flags[0x0D] = BIT["carriage"] | BIT["space"]
    flags[[0x0B, 0x0C, 0x85, 0x2028, 0x2029]] = BIT["space"] | BIT["odd_newline"]
    flags[[0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]] = BIT["space"] | BIT["odd_space"]
    flags[0xFFFD] = BIT["replacement"]
    for low, high in ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A)):
        flags[low : high + 1] |= np.uint64(BIT["wide_alnum"])
    put([p for p in (*range(0x250), *range(0x1E00, 0x1F00), *range(0xFF21, 0xFF3B)) if chr(p).isupper()], "upper")
    put(TERMINAL, "terminal")
    put(CLOSER, "closer")
    put(BULLET, "bullet")
    put(list(range(0xC2, 0xF5)), "lead")  # what the first byte of a UTF-8 sequence looks like in Latin-1
    put([*range(0x2E80, 0x2EF4), *range(0x2F00, 0x2FD6)], "radical")
    put("…", "ellipsis")
    put("#＃", "hash")
    put("{}", "curly")
    put("<&", "markup")
    put(HAN_PUNCT, "han_punct")
    put(STOP_HAN, "stop_han")
    put(STOP_CLASSICAL, "stop_classical")
    suspects = (*range(0x300, 0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x10000), *range(0x10000, 0x1FB00))
    put([p for p in suspects if _unstable(chr(p))], "unstable")
    flags[0x1100:0x1200] |= np.uint64(BIT["unstable"])
    flags[0x2F800:0x2FA20] |= np.uint64(BIT["unstable"])
    flags[_rare_han(flags)] |= np.uint64(BIT["rare_han"])


def _unstable(c: str) -> bool:
    """Whether NFC may change a text that has this character."""
    return unicodedata.combining(c) != 0 or not unicodedata.is_normalized("NFC", c)


def _rare_han(flags: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Han outside GB2312 and Big5: the two together hold what people write; what mis-decoding produces mostly lies outside."""
    pairs = [bytes((hi, lo)) for hi in range(0xA1, 0xFA) for lo in (*range(0x40, 0x7F), *range(0xA1, 0xFF))]
    common = "".join(pair.decode(codec, errors="ignore") for codec in ("gb2312", "big5") for pair in pairs)
    rare = flags & np.uint64(BIT["han"]) != 0
    rare[[ord(c) for c in common]] = False
    rare[0x3007] = False  # 〇, the zero of dates
    return np.flatnonzero(rare)


def classes_with(*names: str) -> npt.NDArray[np.bool_]:
    """(256,) mask of the classes that have any of these flags."""
    wanted = np.uint64(sum(BIT[name] for name in names))
    mask: npt.NDArray[np.bool_] = (char_tables().bits & wanted) != 0
    return mask


def utf32(texts: list[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """All texts as one array of code points (read-only) and (n + 1) offsets."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(t) for t in texts], out=offsets[1:])
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return codes, offsets
