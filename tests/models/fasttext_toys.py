"""Small fastText models, trained by the library itself in half a second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

GOOD = ("the river runs through a quiet valley", "河水静静地流过山谷", "she wrote a long letter to her brother", "他给弟弟写了一封长信")
BAD = ("buy cheap pills now click here", "加微信领取红包优惠", "best casino bonus no deposit", "点击下方链接免费领取")
_TRAIN = """
import json, sys, fasttext
corpus, path, supervised, quantized, settings = json.loads(sys.argv[1])
make = fasttext.train_supervised if supervised else fasttext.train_unsupervised
model = make(corpus, **settings)
if quantized:
    model.quantize(corpus, cutoff=300, retrain=False, qnorm=True, verbose=0)
model.save_model(path)
"""


def train_toy(
    path: Path, *, supervised: bool = True, quantized: bool = False, lines: list[str] | None = None, **more: Any
) -> Path:
    """Write a model of two labels (`keep`, `drop`; or those of `lines`), or of word vectors, to `path`; `more` are settings.

    In a process of its own, whose memory is fresh: with one thread fastText 0.9.3 fills only the first tenth of its vectors and leaves the
    rest as it finds it. In a process that has freed memory before, that is "Encountered NaN", or another model each time.
    """
    corpus = path.with_suffix(".train.txt")
    known = [f"__label__keep {t}" for t in GOOD] + [f"__label__drop {t}" for t in BAD]
    corpus.write_text("\n".join((lines or known) * 8) + "\n", encoding="utf-8")
    settings: dict[str, Any] = {"dim": 8, "epoch": 20, "minCount": 1, "minn": 1, "maxn": 3, "bucket": 4000, "thread": 1, "verbose": 0}
    arguments = json.dumps([str(corpus), str(path), supervised, quantized, settings | ({"lr": 1.0} if supervised else {}) | more])
    fresh = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "4096"}
    subprocess.run([sys.executable, "-c", _TRAIN, arguments], check=True, capture_output=True, env=fresh)
    return path
