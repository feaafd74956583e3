"""Words of Chinese as jieba cuts them, for rule sets whose thresholds were fitted on words (FineWeb-2's).

Half a megabyte a second: `zh_web` does not need it. Needs the extra `models`.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import numpy as np
import xxhash

from cleaning.errors import UserError
from cleaning.text.charclass import STOP_ZH
from cleaning.text.gram_kernels import measure_repetition

_TOP, _DUP = np.array([2, 3, 4], np.int64), np.arange(5, 11, dtype=np.int64)


@lru_cache(maxsize=1)
def load_jieba() -> Any:
    """jieba with its dictionary loaded. Raises UserError where it is not installed."""
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its string literals and pkg_resources are its own business
            import jieba
    except ImportError as exc:
        raise UserError("metrics on words (jieba_…) need jieba: pip install 'corpus-cleaning[models]'") from exc
    jieba.setLogLevel(logging.WARNING)
    jieba.initialize()
    return jieba


def cut_words(text: str) -> list[str]:
    """Words without white space.

    >>> cut_words("今天 天气很好。")
    ['今天', '天气', '很', '好', '。']
    """
    return [word for word in load_jieba().lcut(text) if not word.isspace()]


def measure_words(texts: list[str]) -> dict[str, Any]:
    """All metrics of the group `jieba`, an array each."""
    words = [cut_words(text) for text in texts]
    offsets = np.concatenate([[0], np.cumsum([len(w) for w in words])]).astype(np.int64)
    hashes = np.array([xxhash.xxh3_64_intdigest(w.encode("utf-8", "surrogatepass")) for of in words for w in of], np.uint64)
    chars = np.array([len(w) for of in words for w in of], np.int32)
    share = np.zeros((len(texts), _TOP.size + _DUP.size))
    measure_repetition(hashes, chars, offsets, _TOP, _DUP, share)
    rows = np.array([_row(text, of) for text, of in zip(texts, words, strict=True)], np.float64).reshape(len(texts), 8)
    names = (
        "words", "mean_word_chars", "chars_per_word", "alpha_ratio", "text_density", "unique_ratio", "stop_distinct", "newlines_per_word",
    )  # fmt: skip
    values = {f"jieba_{name}": rows[:, i] for i, name in enumerate(names)}
    keys = [f"jieba_top_{n}gram_ratio" for n in _TOP.tolist()] + [f"jieba_dup_{n}gram_ratio" for n in _DUP.tolist()]
    return {**values, **{name: share[:, i] for i, name in enumerate(keys)}}


def _row(text: str, words: list[str]) -> list[float]:
    count, nan = len(words), float("nan")
    if not count:
        return [0, nan, nan, nan, nan, nan, 0, nan]
    spoken = [w for w in words if any(c.isalnum() for c in w)]
    return [
        count,
        sum(map(len, spoken)) / len(spoken) if spoken else nan,
        sum(map(len, words)) / count,
        sum(any(c.isalpha() for c in w) for w in words) / count,
        sum(len(w) >= 2 for w in words) / count,
        len(set(words)) / count,
        len(set(words) & set(STOP_ZH)),
        text.count("\n") / count,
    ]
