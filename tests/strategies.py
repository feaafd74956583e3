"""What hypothesis draws from: texts over every kind of character that the pipeline distinguishes.

Importing this sets the profile: the same examples on every machine, no deadline (the first call of a kernel compiles it).
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st

settings.register_profile("cleaning", deadline=None, derandomize=True, database=None)
settings.load_profile("cleaning")

SINGLE = (
    *"的了之乎天地人一々〇龘",  # Han: function characters of both registers, rare ones
    "\U00020000",  # Han, Extension B
    "\U0002a6d6",
    "\u4e9c",
    "\uf900",  # a compatibility ideograph, which NFC changes
    *"あアｱーが",
    *"한가ㄱ",
    "\u1100",  # a conjoining jamo
    *"abzAZéÉÃ©Âß",
    "\u0301",  # combining acute
    "\u3099",  # combining dakuten
    *"яЯαΩאبกक",
    *"0059０９Ａｚ①½²Ⅳ",
    *"，。、；：？！…—“”‘’（）《》「」『』·～％",
    *".,!?;:\"'()[]{}<>#&*-~`|\\/=@_+$%^",
    "\n",
    "\n",
    "\n",
    "\r",
    "\r\n",
    "\t",
    " ",
    " ",
    "\N{NO-BREAK SPACE}",
    "\N{IDEOGRAPHIC SPACE}",
    "\N{EM SPACE}",
    "\x0b",
    "\x0c",
    "\x85",
    "\N{LINE SEPARATOR}",
    *"•●★☆→■㎡℃€±√😀👩🇨",
    "\N{ZERO WIDTH JOINER}",
    "\N{ZERO WIDTH NON-JOINER}",
    "\N{ZERO WIDTH SPACE}",
    "\N{ZERO WIDTH NO-BREAK SPACE}",
    "\N{SOFT HYPHEN}",
    "\N{RIGHT-TO-LEFT MARK}",
    "\N{VARIATION SELECTOR-16}",
    "\U000e0100",  # an ideographic variation selector
    "\N{REPLACEMENT CHARACTER}",
    "\ue000",  # private use
    "\U000f0000",
    "\x00",
    "\x1b",
    "\x7f",
    "\ufffe",
    "\ud800",  # lone surrogates
    "\udfff",
    "\u0378",  # unassigned
)
CHUNKS = (
    "the ", "The", " of ", "have", "with", "USA", "x1", "12", "3.14", "can't", "don’t", "你好", "人工智能", "床前明月光，",
    "疑是地上霜。\n", "首页\n", "首页", "\n\n\n", "……", "——", "。。。", "！！！！！", "- ", "# ", "<b>", "</b>", "<p>", "<br/>",
    "&amp;", "&nbsp;", "&#13;", "&lt;", "https://a.cn/x?y=1", "```\n", "`x`", "    x = 1;\n", "ä¸­æ–‡", "Ã©",
    "鐢佃剳鍜屾墜鏈虹殑浣跨敤鏂规硶", "今 天 天 气 很 好", "👩\u200d👩", "1\ufe0f\u20e3", "\u2f00",
)  # fmt: skip

_pieces = st.one_of(st.sampled_from(SINGLE), st.sampled_from(SINGLE), st.sampled_from(CHUNKS), st.characters())
texts = st.lists(_pieces, max_size=60).map("".join)
# few different pieces, so that lines, words and n-grams repeat
repetitive = st.lists(st.sampled_from(("的", "人", "a ", "A ", "bc ", "12 ", "。", "\n", "é", "…\n", " ")), max_size=80).map("".join)
any_texts = st.one_of(texts, repetitive)
batches = st.lists(any_texts, max_size=6)
