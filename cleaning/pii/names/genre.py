"""Documents whose subject is people: news, encyclopaedia, books, law. Their names are the content, and stay.

Told by what the record says of itself (source, kind, category), else by the shape of the text. A short post that quotes a
report is not news.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_FIELDS = ("source", "kind", "category", "type", "genre", "dataType", "domain")
_WORDS = (
    ("news", re.compile(r"(?i)(?<![a-z])news(?!group|letter)|新闻|新聞|日报|晚报|资讯|xwlb")),
    ("encyclopaedia", re.compile(r"(?i)wiki|baike|百科|encyclop|维基")),
    ("books", re.compile(r"(?i)(?<![a-z])e?books?(?![a-z])|novel|小说|小說|文学|文學|图书|gutenberg|传记|史记")),
    ("law", re.compile(r"(?i)(?<![a-z])laws?(?![a-z])|法律|法规|法规|判决|裁判|文书网|court|statute")),
)
_HEAD, _TAIL = 400, 300
_NEWS = re.compile(
    r"(?:本报|本網|本网|新华社|新華社|中新社|新华网|中新网|人民网|央视网|记者从|通讯社|日报|晚报|都市报)[^\n。]{0,24}?(?:讯|電|电|报道|消息|获悉)|[（(](?:特约|本报|实习)?(?:记者|通讯员|编译|责任编辑|责编)"
    r"|(?:责任编辑|责编)[:：]|(?:Reuters|AP|AFP)\) ?[-–—]"
)
_LAW = re.compile(r"(?m)^[ \u3000]*第[一二三四五六七八九十百零〇\d]{1,6}条|人民法院[^\n]{0,40}(?:判决书|裁定书)|(?:审判长|书记员|合议庭)")
_CHAPTER = re.compile(r"(?m)^[ \u3000]*(?:第[一二三四五六七八九十百零〇\d]{1,6}[章回节卷]|Chapter (?:\d+|[IVXL]+))")
_WIKI = re.compile(r"(?m)^[ =#]*(?:参考资料|参考文献|外部链接|外部連結|词条图册|人物生平|主要成就|References|External links)[ =]*$")


def subject_of(text: str, record: Mapping[str, Any], source: str) -> str:
    """news, encyclopaedia, books, law, or '' for anything else.

    >>> subject_of("新华社北京5月1日电（记者王小明）今天……", {}, "crawl"), subject_of("收件人：王小明", {"source": "baike"}, "baike")
    ('news', 'encyclopaedia')
    """
    for value in (source, *(record.get(name) for name in _FIELDS)):
        if isinstance(value, str):
            for subject, words in _WORDS:
                if words.search(value[:200]):
                    return subject
    return _by_shape(text)


def _by_shape(text: str) -> str:
    if _NEWS.search(text, 0, _HEAD) or (len(text) > _HEAD and _NEWS.search(text, len(text) - _TAIL)):
        return "news"
    edges = text if len(text) < 20_000 else text[:10_000] + text[-10_000:]
    if len(_LAW.findall(edges)) >= 3:
        return "law"
    if len(_CHAPTER.findall(edges)) >= 3:
        return "books"
    return "encyclopaedia" if len(_WIKI.findall(edges)) >= 2 else ""
