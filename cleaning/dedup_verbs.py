"""`cleaning dedup`: why a document left as a duplicate, who left for it, and which clusters are the largest."""

from __future__ import annotations

import argparse
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import zstandard

from cleaning.config import RunConfig
from cleaning.errors import UserError, did_you_mean
from cleaning.stages import stage_class
from cleaning.stages.contract import Stage

CLUSTERS = "clusters"
_NEAR_IDS = 5000  # ids that a wrong one is compared with


def do_dedup(args: argparse.Namespace) -> int:
    """Explain a document, or list the largest clusters."""
    if args.count < 1:
        raise UserError(f"--count {args.count}: at least 1")
    if args.what == "top":
        print(largest(_run_directory(Path(args.target) if args.target else None), args.count))
        return 0
    if not args.target:
        raise UserError("dedup explain: give the id of a document")
    print(explain(_run_directory(args.run), args.target, args.count))
    return 0


def _run_directory(given: Path | None) -> Path:
    if given is not None:
        if not (given / "snapshot" / "plan.json").is_file():
            raise UserError(f"{given}: no run here (snapshot/plan.json is missing)")
        return given
    here = Path.cwd()
    runs = sorted((p.parent for p in here.glob("runs/*/run.json")), key=lambda p: (p / "run.json").stat().st_mtime)
    for folder in [here, *reversed(runs)]:
        if (folder / CLUSTERS).is_dir():
            return folder
    raise UserError("no run directory with clusters here or in runs/: give one, cleaning dedup explain ID RUN")


def read_clusters(root: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run's clusters: one for each document that left (or would have left)."""
    for path in sorted((root / CLUSTERS).glob("*.jsonl.zst")):
        with path.open("rb") as raw, zstandard.ZstdDecompressor().stream_reader(raw) as stream:
            for line in io.BufferedReader(stream):
                yield orjson.loads(line)


def largest(root: Path, count: int) -> str:
    """The largest clusters: what a template looks like."""
    sizes: Counter[tuple[str, str]] = Counter()
    for row in read_clusters(root):
        sizes[row["cluster"], row["kept"]] = row["size"]
    total = sum(sizes.values())
    out = [f"{len(sizes):,} clusters of {total:,} documents in {root}", f"{'documents':>10}  {'cluster':<16}  kept"]
    return "\n".join([*out, *(f"{size:>10,}  {cluster:<16}  {kept}" for (cluster, kept), size in sizes.most_common(count))])


def explain(root: Path, name: str, count: int) -> str:
    """A document's cluster. Raises UserError when it is in none."""
    mine = [row for row in read_clusters(root) if name in (row["id"], row["kept"])]
    if not mine:
        near = did_you_mean(name, [row["id"] for row, _ in zip(read_clusters(root), range(_NEAR_IDS), strict=False)])
        raise UserError(f"{name}: in no cluster of {root}: not in its input, rejected before, or without a duplicate{near}")
    out: list[str] = []
    for row in (row for row in mine if row["id"] == name):
        out += [f"{name} left as {'a copy' if row['rule'] == 'exact' else 'a near copy'} of {row['kept']}", *_how(row)]
    left = sorted((row for row in mine if row["kept"] == name), key=lambda row: (-(row["jaccard"] or 0), row["id"]))
    if left:
        out.append(f"{name} was kept; cluster {left[0]['cluster']}, {left[0]['size']:,} documents. For it left:")
        for row in left[:count]:
            out.append(f"  {row['rule']:<6} Jaccard {_share(row['jaccard'])} (estimated {_share(row['estimated'])})  {row['id']}")
        if len(left) > count:
            out.append(f"  … and {len(left) - count:,} more (--count)")
    return "\n".join([*out, _settings(root)])


def _how(row: dict[str, Any]) -> list[str]:
    return [
        f"  Jaccard similarity of the shingles {_share(row['jaccard'])}, estimated {_share(row['estimated'])}",
        f"  cluster {row['cluster']}, {row['size']:,} documents",
    ]


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"


def _settings(root: Path) -> str:
    """What was compared, in one line."""
    config = RunConfig.model_validate(orjson.loads((root / "snapshot" / "plan.json").read_bytes())["config"])
    cls = stage_class("document_dedup")
    stage: Stage = cls(cls.Params.model_validate(config.sections.get("document_dedup", {})), Path)
    scheme, bars = stage.scheme, stage.bars  # type: ignore[attr-defined]
    return (
        f"compared: shingles of {scheme.shingle} units ({scheme.short_shingle} below {scheme.short_units} units), {scheme.bands} keys of "
        f"{scheme.rows} values; near from Jaccard {bars.threshold:g} ({bars.short:g} for short ones)"
    )
