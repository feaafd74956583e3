"""The reference pages `docs/metrics.md` and `docs/rules.md`, made from the tables and the rule files: never out of date."""

from __future__ import annotations

from pathlib import Path

from cleaning.rules.blacklist import allowed_metrics
from cleaning.rules.genre import GENRES
from cleaning.rules.schema import Rule, RuleFile, load_rules
from cleaning.text.line_metrics import LINE_METRICS, MODEL_LINE_METRICS
from cleaning.text.metric_table import BLACKLIST_METRICS, METRICS
from cleaning.yamlfile import load_yaml, plain

_GROUPS = {
    "chars": "Characters", "lines": "Lines", "clauses": "Clauses", "units": "Units and words", "repetition": "Repetition",
    "runs": "Immediate repetition", "frequencies": "Frequencies of n-grams", "zstd": "Compression", "patterns": "Patterns",
    "notes": "What earlier stages noted", "jieba": "Words of jieba",
}  # fmt: skip
_HEAD = "<!-- made by `python -m cleaning check --write-docs docs`; edit the tables, not this page -->\n\n"


def metrics_page() -> str:
    """Every metric that a rule may name."""
    out = [_HEAD + "# Metrics\n\nEvery number that a rule may name. How to write rules: [rules/README.md](../rules/README.md).\n"]
    out.append(
        "The counting *unit* needs no word splitter: one Chinese character, kana or Hangul syllable is a unit, and so is one run of "
        "letters or digits\nof another script. *Words* are the runs with a letter; *characters* are those that are not white space. "
        "A number that cannot\nbe computed (nothing to divide by) is undefined and never fires a rule. A metric is computed only where a "
        "rule names it.\n"
    )
    for group, title in _GROUPS.items():
        rows = [metric for metric in METRICS.values() if metric.group == group]
        out += [f"## {title}\n", "| metric | what it is |", "|---|---|", *(f"| `{m.name}` | {_cell(m.doc)} |" for m in rows), ""]
    out.append("## Blacklists\n\nFor each category of lists that is named (`ads`, `gambling`, …), and for all but profanity and solicit:\n")
    out += ["| metric | what it is |", "|---|---|"]
    out += [f"| `blacklist_<category>_{m.name}`, `blacklist_{m.name}` | {_cell(m.doc)} |" for m in BLACKLIST_METRICS.values()]
    out += ["", "## Single lines\n", "For rules with `action: drop_line`.\n", "| metric | what it is |", "|---|---|"]
    out += [f"| `{name}` | {_cell(doc)} |" for name, doc in LINE_METRICS.items()]
    out += ["", "In the rules of the stage `perplexity`:\n", "| metric | what it is |", "|---|---|"]
    out += [f"| `{name}` | {_cell(doc)} |" for name, doc in MODEL_LINE_METRICS.items()]
    return "\n".join([*out, ""])


def rules_page(root: Path) -> str:
    """Every rule of every rule file, in the files' order."""
    out = [_HEAD + "# Rules\n\nEvery rule of the project. How to change them: [rules/README.md](../rules/README.md).\n"]
    out.append(f"Genres that a scope may name: {', '.join(f'`{genre}`' for genre in GENRES)} (see `cleaning/rules/genre.py`).\n")
    lists = [path.name for path in sorted((root / "blacklists").glob("*.txt"))]
    for path in [*sorted((root / "rules").glob("*.yaml")), *sorted((root / "rules" / "presets").glob("*.yaml"))]:
        shown = path.relative_to(root).as_posix()
        data = plain(load_yaml(path).data)
        if "rules" not in data:  # pii.yaml holds types, see docs/pii.md
            continue
        about = RuleFile.model_validate({**data, "rules": []}).about
        rules = load_rules([(path, shown)], metrics=allowed_metrics(lists), line_metrics={**LINE_METRICS, **MODEL_LINE_METRICS})
        out += [f"## `{shown}`\n", f"{' '.join(about.split())}\n"]
        out += ["| rule | holds when | for | action | why | source |", "|---|---|---|---|---|---|"]
        out += [_row(rule) for rule in rules]
        out.append("")
    return "\n".join(out)


def _row(rule: Rule) -> str:
    when = " and ".join(f"`{metric} {condition.text}`" for metric, condition in rule.clauses)
    scope = "; ".join(f"{key.replace('_', ' ')} {', '.join(values)}" for key, values in rule.scope.model_dump().items() if values)
    return f"| `{rule.id}` | {_cell(when)} | {scope or 'all'} | {rule.action} | {_cell(rule.reason)} | {_cell(rule.source)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def write_pages(root: Path, folder: Path) -> list[Path]:
    """Write both pages; returns their paths."""
    files = [folder / "metrics.md", folder / "rules.md"]
    for file, text in zip(files, (metrics_page(), rules_page(root)), strict=True):
        file.write_text(text, encoding="utf-8")
    return files
