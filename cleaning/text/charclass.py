"""What every code point is: a set of flags, packed so that one byte per code point is enough for the kernels.

`FLAGS` names the properties that metrics and fixers ask for. Each combination of flags that occurs gets a class number (under 256);
`CLASS_OF[code point]` is that number, `FLAG_BITS[class]` the combination. A kernel counts classes, and every character metric is a
sum over classes: adding a flag costs nothing per character.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import unicodedata
import zipfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

MAX_CODE_POINT = 0x110000

FLAGS = (
    "han", "kana", "hangul", "latin", "other_letter", "digit", "space", "newline", "punct", "symbol", "mark", "control", "private",
    "replacement", "invisible", "emoji", "upper", "wide_alnum", "terminal", "closer", "bullet", "ellipsis", "hash", "curly",
    "stop_han", "stop_classical", "rare_han", "odd_space", "carriage", "han_punct", "markup", "unstable", "odd_newline", "lead",
    "numeral", "radical", "stop_modern", "common_han", "traditional", "simplified", "box", "paren", "code_mark", "clause_mark",
    "quote_open", "sentence_end", "han_numeral", "bar", "splitter", "wide_mark",
)  # fmt: skip
BIT = {name: 1 << i for i, name in enumerate(FLAGS)}
_IDENTITY = 56  # bits from here on number the characters of STOP_ZH and STOP_LZH, so that each has a class of its own

# function characters of modern written Chinese, both scripts: particles, pronouns, prepositions, conjunctions, auxiliaries
STOP_HAN = (
    "的了着过得地是在有和与及或而且但也都就才还又很更最不没未被把将对从向到为以于由因所之其这那此每各些们"
    "我你您他她它谁什怎么吗呢吧啊会能可要想该让使说时来去上下中里后前著過與還沒將對從於這個們麼嗎讓說時來後裡為個一"
)
# function characters of classical Chinese, both scripts
STOP_CLASSICAL = "之乎者也矣焉哉其以于於为為而则則乃且若所与與曰吾汝尔爾岂豈何此故无無不有夫盖蓋虽雖"
# function characters that classical Chinese does not have, or not in this use
STOP_MODERN = "的了们們这這那吗嗎呢吧她它您么麼嘛很还還没沒给給说說"
# one-character stop words of FineWeb-2's configurations cmn_Hani and lzh_Hani (RULES 2.2)
STOP_ZH = "的年在月是和日了於·為有被人中为他與後也而由"
STOP_LZH = "之年以為其也國不人於而有者曰子為王公十二大所三与無"
# everyday characters of written Cantonese that the frequent levels of Big5 lack
CANTONESE = "嘅咗喺啲嗰冇佢哋乜嘢嚟咁唔瞓攞噉晒諗搵揾嬲嘥啱靚嘈畀俾咩嗱喎囉啩嘞吖哂曬嚿啫嘛噃孖脷氹"
CODE_MARK = "{}[]=<>;\\$#&+*/@^`"
CLAUSE_MARK = "，。；！？：、,.;!?:"
QUOTE_OPEN = "“「『\"‘﹁﹃"
SENTENCE_END = "。！？!?｡．"
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
    """`class_of` (1,114,112 uint8), `bits` (256 uint64: the flags of each class), `size` (how many classes there are).

    `stop_zh` and `stop_lzh` are (256,) masks: classes of one character each, a stop word.
    """

    class_of: npt.NDArray[np.uint8]
    bits: npt.NDArray[np.uint64]
    size: int
    stop_zh: npt.NDArray[np.bool_]
    stop_lzh: npt.NDArray[np.bool_]


@lru_cache(maxsize=1)
def char_tables() -> CharTables:
    """The tables, from a file beside the compiled kernels, or built (a third of a second, once after an installation)."""
    arrays = _cached_arrays()
    stops = arrays["stops"]
    return CharTables(arrays["class_of"], arrays["bits"], int(arrays["size"]), stops[0], stops[1])


@lru_cache(maxsize=1)
def fold_table() -> npt.NDArray[np.uint32]:
    """(65536,) what each code point of the basic plane becomes in a *view*: half width, small letter, simplified."""
    return _cached_arrays()["fold"]


@lru_cache(maxsize=1)
def _cached_arrays() -> dict[str, npt.NDArray[Any]]:
    # the key is of the code as it was loaded, not of the file, which may be a newer one by now
    code = [f.__code__ for f in (_build, _set_categories, _set_points, _unstable, _rare_han, _decode, _fold_table)]
    constants = {name: value for name, value in globals().items() if isinstance(value, (str, int, tuple, list)) and name.upper() == name}
    made_by = repr((unicodedata.unidata_version, version("opencc"), np.__version__, sorted(constants.items()))).encode()
    path = Path(__file__).parent / "__pycache__" / f"tables-{hashlib.sha256(made_by + marshal.dumps(code)).hexdigest()[:16]}.npz"
    try:
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile):
        arrays = _build()
    try:
        path.parent.mkdir(exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(scratch, **arrays)  # type: ignore[arg-type]
        scratch.replace(path)
    except OSError:
        pass  # a read-only installation builds them in every process
    return arrays


def _build() -> dict[str, npt.NDArray[Any]]:
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
    for number, c in enumerate(dict.fromkeys(STOP_ZH + STOP_LZH), 1):
        flags[ord(c)] |= np.uint64(number << _IDENTITY)
    values, inverse = np.unique(flags, return_inverse=True)
    if len(values) > 256:
        raise AssertionError(f"{len(values)} flag combinations; a class number is one byte")
    class_of = inverse.astype(np.uint8)
    bits, stops = np.zeros(256, np.uint64), np.zeros((2, 256), np.bool_)
    bits[: len(values)] = values & np.uint64((1 << _IDENTITY) - 1)
    for row, characters in enumerate((STOP_ZH, STOP_LZH)):
        stops[row, class_of[[ord(c) for c in characters]]] = True
    return {"class_of": class_of, "bits": bits, "size": np.array(len(values)), "stops": stops, "fold": _fold_table()}


def _fold_table() -> npt.NDArray[np.uint32]:
    """NFKC, small letters, simplified characters, each where one character becomes one."""
    out = np.arange(0x10000, dtype=np.uint32)
    simplified = script_maps()[1]
    for point in range(0x21, 0x10000):
        if 0xD800 <= point < 0xE000:
            continue
        c = unicodedata.normalize("NFKC", chr(point))
        c = c.lower() if len(c) == 1 else chr(point).lower()
        if len(c) == 1:
            out[point] = ord(simplified.get(c, c))
    return out


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
    put(STOP_MODERN, "stop_modern")
    put("□■▢▣▯▮◻◼◽◾", "box")
    put("()（）", "paren")
    put(CODE_MARK, "code_mark")
    put(CLAUSE_MARK, "clause_mark")
    put(QUOTE_OPEN, "quote_open")
    put(SENTENCE_END, "sentence_end")
    put("，。；！？、：", "wide_mark")
    put("|｜»›>·•", "bar")
    put("-_*^+/\\=.•·", "splitter")
    put("〇零一二三四五六七八九十百千", "han_numeral")
    suspects = (*range(0x300, 0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x10000), *range(0x10000, 0x1FB00))
    put([p for p in suspects if _unstable(chr(p))], "unstable")
    flags[0x1100:0x1200] |= np.uint64(BIT["unstable"])
    flags[0x2F800:0x2FA20] |= np.uint64(BIT["unstable"])
    flags[_rare_han(flags)] |= np.uint64(BIT["rare_han"])
    # the frequent levels: GB2312 rows 16 to 55, Big5 from A4 to C6
    frequent = _decode("gb2312", range(0xB0, 0xD8)) + _decode("big5", range(0xA4, 0xC7))
    frequent += CANTONESE
    put([ord(c) for c in frequent if flags[ord(c)] & np.uint64(BIT["han"])], "common_han")
    simplified, traditional = script_maps()
    in_gb, in_big5 = set(_decode("gb2312", range(0xB0, 0xF8))), set(_decode("big5", range(0xA4, 0xFA)))
    put([ord(c) for c in traditional if c in in_big5 and c not in in_gb], "traditional")
    put([ord(c) for c in simplified if c in in_gb and c not in in_big5], "simplified")


@lru_cache(maxsize=1)
def script_maps() -> tuple[dict[str, str], dict[str, str]]:
    """Single characters: simplified -> traditional and traditional -> simplified, as OpenCC maps them; only those that change."""
    from opencc import OpenCC

    points = [chr(p) for low, high in _HAN[1:4] for p in range(low, high + 1)]
    maps = []
    for how in ("s2t", "t2s"):
        converted = OpenCC(how).convert("\n".join(points)).split("\n")
        maps.append({a: b for a, b in zip(points, converted, strict=True) if a != b and len(b) == 1})
    return maps[0], maps[1]


def _decode(codec: str, rows: range) -> str:
    """The characters of some rows of a two-byte character set."""
    pairs = [bytes((hi, lo)) for hi in rows for lo in (*range(0x40, 0x7F), *range(0xA1, 0xFF))]
    return "".join(pair.decode(codec, errors="ignore") for pair in pairs)


def _unstable(c: str) -> bool:
    """Whether NFC may change a text that has this character."""
    return unicodedata.combining(c) != 0 or not unicodedata.is_normalized("NFC", c)


def _rare_han(flags: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Han outside GB2312 and Big5: the two together hold what people write; what mis-decoding produces mostly lies outside."""
    common = "".join(_decode(codec, range(0xA1, 0xFA)) for codec in ("gb2312", "big5"))
    rare = flags & np.uint64(BIT["han"]) != 0
    rare[[ord(c) for c in common]] = False
    rare[0x3007] = False  # 〇, the zero of dates
    return np.flatnonzero(rare)


def classes_with(*names: str) -> npt.NDArray[np.bool_]:
    """(256,) mask of the classes that have any of these flags."""
    wanted = np.uint64(sum(BIT[name] for name in names))
    mask: npt.NDArray[np.bool_] = (char_tables().bits & wanted) != 0
    return mask


Encoded = tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]


def utf32(texts: list[str]) -> Encoded:
    """All texts as one array of code points (read-only) and (n + 1) offsets."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(t) for t in texts], out=offsets[1:])
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    return codes, offsets
