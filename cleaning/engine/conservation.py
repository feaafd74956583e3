"""Nothing disappears silently: the sums that must hold for a task before it is committed, and for a run before it is reported."""

from __future__ import annotations

from collections.abc import Sequence

from cleaning.engine.plan import StepSpec
from cleaning.errors import ConservationError
from cleaning.stages.contract import Stage
from cleaning.stats import Stats

READ = "read"


def check_task(
    where: str, stages: Sequence[Stage], steps: Sequence[StepSpec], stats: Stats, counts: dict[str, int], kept: int, rejected: int
) -> None:
    """`counts` are the documents that were seen, `kept` and `rejected` the rows that were written. Raises ConservationError."""
    documents = counts["documents"]
    faults: list[str] = []
    if "lines" in counts and counts["lines"] != documents + counts["bad_lines"]:
        faults.append(f"{counts['lines']} lines, {documents} documents, {counts['bad_lines']} bad lines")
    if documents != kept + rejected:
        faults.append(f"{documents} documents in, {kept} kept + {rejected} rejected")
    expected = documents
    for spec in steps:
        name = stages[spec.stage].name
        if spec.kind == "tap":
            expected -= stats.get(name, "errors")
            continue
        here = {key: stats.get(name, key) for key in ("documents_in", "documents_out", "rejected")}
        if here["documents_in"] != expected or here["documents_in"] != here["documents_out"] + here["rejected"]:
            faults.append(f"stage {name}: {expected} expected, {here}")
        expected = here["documents_out"]
    if expected != kept:
        faults.append(f"{expected} documents left the last step, {kept} were written")
    if faults:
        raise ConservationError(f"{where}: documents do not add up: " + "; ".join(faults))


def check_run(stages: Sequence[Stage], stats: Stats) -> None:
    """lines = documents + bad lines; for each stage, documents in = out + rejected, and out is the next one's in."""
    faults: list[str] = []
    documents = stats.get(READ, "documents")
    if stats.get(READ, "lines") != documents + stats.get(READ, "bad_lines"):
        faults.append(f"read: {stats.get(READ, 'lines')} lines, {documents} documents, {stats.get(READ, 'bad_lines')} bad lines")
    for stage in stages:
        into, out, rejected = (stats.get(stage.name, key) for key in ("documents_in", "documents_out", "rejected"))
        if into != documents or into != out + rejected:
            faults.append(f"{stage.name}: {documents} documents expected, {into} in, {out} out, {rejected} rejected")
        documents = out
    if faults:
        raise ConservationError("documents do not add up: " + "; ".join(faults))
