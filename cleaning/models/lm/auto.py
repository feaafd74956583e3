"""Language models of a run's own documents: which documents teach, which model judges whom.

Documents are split into two folds by a hash of their text, so that copies share a fold. The model of each fold learns from a sample of it
and judges the other fold: no document is judged by a model that has read it. The sample is the documents with the lowest hashes up
to a number of bytes, so it depends on the documents alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xxhash

from cleaning.io.carry import STEM, read_carried
from cleaning.io.records import TextFields

FOLDS = 2
SHARDS = 64  # shards looked into; evenly spread
KEY = np.dtype([("hash", "<u8"), ("shard", "<u4"), ("row", "<u4"), ("bytes", "<u4"), ("group", "<u4")])
Keys = npt.NDArray[np.void]
_BATCH = 8 << 20


def text_hash(text: str) -> int:
    """64 bits that decide a document's fold and whether it is in the sample."""
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"))


def fold_of(hashed: int) -> int:
    """The fold that a document teaches; it is judged by the model of the other one."""
    return hashed & 1


def looked_into(shards: int) -> frozenset[int]:
    """Which shards give documents to the sample.

    >>> sorted(looked_into(3)), len(looked_into(10_000))
    ([0, 1, 2], 64)
    """
    count = min(shards, SHARDS)
    return frozenset(i * shards // count for i in range(count))


def chosen(keys: Keys, fold: int, budget: int) -> Keys:
    """The sample of a fold: one document for each text, lowest hashes first, together at most `budget` bytes."""
    mine = keys[(keys["hash"] & np.uint64(1)) == fold]
    mine = mine[np.lexsort((mine["row"], mine["shard"], mine["hash"]))]
    if len(mine):
        mine = mine[np.concatenate([[True], mine["hash"][1:] != mine["hash"][:-1]])]
    sample: Keys = mine[np.cumsum(mine["bytes"].astype(np.int64)) <= budget]
    return sample


def texts_of(keys: Keys, folders: Iterable[Path], fields: TextFields) -> list[str]:
    """The texts of some documents of the pass before, in the order of `keys`."""
    wanted: dict[int, dict[int, int]] = {}
    for position, key in enumerate(keys):
        wanted.setdefault(int(key["shard"]), {})[int(key["row"])] = position
    texts = [""] * len(keys)
    for folder in folders:
        rows = wanted.get(int(folder.name))
        if not rows:
            continue
        row, last = 0, max(rows)
        for docs in read_carried(sorted(folder.glob(f"{STEM}*")), fields, _BATCH, 1 << 14):
            for doc in docs:
                if row in rows:
                    texts[rows[row]] = doc.text
                row += 1
            if row > last:
                break
    return texts


def split_reference(texts: Iterable[tuple[str, str]], groups: Sequence[str], budget: int) -> Mapping[str, list[list[str]]]:
    """(group, text) pairs of the reference documents by group and fold, each text once, at most `budget` bytes a fold."""
    out: dict[str, list[list[str]]] = {group: [[] for _ in range(FOLDS)] for group in groups}
    seen: set[int] = set()
    used = {(group, fold): 0 for group in groups for fold in range(FOLDS)}
    for group, text in texts:
        hashed = text_hash(text)
        if group not in out or hashed in seen:
            continue
        seen.add(hashed)
        place = (group, fold_of(hashed))
        size = len(text.encode("utf-8", "surrogatepass"))
        if used[place] + size <= budget:
            used[place] += size
            out[group][place[1]].append(text)
    return out
