"""Text that was decoded with the wrong table, put right where that is certain.

Certain means: the wrong decoding can be undone byte for byte for the whole text, the bytes are valid UTF-8, and what comes out is
running Chinese (or, for Latin text, accented letters where there were pairs of symbols). Everything else is left alone: 锟斤拷 and
U+FFFD have lost their bytes, and rules count them instead.
"""

from __future__ import annotations

import re

from cleaning.io.encodings import common_han

# the first byte of a UTF-8 sequence read as Latin-1 or Windows-1252, followed by continuation bytes read the same way
_OF_1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_CONTINUATION = f"\x80-\xbf{_OF_1252}"
CONTINUATION = (*map(chr, range(0x80, 0xC0)), *_OF_1252)
_LEAD_RE = re.compile("[\xc2-\xd6\xd8-\xf4]")  # × is a sign, not a letter
_PAIR = f"[\xc2-\xdf][{_CONTINUATION}]"
_WIDE = f"[\xe0-\xef][{_CONTINUATION}]{{2}}|[\xf0-\xf4][{_CONTINUATION}]{{3}}"
_AS_LATIN_RUN = re.compile(f"(?:{_PAIR}|{_WIDE})+")
_WIDE_RE = re.compile(_WIDE)
# the first two bytes of a Chinese character (or of ， and 。) in UTF-8, read as GBK: rare characters in real text, every third in mojibake
AS_GBK_LEADS = [bytes((a, b)).decode("gbk", "ignore") for a in (0xE3, *range(0xE4, 0xEA), 0xEF) for b in range(0x80, 0xC0)]
_AS_GBK = re.compile(f"[{''.join(AS_GBK_LEADS)}]")
_AROUND = "\ufeff\u200b\xa0\u3000 \t\r\n"  # may have come to a text later than the mojibake did
_CP1252 = {c: bytes([b]) for b in range(0x80, 0xA0) for c in [bytes([b]).decode("cp1252", "ignore")] if c}


def repair_mojibake(text: str) -> str:
    """Undo UTF-8 read as Latin-1/Windows-1252 (also twice) or as GBK; anything uncertain stays as it is.

    >>> repair_mojibake("ä¸­æ–‡ç½‘é¡µ")
    '中文网页'
    >>> repair_mojibake("鐢佃剳鍜屾墜鏈虹殑浣跨敤鏂规硶")
    '电脑和手机的使用方法'
    >>> repair_mojibake("cafÃ© au lait")
    'café au lait'
    >>> repair_mojibake("naïve café…” NESCAFÉ®, „Spaß“, 5 £")
    'naïve café…” NESCAFÉ®, „Spaß“, 5 £'
    """
    for _ in range(3):
        fixed = _undo_latin(text)
        if fixed == text:
            break
        text = fixed
    if len(text) >= 8 and len(_AS_GBK.findall(text, 0, 400)) * 6 >= min(len(text), 400):
        core = text.strip(_AROUND)
        head, _, tail = text.partition(core)
        return head + _from_gbk(core) + tail
    return text


def _undo_latin(text: str) -> str:
    leads = len(_LEAD_RE.findall(text))
    if not leads:
        return text
    runs = [(match, _decoded(match[0])) for match in _AS_LATIN_RUN.finditer(text)]
    # an accented letter before a quotation mark is an accented letter: every lead byte must be part of a valid sequence
    explained = sum(len(_LEAD_RE.findall(match[0])) for match, fixed in runs if fixed is not None)
    if explained < leads or any(fixed is None for _, fixed in runs):
        return text
    wide = sum(len(_WIDE_RE.findall(match[0])) for match, _ in runs)
    out: list[str] = []
    at = 0
    for match, fixed in runs:
        assert fixed is not None
        # é…” alone is a valid sequence too, and so is É®: single pairs must give Latin letters, longer ones must not be alone
        latin = all(c < "\u0180" for c in fixed)
        certain = latin or len(match[0]) >= 6 or (wide >= 3 and _WIDE_RE.search(match[0]) is not None)
        out += [text[at : match.start()], fixed if certain else match[0]]
        at = match.end()
    return "".join([*out, text[at:]])


def _decoded(run: str) -> str | None:
    raw = b"".join(_CP1252.get(c) or c.encode("latin-1", "replace") for c in run)
    try:
        fixed = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return fixed if all(c.isprintable() or c in "\xa0\u3000\xad" for c in fixed) else None


def _from_gbk(text: str) -> str:
    try:
        fixed = text.encode("gb18030").decode("utf-8")
    except UnicodeError:
        return text
    common = common_han("gb18030")
    wide = [c for c in fixed if c > "\x7f"]
    return fixed if wide and sum(c in common for c in wide) >= 0.8 * len(wide) else text
