"""Which encoding a file is in, decided on its bytes.

UTF-8 is recognised by being valid; UTF-16 by its mark or by its zero bytes; GB18030 and Big5 accept each other's bytes, so they
are told apart by how common the decoded characters are: GB2312's level 1 and Big5's level 1 hold the characters that make
up well over nine tenths of any running text.
"""

from __future__ import annotations

import codecs
from functools import lru_cache

from cleaning.errors import ConfigError, did_you_mean

SNIFF_BYTES = 256 << 10
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
KNOWN = ("utf-8", "gb18030", "big5hkscs", "utf-16-le", "utf-16-be")
_ALIASES = {"gbk": "gb18030", "gb2312": "gb18030", "cp936": "gb18030", "big5": "big5hkscs", "cp950": "big5hkscs", "utf8": "utf-8"}
_ALIASES |= {"utf-8-sig": "utf-8", "utf16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}


def canonical_encoding(name: str) -> str:
    """The name that we use for an encoding named in a configuration; `auto` stays. Raises ConfigError.

    >>> canonical_encoding("GBK"), canonical_encoding("utf8")
    ('gb18030', 'utf-8')
    """
    lower = name.strip().lower().replace("_", "-")
    lower = _ALIASES.get(lower, lower)
    if lower in ("auto", "utf-16") or lower in KNOWN:  # utf-16: the mark decides, little endian without one
        return lower
    raise ConfigError(f"input.encoding: unknown encoding '{name}'{did_you_mean(lower, [*KNOWN, *_ALIASES, 'auto'])}")


def detect_encoding(head: bytes, *, complete: bool = False) -> tuple[str, int]:
    """(encoding, length of the byte order mark) from the first bytes of a file. `complete`: `head` is the whole file.

    >>> detect_encoding("汉字".encode("gb18030"))
    ('gb18030', 0)
    >>> detect_encoding(b"\\xef\\xbb\\xbf{}")
    ('utf-8', 3)
    """
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    if len(head) >= 4:
        # text whose every other byte is zero is ASCII-heavy UTF-16 without a mark (JSON always is: braces, quotes, colons)
        even, odd = head[0:4096:2].count(0), head[1:4096:2].count(0)
        half = max(1, min(len(head), 4096) // 2)
        if odd > half * 0.2 and even < half * 0.02:
            return "utf-16-le", 0
        if even > half * 0.2 and odd < half * 0.02:
            return "utf-16-be", 0
    if _mostly_utf8(head, complete):
        return "utf-8", 0
    candidates = [(name, _commonness(head, name)) for name in ("gb18030", "big5hkscs")]
    for name in ("utf-16-le", "utf-16-be"):
        score = _commonness(head[: len(head) & ~1], name)
        candidates.append((name, score if score > 0.5 else 0.0))
    best, score = max(candidates, key=lambda pair: pair[1])
    return (best, 0) if score > 0 else ("utf-8", 0)


def _mostly_utf8(head: bytes, complete: bool) -> bool:
    """Valid, or so nearly valid that the bad bytes are damage: a legacy file has invalid sequences in almost every line."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoder.decode(head, final=complete)
        return True
    except UnicodeDecodeError:
        pass
    lines = [line for line in head.split(b"\n") if not line.isascii()][:-1] or [head]
    return sum(_is_utf8(line) for line in lines) * 2 >= len(lines)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _commonness(head: bytes, encoding: str) -> float:
    """Share of the non-ASCII characters that are common in the encoding's script; unreadable bytes count against it."""
    text = head.decode(encoding, errors="replace")
    wide = [c for c in text if c > "\x7f"]
    if not wide:
        return 0.0
    common = common_han(encoding) if not encoding.startswith("utf-16") else common_han("gb18030") | common_han("big5hkscs")
    return sum((c in common) - 2 * (c == "\ufffd") for c in wide) / len(wide)


@lru_cache(maxsize=2)
def common_han(encoding: str) -> frozenset[str]:
    """Level-1 characters of GB2312 (3,755) or Big5 (5,401), with the punctuation that running text uses."""
    if encoding == "gb18030":
        pairs = [(hi, lo) for hi in range(0xB0, 0xD8) for lo in range(0xA1, 0xFF)]
        return frozenset(_decode_pairs(pairs, "gb2312")) | set("，。！？；：“”‘’（）《》、…—　·")
    pairs = [(hi, lo) for hi in range(0xA4, 0xC7) for lo in (*range(0x40, 0x7F), *range(0xA1, 0xFF))]
    return frozenset(_decode_pairs(pairs, "big5")) | set("，。！？；：「」『』（）《》、…—　·")


def _decode_pairs(pairs: list[tuple[int, int]], encoding: str) -> set[str]:
    text = b"\n".join(bytes(pair) for pair in pairs).decode(encoding, errors="ignore")
    return {c for c in text if c != "\n"}
