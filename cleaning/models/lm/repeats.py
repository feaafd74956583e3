"""How much of a document its own text has said before: what loops of a stuck model and copied passages have, and no n-gram model sees."""

from __future__ import annotations

import numpy as np
from numba import njit

from cleaning.models.lm.vocabulary import Int64, UInt32, UInt64

SPANS = (4, 12)  # tokens


def repeated_tokens(ids: UInt32, begins: Int64) -> Int64:
    """(documents, 2) for each document (`begins`, documents + 1), how many tokens end a run of 4, of 12 tokens that it had before."""
    out = np.zeros((begins.size - 1, len(SPANS)), np.int64)
    longest = int(np.diff(begins).max(initial=0))
    seen = np.zeros(1 << max(4, (2 * longest).bit_length()), np.uint64)
    for k, span in enumerate(SPANS):
        _repeated(ids, begins, seen, span, out[:, k])
    return out


@njit(cache=True, nogil=True)
def _repeated(ids: UInt32, begins: Int64, seen: UInt64, span: int, out: Int64) -> None:
    """Rolling hashes of `span` tokens in a table that is emptied for each document; no larger a part of it than the document needs."""
    base, top = np.uint64(0x9E3779B97F4A7C15), np.uint64(1)
    for _ in range(span):
        top *= base
    for d in range(begins.size - 1):
        size = begins[d + 1] - begins[d]
        bits = 4
        while (1 << bits) < 2 * size:
            bits += 1
        mask = np.uint64((1 << bits) - 1)
        seen[: 1 << bits] = 0
        h = np.uint64(0)
        for i in range(begins[d], begins[d + 1]):
            h = h * base + np.uint64(ids[i]) + np.uint64(1)
            if i - begins[d] >= span:
                h -= top * (np.uint64(ids[i - span]) + np.uint64(1))
            if i - begins[d] < span - 1:
                continue
            mixed = (h ^ (h >> np.uint64(31))) * np.uint64(0xC4CEB9FE1A85EC53) | np.uint64(1)
            at = (mixed >> np.uint64(24)) & mask
            while seen[at] != np.uint64(0) and seen[at] != mixed:
                at = (at + np.uint64(1)) & mask
            out[d] += seen[at] == mixed
            seen[at] = mixed
