"""What each verb of the command line does. Only this module and `cli` print."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import orjson

from cleaning.config import LoadedConfig, load_config
from cleaning.errors import ConfigError, UserError
from cleaning.stages import STAGES

log = logging.getLogger("cleaning")


def load_for(args: argparse.Namespace) -> LoadedConfig:
    """The configuration that a verb's options name."""
    overrides = list(args.overrides)
    if args.stages is not None:
        names = [name.strip() for name in args.stages.split(",") if name.strip()]
        overrides.append(f"stages=[{', '.join(names)}]")
    if getattr(args, "memory", None) is not None:
        overrides.append(f"engine.memory={args.memory}")
    loaded = load_config(args.config, overrides, tuple(STAGES))
    config = loaded.config
    if args.input:
        config = config.model_copy(update={"input": config.input.model_copy(update={"paths": tuple(args.input)})})
    else:
        # paths in a configuration file are meant relative to the file
        paths = tuple(p if Path(p).is_absolute() or Path(p).exists() else str(loaded.base / p) for p in config.input.paths)
        config = config.model_copy(update={"input": config.input.model_copy(update={"paths": paths})})
    engine: dict[str, Any] = {}
    if getattr(args, "workers", None) is not None:
        engine["workers"] = _worker_count(args.workers)
    if getattr(args, "executor", None) is not None:
        if args.executor not in ("local", "inline", "ray"):
            raise ConfigError(f"--executor {args.executor}: allowed: local, inline")
        engine["executor"] = args.executor
    if engine:
        config = config.model_copy(update={"engine": config.engine.model_copy(update=engine)})
    return LoadedConfig(config, loaded.source)


def _worker_count(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdigit() or not 1 <= int(text) <= 4096:
        raise ConfigError(f"--workers {text}: a number from 1 to 4096, or auto")
    return int(text)


def _root(args: argparse.Namespace, loaded: LoadedConfig) -> Path:
    if args.output is not None:
        return Path(args.output)
    if loaded.config.output.path:
        path = Path(loaded.config.output.path).expanduser()
        return path if path.is_absolute() else (loaded.base / path).resolve()
    raise UserError("no run directory: give --output DIR, or output.path in the configuration")


def do_run(args: argparse.Namespace) -> int:
    """Clean."""
    from cleaning.engine.run import STOPPED, run
    from cleaning.report import build_report, funnel_text, write_report

    loaded = load_for(args)
    root = _root(args, loaded)
    outcome = run(loaded, root)
    if outcome.code == STOPPED or outcome.folded is None:
        print(f"stopped; the same command resumes in {root}", file=sys.stderr)
        return outcome.code
    failures = orjson.loads((root / "run.json").read_bytes())["failures"]
    report = build_report(outcome.plan, outcome.folded, failures, outcome.seconds)
    write_report(root, report)
    names = ("good", "bad") if loaded.config.output.names == "xubuvd" else ("data", "rejected")
    print(f"\n{funnel_text(report)}\n")
    print(f"clean shards   {root / names[0]}")
    print(f"rejected       {root / names[1]}")
    print(f"stats, report  {root / 'stats'}   {root / 'report' / 'report.md'}")
    if report["read"]["bad_lines"]:
        print(f"bad lines      {root / 'phases'}/*/*/bad_lines.jsonl")
    if outcome.failures:
        print(f"\n{len(outcome.failures)} shards failed:", file=sys.stderr)
        for failure in failures:
            print(f"  {failure['shard']}: {failure['reason']}", file=sys.stderr)
    return outcome.code


def do_plan(args: argparse.Namespace) -> int:
    """Say what would be done."""
    import tempfile

    from cleaning.engine.resolve import resolve, write_snapshot
    from cleaning.engine.status import phase_status

    loaded = load_for(args)
    resolved = resolve(loaded)
    root = _root(args, loaded) if args.output is not None or loaded.config.output.path else None
    with tempfile.TemporaryDirectory() as temporary:
        plan = write_snapshot(Path(temporary), loaded, resolved)
        if root is not None:
            plan.root = root.resolve()
        weight = sum(shard.weight for shard in plan.shards)
        print(f"input: {len(plan.shards)} shards, about {weight / 1e6:,.1f} MB of text")
        for shard in plan.shards:
            if shard.weight > 64 * plan.config.input.shard_bytes:
                print(f"  {shard.name}: one compressed file of about {shard.weight / 1e9:,.0f} GB; it cannot be split among workers")
        stale = False
        for phase in plan.phases:
            status = phase_status(plan, phase)
            head = f"phase {phase.folder}: {phase.tasks} tasks, {len(status.done)} done"
            print(head + (" (may change: a phase before it is not complete)" if stale and status.done else ""))
            reasons: dict[str, int] = {}
            for why in status.todo.values():
                reasons[why] = reasons.get(why, 0) + 1
            for why, count in sorted(reasons.items(), key=lambda item: -item[1]):
                print(f"  {count} to do: {why}")
            stale = stale or bool(status.todo)
    return 0


def do_check(args: argparse.Namespace) -> int:
    """Validate; list what there is."""
    from cleaning.text.line_metrics import LINE_METRICS
    from cleaning.text.metric_table import BLACKLIST_METRICS, METRICS

    if args.metrics:
        for metric in METRICS.values():
            print(f"{metric.name:<24} {metric.doc}")
        for metric in BLACKLIST_METRICS.values():
            print(f"blacklist_<list>_{metric.name:<8} {metric.doc}")
        for name, doc in LINE_METRICS.items():
            print(f"{name:<24} {doc} (drop_line rules)")
    if args.stages_list:
        from cleaning.stages import stage_class

        for name in STAGES:
            print(f"{name:<24} {stage_class(name).about}")
    if args.write_docs is not None:
        from cleaning.config import PROJECT_ROOT
        from cleaning.reference import write_pages

        print("\n".join(map(str, write_pages(PROJECT_ROOT, args.write_docs))))
    if args.config is None:
        if not (args.metrics or args.stages_list or args.write_docs):
            raise UserError("check: give a configuration (for --rules too), --metrics or --stages-list")
        return 0
    from cleaning.engine.resolve import resolve
    from cleaning.io.shards import find_shards

    loaded = load_for(args)
    resolved = resolve(loaded)
    if args.rules:
        _print_rules(resolved)
    print(f"{args.config}: ok: stages {', '.join(resolved.config.stages) or '(none)'}; {len(resolved.files)} rule files and lists")
    if args.input:
        shards = find_shards(loaded.config.input)
        print(f"input: ok: {len(shards)} shards, {sum(len(s.pieces) for s in shards)} pieces")
        for shard in shards[:20]:
            first = shard.pieces[0]
            print(f"  {shard.name}: {first.format}, {first.encoding}")
    return 0


def _print_rules(resolved: Any) -> None:
    for stage in resolved.stages:
        if stage.name != "rules":
            continue
        rules = stage.rule_set
        for rule in [*rules.line_rules, *rules.rules]:
            condition = " and ".join(f"{metric} {c.text}" for metric, c in rule.clauses) or "(Python)"
            scope = ", ".join(f"{k}={'|'.join(v)}" for k, v in rule.scope.model_dump().items() if v)
            print(f"{rule.id:<28} {rule.action:<9} {condition:<40} {f'[{scope}] ' if scope else ''}{rule.reason}  ({rule.where})")


def do_explain(args: argparse.Namespace) -> int:
    """Trace one document."""
    from cleaning.engine.resolve import resolve
    from cleaning.explain import explain_document, find_line

    path, _, line = args.where.rpartition(":")
    if not path or not line.isdigit() or int(line) < 1:
        raise UserError(f"explain {args.where}: write FILE:LINE, lines count from 1")
    loaded = load_for(args)
    resolved = resolve(loaded)
    print(explain_document(resolved, find_line(Path(path), int(line), resolved.config)), end="")
    return 0


def do_blacklist(args: argparse.Namespace) -> int:
    """Check lists, try them, or see what fired."""
    from cleaning.list_report import check_lists, test_text, top_entries

    if args.what == "top":
        if args.target is None:
            raise UserError("blacklist top: give the run directory")
        _require_run(Path(args.target))
        if args.count < 1:
            raise UserError(f"--count {args.count}: at least 1")
        print(top_entries(Path(args.target), args.count))
        return 0
    args.stages = args.stages if args.stages is not None else "rules"
    if args.what == "check":
        print(check_lists(load_for(args)))
        return 0
    if args.target is None:
        raise UserError("blacklist test: give a text, or - to read it")
    print(test_text(load_for(args), sys.stdin.read() if args.target == "-" else args.target))
    return 0


def do_diff_policy(args: argparse.Namespace) -> int:
    """Compare a run's policy with the configuration as it is now."""
    import tempfile

    from cleaning.diff_policy import as_written, compare, moves_text
    from cleaning.engine.plan import Plan
    from cleaning.engine.resolve import resolve, write_snapshot

    _require_run(args.run)
    old = Plan.load(args.run)
    if not args.input:
        args.input = list(old.config.input.paths)
    with tempfile.TemporaryDirectory() as temporary:
        if args.config is None:
            args.config = Path(temporary) / "config.yaml"
            args.config.write_bytes(orjson.dumps(as_written(old), option=orjson.OPT_INDENT_2))
        loaded = load_for(args)
        resolved = resolve(loaded)
        new = write_snapshot(Path(temporary) / "new", loaded, resolved)
        moves = compare(old, new, loaded.config.engine.worker_count())
    if args.output is not None:
        args.output.write_bytes(b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in moves.rows))
    print(moves_text(moves, args.count))
    return 1 if moves.failed else 0


def do_sample(args: argparse.Namespace) -> int:
    """Draw documents for people to read."""
    from cleaning.sample import draw_sample, write_sample

    if args.count < 1:
        raise UserError(f"--count {args.count}: at least 1")
    rows = draw_sample(args.run, args.count, args.seed)
    folder = args.output or args.run / "sample"
    files = write_sample(folder, rows)
    groups: dict[str, int] = {}
    for row in rows:
        groups[row["group"]] = groups.get(row["group"], 0) + 1
    for group, count in sorted(groups.items()):
        print(f"{count:>6}  {group}")
    print("\n".join(str(file) for file in files))
    return 0


def do_report(args: argparse.Namespace) -> int:
    """Fold what is committed now."""
    from cleaning.engine.plan import Plan
    from cleaning.engine.publish import fold
    from cleaning.report import build_report, funnel_text, write_report

    _require_run(args.run)
    plan = Plan.load(args.run)
    folded = fold(plan)
    if not folded.committed and folded.missing:
        raise UserError(f"{args.run}: no task is committed (was phases/ removed?); the report stays as it is")
    failures = _run_json(args.run).get("failures", [])
    report = build_report(plan, folded, failures)
    write_report(args.run, report)
    print(funnel_text(report))
    if folded.missing:
        print(f"\n{len(folded.missing)} of {folded.committed + len(folded.missing)} tasks are not committed; the numbers cover the others")
    print(f"\n{args.run / 'report' / 'report.md'}")
    return 0


def do_verify(args: argparse.Namespace) -> int:
    """Recompute."""
    from cleaning.verify import verify_run

    faults, checked = verify_run(args.run)
    for fault in faults:
        print(fault)
    shown = ", ".join(f"{count:,} {what}" for what, count in checked.items())
    print(f"{'FAILED' if faults else 'ok'}: {len(faults)} faults; checked {shown}")
    return 1 if faults else 0


def do_status(args: argparse.Namespace) -> int:
    """Say how far a run is."""
    from cleaning.engine.lifecycle import is_alive, read_owner
    from cleaning.engine.plan import Plan
    from cleaning.io.commit import read_manifest

    _require_run(args.run)
    plan = Plan.load(args.run)
    owner = read_owner(args.run)
    state = _run_json(args.run).get("status", "unknown")
    if owner is not None and is_alive(owner):
        print(f"{args.run}: running, pid {owner['pid']}")
    else:
        print(f"{args.run}: {'interrupted (killed?)' if state == 'running' else state}")
    for phase in plan.phases:
        done = [m for task in plan.tasks(phase) if (m := read_manifest(plan.task_dir(task))) is not None]
        documents = sum(m["counts"].get("documents", 0) for m in done)
        kept = sum(m["counts"].get("kept", 0) for m in done)
        print(f"  {phase.folder}: {len(done)} of {phase.tasks} tasks, {documents:,} documents, {kept:,} kept")
    for failure in _run_json(args.run).get("failures", []):
        print(f"  failed: {failure['shard']}: {failure['reason']}")
    return 0


def do_stop(args: argparse.Namespace) -> int:
    """Stop one run, or all of this checkout."""
    from cleaning.engine.lifecycle import is_alive, live_runs, read_owner, stop

    if args.run is not None:
        owner = read_owner(args.run)
        owners = [owner] if owner is not None and is_alive(owner) else []
        if owner is not None and not owners and owner.get("host"):
            print(f"{args.run}: pid {owner['pid']} on {owner['host']} is not running here")
    else:
        owners = live_runs()
    if not owners:
        print("no run to stop")
        return 0
    for owner in owners:
        print(f"stopping pid {owner['pid']} in {owner['root']}")
    stopped, killed = stop(owners)
    print(f"{stopped} stopped" + (f", {killed} killed after 25 s" if killed else "") + "; the same command resumes")
    return 0


def _require_run(root: Path) -> None:
    if not (root / "snapshot" / "plan.json").is_file():
        raise UserError(f"{root}: no run here (snapshot/plan.json is missing)")


def _run_json(root: Path) -> dict[str, Any]:
    try:
        return dict(orjson.loads((root / "run.json").read_bytes()))
    except (OSError, orjson.JSONDecodeError):
        return {}
