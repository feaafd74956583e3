"""The fixed-size records that the phases of document deduplication hand on, and how many partitions they use."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cleaning.dedup.kernels import Int64, UInt64
from cleaning.dedup.matching import EDGE

SLOTS = 1024  # partitions of what a tap writes: always the same, so that a tap's files do not depend on the memory that a run may use
_SLOT_SHIFT = np.uint64(54)
MAX_CRITERIA = 6

KEY = np.dtype([("key", "<u8"), ("row", "<u4")])  # a band's key: 12 bytes
TEXT = np.dtype([("high", "<u8"), ("low", "<u8"), ("row", "<u4")])  # 128 bits of a text or an address: 20 bytes
# a document with an edge: its component, the first document with the same text and with the same address
MEMBER = np.dtype([("row", "<u4"), ("label", "<u8"), ("text", "<u8"), ("url", "<u8")])
OLD = np.dtype([("doc", "<u8"), ("label", "<u8"), ("text", "<u8"), ("url", "<u8")])
NODE = np.dtype(
    [
        ("label", "<u8"), ("doc", "<u8"), ("text", "<u8"), ("url", "<u8"), ("name", "<u8"), ("order", "<f8", (MAX_CRITERIA,)),
        ("units", "<u4"),
        ("set_at", "<u8"), ("set_len", "<u4"), ("short_len", "<u4"), ("signature", "<u4"), ("key_at", "<u8"), ("key_len", "<u4"),
        ("id_at", "<u8"), ("id_len", "<u4"), ("chunked", "?"),
    ]
)  # fmt: skip
VERDICT = np.dtype(
    [
        ("row", "<u4"), ("kind", "u1"), ("cluster", "<u8"), ("size", "<u4"), ("similarity", "<f8"), ("estimate", "<f8"),
        ("id_at", "<u8"), ("id_len", "<u4"),
    ]
)  # fmt: skip
KEPT, EXACT, NEAR, URL = 0, 1, 2, 3

__all__ = ["EDGE", "KEY", "MEMBER", "NODE", "OLD", "SLOTS", "TEXT", "VERDICT", "group_of", "key_slot", "partitions_for", "text_slot"]


def index_row(permutations: int, bands: int) -> np.dtype[Any]:
    """What an index keeps of a document: the low bytes of its signature, its name, and its keys, if it has a unit."""
    return np.dtype([("low", "u1", (permutations,)), ("name", "<u8"), ("keys", "<u8", (bands,)), ("full", "?")])


def key_slot(records: npt.NDArray[Any]) -> Int64:
    """Slot of each KEY."""
    return (records["key"] >> _SLOT_SHIFT).astype(np.int64)


def text_slot(records: npt.NDArray[Any]) -> Int64:
    """Slot of each TEXT."""
    return (records["high"] >> _SLOT_SHIFT).astype(np.int64)


def group_of(labels: UInt64, groups: int) -> Int64:
    """Which task decides about a component."""
    mixed = (labels ^ (labels >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(33)) % np.uint64(groups)).astype(np.int64)


def partitions_for(input_bytes: int, memory: int) -> tuple[int, int]:
    """(tasks that compare keys, tasks that decide), powers of two.

    Keys are taken for a quarter of the text; a task gets an eighth of the memory. Who is kept does not depend on either number.
    """
    least = max(input_bytes // 4 // (memory // 8), min(16, input_bytes >> 25))
    return _power_of_two(least, SLOTS), _power_of_two(input_bytes >> 28, 64)


def _power_of_two(least: int, most: int) -> int:
    count = 1
    while count < least and count < most:
        count *= 2
    return count
