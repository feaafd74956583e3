"""Small pure functions that mend text, one habit of broken web text each, with what they leave alone on purpose.

Every function is `str -> str`, and applying it twice is applying it once. `stages/normalize.py` decides which documents need which;
nothing here knows about documents. Functions that could damage program text are applied outside code only (`outside_code`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import Any

from cleaning.text.charclass import _HAN, _INVISIBLE, _PRIVATE
from cleaning.text.code import outside_code

GARBLE_SHARE = 0.005  # more U+FFFD or private-use characters than this stay: the rules must see that the text is garbled

_HAN_CLASS = "".join(f"{chr(a)}-{chr(b)}" for a, b in _HAN)
_CJK_PUNCT = "，。、；：？！“”‘’（）《》〈〉【】「」『』…—"


def _char_class(points: list[int]) -> str:
    """Ranges, since a class of a few ranges is matched much faster than one of hundreds of characters."""
    ranges: list[list[int]] = []
    for point in sorted(points):
        if ranges and point == ranges[-1][1] + 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in ranges)


_JOINERS = "\u200c\u200d\ufe0f"  # they hold emoji sequences together, and spell words in some scripts
_EMOJI_RE = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff\ufe0f\u200d©®‼⁉〰〽㊗㊙]")
_JOINING_LETTER_RE = re.compile("[\u0600-\u109f]")  # Arabic and Indic scripts
_TAG_CHARACTER_RE = re.compile("[\U000e0020-\U000e007f]")  # after a black flag they spell whose flag it is
_INVISIBLE_RE = re.compile(f"[{_char_class([p for p in _INVISIBLE if p < 0x10000])}]|[\U000e0000-\U000e007f]")
_NON_CHARACTERS = "".join(f"{chr(plane << 16 | 0xFFFE)}-{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
_CONTROL_RE = re.compile(f"\x1b\\[[0-9;]*[A-Za-z]|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef{_NON_CHARACTERS}]+")
_GARBLE_RE = re.compile("[\ufffd" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _PRIVATE) + "]")
_ODD_NEWLINES = "\x0b\x0c\x85\u2028\u2029"
_NEWLINES_RE = re.compile(f"[{_ODD_NEWLINES}]")
_ODD_SPACES = "\u3000\xa0\u1680\u202f\u205f" + "".join(map(chr, range(0x2000, 0x200B)))
_INDENT_RE = re.compile(f"^[ \t]*[\xa0\u3000][ \t\xa0\u3000]*(?=[{_HAN_CLASS}{_CJK_PUNCT}])", re.MULTILINE)
_WIDE = {c: c - 0xFEE0 for c in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_WIDE_RE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+")
_CORNER = {ord("「"): "“", ord("」"): "”", ord("『"): "‘", ord("』"): "’"}


def fix_nfc(text: str) -> str:
    """Compose letters and their accents (NFC). Not NFKC: that would turn ， into a comma, ② into 2 and ½ into 1⁄2.

    >>> fix_nfc("cafe\\u0301，②")
    'café，②'
    """
    return unicodedata.normalize("NFC", text)


_RADICAL_RE = re.compile("[\u2e80-\u2ef3\u2f00-\u2fd5]")


def fix_radicals(text: str) -> str:
    """Han characters for the look-alike radicals that PDF extraction yields (the one block for which NFKC is right).

    >>> fix_radicals("\u2f00\u2f2d, \u2f64途")
    '一山, 用途'
    """
    return _RADICAL_RE.sub(lambda m: unicodedata.normalize("NFKC", m[0]), text)


def fix_newlines(text: str) -> str:
    r"""One kind of newline, for CRLF, lone CR, form feeds and Unicode's line separators.

    >>> fix_newlines("一\r\n二\u2028三")
    '一\n二\n三'
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _NEWLINES_RE.sub("\n", text) if any(c in text for c in _ODD_NEWLINES) else text


def drop_invisible(text: str) -> str:
    """Remove zero-width, bidi, soft-hyphen and other invisible characters; joiners inside emoji stay.

    >>> drop_invisible("网\\u200b页\\ufeff 👨\\u200d👩 so\\u00adft")
    '网页 👨\\u200d👩 soft'
    """
    while (fixed := _INVISIBLE_RE.sub(_keep_joiner, text)) != text:  # what one pass removes may have stood between two others
        text = fixed
    return text


def _keep_joiner(match: re.Match[str]) -> str:
    text, at = match.string, match.start()
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if match[0] in _JOINERS:
        emoji = _EMOJI_RE.match(before) and (match[0] == "\ufe0f" or _EMOJI_RE.match(after))
        keycap = match[0] == "\ufe0f" and after == "\u20e3"
        letters = match[0] != "\ufe0f" and _JOINING_LETTER_RE.match(before) and _JOINING_LETTER_RE.match(after)
        return match[0] if emoji or keycap or letters else ""
    if _TAG_CHARACTER_RE.match(match[0]) and (before == "\U0001f3f4" or _TAG_CHARACTER_RE.match(before)):
        return match[0] if "\U0001f3f4" in text[max(0, at - 8) : at] else ""
    return ""


def drop_controls(text: str) -> str:
    r"""Remove control characters and non-characters; tab and newline stay.

    >>> drop_controls("a\x00b\tc\x7f")
    'ab\tc'
    """
    return _CONTROL_RE.sub("", text)


def drop_garble(text: str) -> str:
    """Remove a few U+FFFD and private-use characters (one, in a short text). Many stay, so that rules can see a garbled document.

    >>> drop_garble("他说\\ufffd好" + "的" * 400) == "他说好" + "的" * 400
    True
    >>> drop_garble("\\ufffd\\ufffd乱码")
    '\\ufffd\\ufffd乱码'
    """
    fixed, count = _GARBLE_RE.subn("", text)
    return fixed if count <= max(1, GARBLE_SHARE * len(text)) else text


def fix_spaces(text: str) -> str:
    """Ordinary spaces for no-break, ideographic and typographic ones.

    An indent of ideographic or no-break spaces before Chinese is layout and goes; any other may be code and stays.

    >>> fix_spaces("　　第一段\\u00a0完\\n    x = 1")
    '第一段 完\\n    x = 1'
    """
    if "\u3000" in text or "\xa0" in text:
        text = _INDENT_RE.sub("", text)
    for c in _ODD_SPACES:
        if c in text:
            text = text.replace(c, " ")
    return text


def trim_lines(text: str) -> str:
    r"""No blanks at line ends, at most one empty line in a row, none at the ends. Indentation stays.

    >>> trim_lines("\n一  \n\n\n\n  二\n")
    '一\n\n  二'
    """
    if " \n" in text or "\t\n" in text or text[-1:] in (" ", "\t"):
        text = "\n".join([line.rstrip(" \t") for line in text.split("\n")])
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip("\n")


def fix_width(text: str) -> str:
    """ASCII for full-width digits and letters. Full-width punctuation stays: it is the punctuation of Chinese.

    >>> fix_width("２０２４年，ＡＢＣ！")
    '2024年，ABC！'
    """
    return _WIDE_RE.sub(lambda m: m[0].translate(_WIDE), text)


_SPACED_HAN_RE = re.compile(f"(?<=[{_HAN_CLASS}{_CJK_PUNCT}])[ \t]+(?=[{_HAN_CLASS}{_CJK_PUNCT}])")
_HAN_PAIR_RE = re.compile(f"[{_HAN_CLASS}](?=[{_HAN_CLASS}])")
_SPACED_PAIR_RE = re.compile(f"[{_HAN_CLASS}][ \t]+(?=[{_HAN_CLASS}])")


def close_han(text: str) -> str:
    """Remove spaces between Han characters when a text is spaced out throughout (more than 20 % of the gaps).

    A few spaces are left alone: names in columns, verse, headings are set that way.

    >>> close_han("今 天 天 气 很 好 。")
    '今天天气很好。'
    >>> close_han("张三 李四在一起吃了一顿晚饭")
    '张三 李四在一起吃了一顿晚饭'
    """
    if text.count(" ") * 25 < len(text):
        return text
    spaced = len(_SPACED_PAIR_RE.findall(text))
    if spaced < 4 or spaced <= 0.2 * (spaced + len(_HAN_PAIR_RE.findall(text))):
        return text
    return _SPACED_HAN_RE.sub("", text)


# what must be in a text for the pattern to have work, the pattern, its replacement
_RUNS: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = (
    (tuple(c * 4 for c in "!！?？～"), re.compile(r"([!！?？～])\1{3,}"), r"\1\1\1"),
    (("~~~~",), re.compile(r"(?<=[^\s~])~{4,}"), "~~~"),  # a line of tildes is a rule or a fence
    (("，，", "、、", "；；", "：："), re.compile(r"([，、；：])\1+"), r"\1"),
    (("。。",), re.compile(r"。{4,}|(?<!。)。。(?!。)"), "。"),  # three in a row stand for an ellipsis
    (("………",), re.compile(r"…{3,}"), "……"),
    (("———",), re.compile(r"—{3,}"), "——"),
    (("." * 7,), re.compile(r"\.{7,}"), "......"),
    ((",,,",), re.compile(r",{3,}"), ","),
)


# from how many in a row on a mark is shortened, and to how many
RUN_LIMITS = {
    **dict.fromkeys("!！?？～~", (4, 3)), **dict.fromkeys("，、；：。", (2, 1)), "…": (3, 2), "—": (3, 2), ".": (7, 6), ",": (3, 1),
}  # fmt: skip


def shrink_runs(text: str) -> str:
    """Shorten runs of one punctuation mark: !!!!!!!! to three, 。。。。。 to one. …… and —— survive, and so does 。。。.

    >>> shrink_runs("太好了！！！！！！真的……他——走了。。。。。")
    '太好了！！！真的……他——走了。'
    """
    for starts, pattern, replacement in _RUNS:
        for start in starts:
            if start in text:
                text = pattern.sub(replacement, text)
                break
    return text


def simplify(text: str) -> str:
    """Simplified for traditional characters, by phrases (optional; it loses 後 and 后, 乾 and 干, and is wrong on some names).

    >>> simplify("頭髮發生變化")
    '头发发生变化'
    """
    convert = _t2s().convert
    try:
        return str(convert(text))
    except UnicodeEncodeError:  # OpenCC reads UTF-8, which cannot hold half a surrogate pair
        return "".join(part if "\ud800" <= part[:1] <= "\udfff" else convert(part) for part in _SURROGATES_RE.split(text))


_SURROGATES_RE = re.compile("([\ud800-\udfff]+)")


@lru_cache(maxsize=1)
def _t2s() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def straighten_corners(text: str) -> str:
    """Quotes of the mainland for corner brackets (optional: Taiwan and Hong Kong write 「」).

    >>> straighten_corners("他說「好」")
    '他說“好”'
    """
    return text.translate(_CORNER)


_URL_RE = re.compile(r"(?:https?|ftp)://[!-~]+|(?<![A-Za-z0-9.@/-])www\.[A-Za-z0-9-]+\.[!-~]+", re.IGNORECASE)
_URL_TAIL_RE = re.compile(r"[.,;:!?'\")\]}>]+$")


def drop_urls(text: str) -> str:
    """Remove web addresses (optional). An address ends at the first blank or non-ASCII character, and not in a full stop.

    >>> drop_urls("详见https://a.com/x?y=1。谢谢 See http://b.org/c, then go.")
    '详见。谢谢 See , then go.'
    """

    def keep_tail(match: re.Match[str]) -> str:
        tail = _URL_TAIL_RE.search(match[0])
        return tail[0] if tail is not None else ""

    return _URL_RE.sub(keep_tail, text)


# -- HTML -------------------------------------------------------------------------------------------------------------------

_BLOCK = (
    "address|article|aside|blockquote|br|center|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|li|main|nav"
    "|ol|option|p|pre|section|select|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
_INLINE = (
    "a|abbr|b|bdi|bdo|big|body|button|cite|code|del|em|embed|font|head|html|i|iframe|img|input|ins|kbd|label|link|mark|meta"
    "|noscript|object|param|picture|rp|rt|ruby|s|samp|small|source|span|strike|strong|sub|sup|svg|textarea|tt|u|var|video|wbr"
)
ANY_TAGS = tuple(f"{_BLOCK}|{_INLINE}".replace("h[1-6]", "h1|h2|h3|h4|h5|h6").split("|"))
LOOSE_TAGS = ("script", "style", "noscript", "template")  # their bodies go with them, whatever stands behind the name
_ATTRIBUTES = r"(?:\s+[A-Za-z_:@][\w:.-]*(?:\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|[^\s\"'<>=]+))?)*\s*/?"
_TAG_RE = re.compile(rf"<(/?)({_BLOCK}|{_INLINE})({_ATTRIBUTES})>", re.IGNORECASE)
_BLOCK_RE = re.compile(f"(?:{_BLOCK})$", re.IGNORECASE)
_BODY_RE = re.compile(rf"<({'|'.join(LOOSE_TAGS)})\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BODY_END_RE = re.compile(rf"</(?:{'|'.join(LOOSE_TAGS)})\s*>", re.IGNORECASE)
_COMMENT_RE = re.compile(r"<!--.*?-->|<!DOCTYPE[^<>]*>", re.IGNORECASE | re.DOTALL)
_ENTITY_RE = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_ALONE = {"br", "hr", "img", "p", "input", "meta", "link", "wbr", "embed", "source", "param"}


def fix_html(text: str) -> str:
    r"""Remove what HTML extraction left: comments, script and style bodies, tags (block tags become newlines), entities.

    Only known tags with real attributes are tags, and one that has a partner in the text or needs none: `List<T>`, `a<b and c>d`
    and e-mail addresses in angle brackets survive.

    >>> fix_html("<p>第一段&nbsp;完</p><p>第二段</p><script>var a=1;</script>")
    '\n第一段\xa0完\n\n第二段\n\n'
    >>> fix_html("List<T> x; if a<b and c>d &amp;&amp; e")
    'List<T> x; if a<b and c>d && e'
    """
    for _ in range(4):  # crawls hold markup that was escaped, sometimes twice
        if "<" in text:
            text = _strip_tags(_strip_bodies(text))
        if "&" not in text or _ENTITY_RE.search(text) is None:
            break
        fixed = outside_code(text, lambda part: _ENTITY_RE.sub(_unescape, part))
        if fixed == text:
            break
        text = fixed
    return text


def _strip_bodies(text: str) -> str:
    if "</" in text and _BODY_END_RE.search(text) is not None:
        text = outside_code(text, lambda part: _BODY_RE.sub("\n", part), fences_only=True)
    return outside_code(text, lambda part: _COMMENT_RE.sub("", part)) if "<!" in text else text


def _strip_tags(text: str) -> str:
    if _TAG_RE.search(text) is None:
        return text
    closed = {m[2].lower() for m in _TAG_RE.finditer(text) if m[1]}

    def strip(match: re.Match[str]) -> str:
        name = match[2].lower()
        if not match[1] and name not in closed and name not in _ALONE and "=" not in match[3] and "/" not in match[3]:
            return match[0]
        return "\n" if _BLOCK_RE.match(name) else ""

    return outside_code(text, lambda part: _TAG_RE.sub(strip, part))


def _unescape(match: re.Match[str]) -> str:
    fixed = _meaning(match[0])
    if fixed == "\r":
        return "" if match.string[match.end() : match.end() + 1] == "\n" else "\n"
    return fixed


@lru_cache(maxsize=4096)
def _meaning(entity: str) -> str:
    fixed = html.unescape(entity)
    if fixed == "\ufffd":
        return entity
    return fixed if fixed == "\r" else _CONTROL_RE.sub("", fixed)
