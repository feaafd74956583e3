"""Text that was decoded with the wrong table, put right where that is certain.

Certain means: the wrong decoding can be undone byte for byte for the whole text, the bytes are valid UTF-8, and what comes out is
running Chinese (or, for Latin text, accented letters where there were pairs of symbols). Everything else is left alone: 锟斤拷 and
U+FFFD have lost their bytes, and rules count them instead.
"""

from __future__ import annotations

import re

from cleaning.io.encodings import common_han

# the first byte of a UTF-8 sequence read as Latin-1 or Windows-1252, followed by continuation bytes read the same way
_CONTINUATION = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_AS_LATIN = re.compile(f"[\xc3-\xf4][{_CONTINUATION}]")
_AS_LATIN_RUN = re.compile(f"(?:[\xc2-\xdf][{_CONTINUATION}]|[\xe0-\xef][{_CONTINUATION}]{{2}}|[\xf0-\xf4][{_CONTINUATION}]{{3}})+")
# the first two bytes of a Chinese character (or of ， and 。) in UTF-8, read as GBK: rare characters in real text, every third in mojibake
_LEADS = [bytes((a, b)).decode("gbk", "ignore") for a in (0xE3, *range(0xE4, 0xEA), 0xEF) for b in range(0x80, 0xC0)]
_AS_GBK = re.compile(f"[{''.join(_LEADS)}]")
_CP1252 = {c: bytes([b]) for b in range(0x80, 0xA0) for c in [bytes([b]).decode("cp1252", "ignore")] if c}


def repair_mojibake(text: str) -> str:
    """Undo UTF-8 read as Latin-1/Windows-1252 or as GBK; anything uncertain stays as it is.

    >>> repair_mojibake("ä¸­æ–‡ç½‘é¡µ")
    '中文网页'
    >>> repair_mojibake("鐢佃剳鍜屾墜鏈虹殑浣跨敤鏂规硶")
    '电脑和手机的使用方法'
    >>> repair_mojibake("cafÃ© au lait")
    'café au lait'
    >>> repair_mojibake("naïve café, 5 £")
    'naïve café, 5 £'
    """
    if _AS_LATIN.search(text) is not None:
        return _AS_LATIN_RUN.sub(_from_latin, text)
    if len(text) >= 8 and len(_AS_GBK.findall(text, 0, 400)) * 6 >= min(len(text), 400):
        return _from_gbk(text)
    return text


def _from_latin(match: re.Match[str]) -> str:
    run = match[0]
    raw = b"".join(_CP1252.get(c) or c.encode("latin-1", "replace") for c in run)
    try:
        fixed = raw.decode("utf-8")
    except UnicodeDecodeError:
        return run
    return fixed if all(c.isprintable() for c in fixed) else run


def _from_gbk(text: str) -> str:
    try:
        fixed = text.encode("gb18030").decode("utf-8")
    except UnicodeError:
        return text
    common = common_han("gb18030")
    wide = [c for c in fixed if c > "\x7f"]
    return fixed if wide and sum(c in common for c in wide) >= 0.8 * len(wide) else text
