"""Compile (or load from numba's cache) every kernel once, on a tiny text."""

from __future__ import annotations

import time

import numpy as np

from cleaning.io.objects import json_values
from cleaning.text.charclass import char_tables, classes_with, utf32
from cleaning.text.kernels import count_classes, find_doubled
from cleaning.text.line_metrics import line_matrix
from cleaning.text.metrics import METRICS, MetricSet


def warm_up() -> float:
    """Seconds that it took: well under one when the cache is warm, several on a new machine."""
    start = time.perf_counter()
    texts = ["第一行，hello world 12。\n第二行！", ""]
    MetricSet(METRICS).compute(texts)
    line_matrix([text.split("\n") for text in texts])
    codes, offsets = utf32(texts)
    count_classes(codes, offsets, char_tables().class_of, np.zeros((2, 256), np.int64))
    find_doubled(codes, offsets, char_tables().class_of, classes_with("punct"), np.zeros(2, np.bool_))
    list(json_values(iter([b'[{"a":1}]']), 1 << 20))
    return time.perf_counter() - start
