"""Small fastText models, trained by the library itself in a tenth of a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

GOOD = ("the river runs through a quiet valley", "河水静静地流过山谷", "she wrote a long letter to her brother", "他给弟弟写了一封长信")
BAD = ("buy cheap pills now click here", "加微信领取红包优惠", "best casino bonus no deposit", "点击下方链接免费领取")


def train_toy(path: Path, *, supervised: bool = True, quantized: bool = False) -> Path:
    """Write a model of two labels (`keep`, `drop`), or of word vectors, to `path`.

    Ten dimensions, since fastText 0.9.3 fills its vectors in ten blocks and leaves what is over as it finds it: rows times dimensions
    that ten does not divide give other numbers each time, and now and then "Encountered NaN".
    """
    import fasttext

    corpus = path.with_suffix(".train.txt")
    lines = [f"__label__keep {t}" for t in GOOD] + [f"__label__drop {t}" for t in BAD]
    corpus.write_text("\n".join(lines * 8) + "\n", encoding="utf-8")
    settings: dict[str, Any] = {"dim": 10, "epoch": 20, "minCount": 1, "minn": 1, "maxn": 3, "bucket": 2000, "thread": 1, "verbose": 0}
    if supervised:
        model = fasttext.train_supervised(str(corpus), lr=0.5, **settings)
    else:
        model = fasttext.train_unsupervised(str(corpus), **settings)
    if quantized:
        model.quantize(str(corpus), cutoff=300, retrain=False, qnorm=True, verbose=0)
    model.save_model(str(path))
    return path
