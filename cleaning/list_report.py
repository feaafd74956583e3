"""What people ask of the blacklists: are they in order, what do they find in this text, which entries fired in that run."""

from __future__ import annotations

from pathlib import Path

from cleaning.config import LoadedConfig
from cleaning.doc import Doc
from cleaning.engine.plan import Plan
from cleaning.engine.publish import fold
from cleaning.engine.resolve import resolve
from cleaning.errors import UserError
from cleaning.rules.blacklist import Blacklists, audit, read_list
from cleaning.rules.measure import snippet
from cleaning.stages.rule_filter import RuleFilter


def _stage(loaded: LoadedConfig) -> RuleFilter:
    for stage in resolve(loaded).stages:
        if isinstance(stage, RuleFilter) and stage.params.blacklists:
            return stage
    raise UserError(f"{loaded.source.shown}: no blacklists; name them in rules.blacklists")


def check_lists(loaded: LoadedConfig) -> str:
    """Entries of each list, then every warning with file and line. Raises BlacklistError with every fault."""
    stage = _stage(loaded)
    lines: list[str] = []
    warnings: list[str] = []
    for name in stage.params.blacklists:
        entries, _, warned = read_list(stage.find(name), name)
        warnings += [*warned, *audit(entries)]
        exceptions = sum(entry.exception for entry in entries)
        lines.append(f"{name:<36} {len(entries) - exceptions:>6,} entries {exceptions:>5,} exceptions")
    return "\n".join([*lines, *warnings, f"ok: {len(lines)} lists, {len(warnings)} warnings"])


def test_text(loaded: LoadedConfig, text: str) -> str:
    """Every hit in a text with its place and list, then the metrics that are not 0, then the rules that hold."""
    stage = _stage(loaded)
    measures = stage.rule_set.measures
    assert isinstance(measures.blacklists, Blacklists)
    doc = Doc({}, text, b"{}", "(text)", 0)
    matrix, found = measures.compute([doc])
    assert found is not None
    lines = []
    for hit in found.hits.get(0, []):
        entry = measures.blacklists.entries[hit.entry]
        lines.append(f"{entry.where}: {entry.text}  [{entry.category}]  {snippet(text, hit.start, hit.end)}")
    values = measures.blacklists.values(found, matrix[:, measures.column["chars"]].astype(float))
    lines += [f"{name} = {value[0]:.4g}" for name, value in values.items() if value[0] > 0]
    fired = stage.step_of_rules().judge([doc], matrix).fired[:, 0]
    for rule, held in zip(stage.rule_set.rules, fired, strict=True):
        if held and rule.clauses and rule.metric.startswith("blacklist"):  # a rule in Python has no clauses
            lines.append(f"rule {rule.id} holds: {rule.reason} ({rule.where})")
    return "\n".join(lines) if lines else "no entry is found"


def top_entries(root: Path, count: int) -> str:
    """The entries that fired in most documents of a run, with a few places."""
    stats = fold(Plan.load(root)).stats
    counters = stats.counters.get("rules", {})
    prefix = "entry_documents/"
    fired = sorted(((n, key[len(prefix) :]) for key, n in counters.items() if key.startswith(prefix)), key=lambda item: (-item[0], item[1]))
    if not fired:
        return "no entry fired"
    lines = [f"{len(fired):,} entries fired; documents, occurrences, entry, list"]
    for documents, key in fired[:count]:
        file, _, text = key.partition("\t")
        lines.append(f"{documents:>8,} {counters[f'entry_hits/{key}']:>8,}  {text}  ({file})")
        places = stats.samples.get("rules", {}).get(f"entry/{key}", [])
        lines += [f"                     {payload['text']}" for _, payload in places[:3]]
    return "\n".join(lines)
