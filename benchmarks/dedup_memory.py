"""Memory and time of matching and clustering, on synthetic keys of many documents: `dedup_memory.py --millions 1 2 5 --memory 2G`.

The keys are what taps would have written: 14 of 12 bytes and one text of 20 bytes for each document, in shards of 100 000. A fifth of the
documents are near copies (they share most keys with another one), a twentieth exact copies, and one key in a thousand is a template's. Each
size runs in a process of its own, so that the peak that the kernel reports is of that size alone. Prints a table, and draws it.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from cleaning.config import parse_size
from cleaning.dedup.edges import KEYS, TEXTS, cluster, match, shard_numbers
from cleaning.dedup.kernels import EMPTY  # noqa: F401 - the kernels are compiled before the clock starts
from cleaning.dedup.matching import EDGE
from cleaning.dedup.records import KEY, SLOTS, TEXT, key_slot, partitions_for, text_slot
from cleaning.io.parts import PartitionedFile, PartitionedWriter
from cleaning.stats import Stats

SHARD, BANDS, STAGE = 100_000, 14, "document_dedup"
NEAR, EXACT, TEMPLATE = 0.2, 0.05, 0.001
BYTES_A_DOCUMENT = 4000  # of text, which the number of partitions is chosen by
RESULTS = Path(__file__).resolve().parent / "results"


def main() -> int:
    """Measure each size in a child, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 2, 5])
    parser.add_argument("--memory", default="2G")
    parser.add_argument("--work", type=Path, default=None, help="where the keys go: 190 bytes a document")
    parser.add_argument("--child", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        print(json.dumps(measure(options.child, int(parse_size(options.memory)), options.work)))
        return 0
    rows = []
    for millions in options.millions:
        with tempfile.TemporaryDirectory(dir=options.work) as work:
            command = [sys.executable, __file__, "--child", str(millions), "--memory", options.memory, "--work", work]
            rows.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
            print(json.dumps(rows[-1]), flush=True)
    page = table(rows)
    RESULTS.mkdir(exist_ok=True)
    name = time.strftime("dedup-memory-%Y%m%d-%H%M%S")
    (RESULTS / f"{name}.md").write_text(page, encoding="utf-8")
    (RESULTS / f"{name}.svg").write_text(draw(rows, parse_size(options.memory) / 1e6), encoding="utf-8")
    print(page)
    return 0


def measure(millions: float, memory: int, work: Path) -> dict[str, float]:
    """One worker's match tasks, one after the other, then cluster. The generator's own memory is not in the peak: it forks."""
    count = int(millions * 1e6)
    code = f"import dedup_memory as m; from pathlib import Path; m.generate({count}, Path({str(work)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
    taps = shard_numbers(sorted((work / "tap").iterdir()))
    disk = sum(path.stat().st_size for path in (work / "tap").rglob("*") if path.is_file())
    parts, groups = partitions_for(count * BYTES_A_DOCUMENT, memory)
    stats, began = Stats(), time.process_time()
    for part in range(parts):
        match(STAGE, (KEYS, TEXTS), taps, [], (part, parts), memory, 1000, work / "match" / f"{part:05d}", stats)
    matched, at_match = time.process_time() - began, _peak()
    folders = sorted((work / "match").iterdir())
    cluster(STAGE, (KEYS, TEXTS), folders, len(taps), groups, 10_000, work / "cluster", stats)
    edges = sum(PartitionedFile(f, f"{STAGE}.{s}.edges", EDGE).rows for f in folders for s in ("keys", "texts"))
    shutil.rmtree(work / "tap")
    return {
        "documents": count, "bytes_a_document": round(disk / count, 1), "partitions": parts, "edges": edges,
        "candidates": stats.get(STAGE, "candidates"), "match_cpu_s": round(matched, 1), "match_peak_mb": at_match,
        "cluster_cpu_s": round(time.process_time() - began - matched, 1), "peak_mb": _peak(),
    }  # fmt: skip


def _peak() -> float:
    """Of anonymous memory and mapped pages together; the mapped ones may be given back at any time."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3 * 1.024, 1)


def generate(count: int, work: Path) -> None:
    """Write the tap's files."""
    for shard in range(-(-count // SHARD)):
        rng = np.random.default_rng(shard)
        n = min(SHARD, count - shard * SHARD)
        rows = np.arange(n, dtype=np.uint32)
        # a document is what its seed is: near and exact copies have the seed of another document, perhaps of another shard
        seed = np.uint64(shard * SHARD) + rows.astype(np.uint64)
        kind = rng.random(n)
        copies = kind < NEAR + EXACT
        seed[copies] = rng.integers(0, count, int(copies.sum()), dtype=np.uint64)
        keys = _mix(seed[:, None] * np.uint64(64) + np.arange(BANDS, dtype=np.uint64))
        other = (rng.random((n, BANDS)) < 0.3) & (kind < NEAR)[:, None]
        keys[other] = rng.integers(0, 1 << 63, int(other.sum()), dtype=np.uint64)
        keys[rng.random((n, BANDS)) < TEMPLATE] = _mix(np.arange(1, dtype=np.uint64) + np.uint64(1 << 60))[0]
        folder = work / "tap" / f"{shard:05d}"
        records = np.empty(n * BANDS, KEY)
        records["key"], records["row"] = keys.ravel(), np.repeat(rows, BANDS)
        texts = np.empty(n, TEXT)
        texts["high"], texts["low"], texts["row"] = _mix(seed), _mix(seed ^ np.uint64(1 << 50)), rows
        near = kind < NEAR
        texts["high"][near] = rng.integers(0, 1 << 63, int(near.sum()), dtype=np.uint64)
        for stem, data, slots in (("keys", records, key_slot(records)), ("texts", texts, text_slot(texts))):
            writer = PartitionedWriter(folder, f"{STAGE}.{stem}", data.dtype, SLOTS)
            writer.add(data, slots)
            writer.close()


def _mix(x: np.ndarray) -> np.ndarray:
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def table(rows: list[dict[str, float]]) -> str:
    """Markdown."""
    head = list(rows[0])
    lines = [" | ".join(f"{row[k]:,}" for k in head) for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---:|' * len(head)}", *(f"| {line} |" for line in lines)]) + "\n"


def draw(rows: list[dict[str, float]], limit_mb: float) -> str:
    """CPU seconds and peak memory over millions of documents, as SVG."""
    width, height, left, low = 640, 360, 60, 310
    most = max(row["documents"] for row in rows) / 1e6
    seconds = [row["match_cpu_s"] + row["cluster_cpu_s"] for row in rows]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">']
    for values, top, colour, name in (
        (seconds, max(seconds), "#1f5fa8", f"CPU seconds (up to {max(seconds):.0f})"),
        ([row["peak_mb"] for row in rows], limit_mb, "#b03a2e", f"peak MB (top: the limit, {limit_mb:.0f})"),
    ):
        points = [
            (left + 540 * row["documents"] / 1e6 / most, low - 270 * value / top) for row, value in zip(rows, values, strict=True)
        ]  # fmt: skip
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(left, low), *points] if name.startswith("CPU") or (x, y) != (left, low))
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        out.append(f'<text x="{left + 10}" y="{20 if name.startswith("CPU") else 36}" fill="{colour}">{name}</text>')
    out.append(f'<path d="M{left},40 V{low} H600" fill="none" stroke="#444"/>')
    out += [f'<text x="{left + 540 * r["documents"] / 1e6 / most - 8:.0f}" y="{low + 18}">{r["documents"] / 1e6:g} M</text>' for r in rows]
    return "\n".join([*out, "</svg>"]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
