"""Stages that only the tests use: the smallest global stage there is (exact duplicates), and one that raises."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from cleaning.config import Strict
from cleaning.doc import Batch, Drop
from cleaning.io.parts import read_partition, write_partitioned
from cleaning.stages.contract import GlobalStage, Partitioned, Reduce, ReduceContext, Scale, ShardContext, Stage, Step, StepDefaults

KEY = np.dtype([("key", "<u8"), ("shard", "<u4"), ("row", "<u4")])
VERDICT = np.dtype([("shard", "<u4"), ("row", "<u4"), ("to_shard", "<u4"), ("to_row", "<u4")])
PARTITIONS = 3


class Tap(StepDefaults):
    def open(self, shard: ShardContext) -> None:
        self.shard = shard.shard

    def __call__(self, batch: Batch) -> None:
        rows = [(xxhash.xxh64_intdigest(doc.text.encode()), self.shard, batch.start_row + i) for i, doc in enumerate(batch.live)]
        batch.emit("toy_dedup", np.array(rows, KEY))


class Apply(StepDefaults):
    def open(self, shard: ShardContext) -> None:
        verdicts = read_partition(shard.reduced, "verdicts", VERDICT, shard.shard)
        self.drop = {int(v["row"]): (int(v["to_shard"]), int(v["to_row"])) for v in verdicts}

    def __call__(self, batch: Batch) -> None:
        for i, doc in enumerate(batch.docs):
            twin = self.drop.get(batch.first + i)
            if twin is not None:
                doc.drop = Drop("toy_dedup", "exact", 1.0, None, "an exact duplicate", extra={"twin": list(twin)})


def match(context: ReduceContext) -> None:
    keys = read_partition(context.upstream, "toy_dedup.keys", KEY, context.partition)
    keys = keys[np.lexsort((keys["row"], keys["shard"], keys["key"]))]
    first: dict[int, Any] = {}
    out = []
    for record in keys:
        hub = first.setdefault(int(record["key"]), record)
        if hub is not record:
            out.append((record["shard"], record["row"], hub["shard"], hub["row"]))
    verdicts = np.array(out, VERDICT)
    context.stats.count("toy_dedup", "matched", len(verdicts))
    partition = verdicts["shard"].astype(np.int64)
    context.files.update(write_partitioned(context.scratch, "verdicts", verdicts, partition, context.shards))


class ToyDedup(GlobalStage):
    name = "toy_dedup"

    def tap(self) -> Step:
        return Tap()

    def shuffle(self) -> Partitioned:
        return Partitioned(KEY, PARTITIONS, lambda records: (records["key"] % PARTITIONS).astype(np.int64))

    def reduces(self, scale: Scale) -> Sequence[Reduce]:
        return [Reduce("match", PARTITIONS, match)]

    def apply(self) -> Step:
        return Apply()


class FussyParams(Strict):
    word: str = "炸"


class FussyStep(StepDefaults):
    def __init__(self, word: str) -> None:
        self.word = word

    def __call__(self, batch: Batch) -> None:
        for doc in batch.live:
            doc.notes["seen"] = True
            if self.word in doc.text:
                raise ValueError(f"cannot stand {self.word}")


class Fussy(Stage):
    name = "fussy"
    Params = FussyParams

    def step(self) -> Step:
        return FussyStep(self.params.word)


class SlowParams(Strict):
    seconds: float = 0.02


class SlowStep(StepDefaults):
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self, batch: Batch) -> None:
        time.sleep(self.seconds)


class Slow(Stage):
    """Wastes time; its parameter is not part of its identity, since it changes no byte."""

    name = "slow"
    Params = SlowParams

    def identity(self) -> dict[str, Any]:
        return {}

    def step(self) -> Step:
        return SlowStep(self.params.seconds)


HERE = Path(__file__)
