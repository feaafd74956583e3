"""The report of a run: `report/report.json` for programs, `report/report.md` for people, English and Chinese.

Everything but the section `timing` follows from the committed tasks and is the same bytes whatever happened on the way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cleaning.engine.conservation import READ
from cleaning.engine.plan import Plan
from cleaning.engine.publish import Folded
from cleaning.io.commit import replace_file, to_bytes


def build_report(plan: Plan, folded: Folded, failures: list[dict[str, str]], wall: float | None = None) -> dict[str, Any]:
    """The report as plain data."""
    stats = folded.stats
    read = {key: stats.get(READ, key) for key in ("lines", "documents", "bad_lines", "blank_lines")}
    bad = {k.split("/", 1)[1]: v for k, v in sorted(stats.counters.get(READ, {}).items()) if k.startswith("bad/")}
    funnel: list[dict[str, Any]] = []
    for stage in plan.stages:
        keys = ("documents_in", "documents_out", "rejected", "chars_in", "chars_out")
        row: dict[str, Any] = {"stage": stage.name, **{key: stats.get(stage.name, key) for key in keys}}
        row["errors"] = stats.get(stage.name, "errors")
        funnel.append(row)
    kept = funnel[-1]["documents_out"] if funnel else read["documents"]
    report = {
        "name": plan.config.name,
        "read": {**read, "bad": bad},
        "documents_kept": kept,
        "documents_rejected": sum(row["rejected"] for row in funnel),
        "funnel": funnel,
        "rules": _rules(plan, folded),
        "fixes": _group(folded, "normalize", "fixed"),
        "samples": {stage: {k: [p for _, p in v] for k, v in g.items()} for stage, g in sorted(stats.samples.items())},
        "failures": failures,
        "tasks": {"committed": folded.committed, "missing": len(folded.missing)},
        "policy": [plan.policy(phase) for phase in plan.phases],
    }
    chars = max(1, funnel[0]["chars_in"] if funnel else 0)
    timing: dict[str, Any] = {"cpu_seconds": round(folded.cpu, 2), "max_worker_rss_mb": folded.max_rss_mb}
    timing["seconds_by_step"] = {name: round(seconds, 2) for name, seconds in sorted(folded.seconds.items())}
    timing["million_chars_per_cpu_second"] = round(chars / 1e6 / folded.cpu, 2) if folded.cpu else None
    if wall is not None:
        timing["wall_seconds_of_this_start"] = round(wall, 2)
    report["timing"] = timing
    return report


def _group(folded: Folded, stage: str, group: str) -> dict[str, int]:
    counters = folded.stats.counters.get(stage, {})
    return {k.split("/", 1)[1]: v for k, v in sorted(counters.items()) if k.startswith(f"{group}/")}


def _rules(plan: Plan, folded: Folded) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for stage in plan.stages:
        rules = stage.judges()
        if rules is None:
            continue
        hits, first, only = (_group(folded, stage.name, group) for group in ("hits", "first", "only"))
        for rule in [*rules.line_rules, *rules.rules]:
            row: dict[str, Any] = {"id": rule.id, "stage": stage.name, "action": rule.action, "reason": rule.reason, "source": rule.source}
            row["condition"] = " and ".join(f"{metric} {condition.text}" for metric, condition in rule.clauses) or "(Python)"
            row.update(hits=hits.get(rule.id, 0), first=first.get(rule.id, 0), only=only.get(rule.id, 0))
            rows.append(row)
    return rows


def write_report(root: Path, report: dict[str, Any]) -> None:
    """Write both files below `root/report`."""
    replace_file(root / "report" / "report.json", to_bytes(report))
    replace_file(root / "report" / "report.md", to_markdown(report).encode())


def to_markdown(report: dict[str, Any]) -> str:
    """The page for people."""
    read = report["read"]
    out = [f"# {report['name']}: cleaning report · 清洗报告", ""]
    out += ["## Input · 输入", "", "| lines 行 | documents 文档 | bad lines 坏行 | blank 空行 |", "|---:|---:|---:|---:|"]
    out += [f"| {read['lines']:,} | {read['documents']:,} | {read['bad_lines']:,} | {read['blank_lines']:,} |", ""]
    if read["bad"]:
        out += ["| bad lines: reason 坏行原因 | count 数量 |", "|---|---:|"]
        out += [f"| {reason} | {count:,} |" for reason, count in read["bad"].items()] + [""]
    out += ["## Funnel · 漏斗", "", "| stage 阶段 | in 输入 | rejected 淘汰 | out 保留 | kept % | chars in 字符 | chars out 字符 |"]
    out += ["|---|---:|---:|---:|---:|---:|---:|"]
    for row in report["funnel"]:
        share = 100 * row["documents_out"] / row["documents_in"] if row["documents_in"] else 100.0
        out.append(
            f"| {row['stage']} | {row['documents_in']:,} | {row['rejected']:,} | {row['documents_out']:,} | {share:.2f} "
            f"| {row['chars_in']:,} | {row['chars_out']:,} |"
        )
    errors = sum(row["errors"] for row in report["funnel"])
    if errors:
        out += ["", f"Errors in steps · 处理出错: **{errors:,}** documents were rejected as `error:<stage>`, with the traceback."]
    out += ["", f"Kept 保留 **{report['documents_kept']:,}** of {read['documents']:,} documents.", ""]
    if report["fixes"]:
        out += ["## Normalised · 规范化", "", "| fixer 修复 | documents 文档 |", "|---|---:|"]
        out += [f"| {name} | {count:,} |" for name, count in sorted(report["fixes"].items(), key=lambda i: -i[1])] + [""]
    if report["rules"]:
        out += ["## Rules · 规则", "", _LEGEND, ""]
        out += ["| rule 规则 | condition 条件 | action | hits | first | only | reason 原因 |", "|---|---|---|---:|---:|---:|---|"]
        for rule in sorted(report["rules"], key=lambda r: (-r["first"], -r["hits"], r["id"])):
            condition = rule["condition"].replace("|", "\\|")
            counts = f"{rule['hits']:,} | {rule['first']:,} | {rule['only']:,}"
            out.append(f"| {rule['id']} | {condition} | {rule['action']} | {counts} | {rule['reason']} |")
        out.append("")
    if report["failures"]:
        out += ["## Failed shards · 失败分片", ""] + [f"- {f['shard']}: {f['reason']}" for f in report["failures"]] + [""]
    timing = report["timing"]
    out += ["## Time · 时间", "", f"CPU {timing['cpu_seconds']} s; largest worker {timing['max_worker_rss_mb']} MB; by step:", ""]
    out += [f"- {name}: {seconds} s" for name, seconds in timing["seconds_by_step"].items()]
    return "\n".join(out) + "\n"


_LEGEND = "hits: how often the rule held · 命中；first: it was the reason given · 首因；only: no other rule caught it · 独有"


def funnel_text(report: dict[str, Any]) -> str:
    """The few lines that a terminal shows at the end."""
    read = report["read"]
    out = [f"{'stage':<16}{'in':>12}{'rejected':>12}{'out':>12}{'kept %':>9}"]
    counts = f"{read['lines']:>12,}{read['bad_lines']:>12,}{read['documents']:>12,}"
    out.append(f"{'read':<16}{counts}{_share(read['documents'], read['lines']):>9}")
    for row in report["funnel"]:
        counts = f"{row['documents_in']:>12,}{row['rejected']:>12,}{row['documents_out']:>12,}"
        out.append(f"{row['stage']:<16}{counts}{_share(row['documents_out'], row['documents_in']):>9}")
    errors = sum(row["errors"] for row in report["funnel"])
    if errors:
        out += ["", f"{errors:,} documents were rejected because a step raised an error: see rule error:* in the rejected shards"]
    top = [rule for rule in sorted(report["rules"], key=lambda r: (-r["first"], r["id"])) if rule["first"] and rule["action"] == "drop"][:8]
    if top:
        out += ["", "most frequent reasons:"] + [f"  {rule['first']:>8,}  {rule['id']}: {rule['reason']}" for rule in top]
    return "\n".join(out)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}" if whole else "-"
