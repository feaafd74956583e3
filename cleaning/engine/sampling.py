"""A small, always equal sample of a run's input: for trying lists before the run."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from cleaning.config import RunConfig
from cleaning.doc import Doc
from cleaning.errors import BlacklistError, CleaningError
from cleaning.io.reader import ShardReader
from cleaning.io.records import TextFields
from cleaning.io.shards import Shard
from cleaning.rules.canary import suspects
from cleaning.stages.contract import Stage
from cleaning.stages.rule_filter import RuleFilter

SHARDS, OF_EACH, LONGEST = 24, 120, 20_000  # shards looked into, documents of each, characters of a document


def sample_input(config: RunConfig, shards: Sequence[Shard]) -> list[Doc]:
    """The first documents of some shards, evenly spread over the input; the heads of long ones."""
    fields = TextFields(config.input.fields, config.output.text_field)
    count = min(SHARDS, len(shards))
    docs: list[Doc] = []
    with tempfile.TemporaryFile() as quarantine:
        for shard in [shards[i * len(shards) // count] for i in range(count)]:
            taken: list[Doc] = []
            reader = iter(ShardReader(shard, config.input, fields, quarantine))
            try:
                while len(taken) < OF_EACH and (batch := next(reader, None)) is not None:
                    taken += batch[: OF_EACH - len(taken)]
            except (CleaningError, OSError):
                pass  # what is wrong with this shard is told when it is its turn
            for doc in taken:
                doc.text = doc.text[:LONGEST]
            docs += taken
    return docs


def try_lists(config: RunConfig, stages: Sequence[Stage], shards: Sequence[Shard]) -> None:
    """Raise BlacklistError if an entry of the blacklists hits too much of a sample of the input."""
    for stage in stages:
        if not isinstance(stage, RuleFilter) or not stage.params.canary:
            continue
        blacklists = stage.rule_set.measures.blacklists
        if blacklists is None:
            continue
        docs = sample_input(config, shards)
        found = suspects(blacklists, docs, stage.params.canary)
        if found:
            raise BlacklistError([suspect.message(len(docs), stage.params.canary) for suspect in found])
