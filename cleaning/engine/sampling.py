"""A small, always equal sample of a run's input: for trying lists before the run."""

from __future__ import annotations

import tempfile

from cleaning.doc import Doc
from cleaning.engine.plan import Plan
from cleaning.errors import BlacklistError, CleaningError
from cleaning.io.reader import ShardReader
from cleaning.rules.canary import suspects
from cleaning.stages.rule_filter import RuleFilter

SHARDS, OF_EACH, LONGEST = 24, 120, 20_000  # shards looked into, documents of each, characters of a document


def sample_input(plan: Plan) -> list[Doc]:
    """The first documents of some shards, evenly spread over the input; the heads of long ones."""
    step = max(1, len(plan.shards) // SHARDS)
    docs: list[Doc] = []
    with tempfile.TemporaryFile() as quarantine:
        for shard in plan.shards[::step][:SHARDS]:
            taken: list[Doc] = []
            reader = iter(ShardReader(shard, plan.config.input, plan.fields, quarantine))
            try:
                while len(taken) < OF_EACH and (batch := next(reader, None)) is not None:
                    taken += batch[: OF_EACH - len(taken)]
            except (CleaningError, OSError):
                pass  # what is wrong with this shard is told when it is its turn
            for doc in taken:
                doc.text = doc.text[:LONGEST]
            docs += taken
    return docs


def try_lists(plan: Plan) -> None:
    """Raise BlacklistError if an entry of the run's blacklists hits too much of a sample of the input."""
    for stage in plan.stages:
        if not isinstance(stage, RuleFilter) or not stage.params.canary:
            continue
        blacklists = stage.rule_set.measures.blacklists
        if blacklists is None:
            continue
        docs = sample_input(plan)
        found = suspects(blacklists, docs, stage.params.canary)
        if found:
            raise BlacklistError([suspect.message(len(docs), stage.params.canary) for suspect in found])
