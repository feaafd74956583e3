"""Document deduplication beside the peers: CPU time of the whole job, and who finds the planted copies.

    python benchmarks/dedup.py [--data DIR] [--mb 40] [--peer-mb 4] [--tools datatrove,rensa,…] [--langs zh,en]

Every tenth document gets a copy, edited at up to a tenth of its characters (zh) or words (en), placed far from it. Truth is the Jaccard
similarity of shingles of five. `work` is what the tool's own clock says: after imports, models and, for the libraries, shingling.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import zstandard
from corpus import CHECKOUT, Slice, find_data, find_sources, one_document, write_slice
from environments import HERE, HOME, Peer, install
from measure import run_measured

SCRIPT = "dedup_documents.py"
SKETCHES = ("rensa==0.5.0", "gaoya==0.2.2", "datasketch==2.0.0")
TOOLS = {
    "datatrove": Peer("dedup-datatrove", ("datatrove[processing,io]==0.10.1", "spacy>=3.8,<4", "jieba==0.42.1"), SCRIPT, "its four stages"),
    "data-juicer": Peer("dedup-data-juicer", ("py-data-juicer==1.6.1",), SCRIPT, "document_minhash_deduplicator, Jaccard 0.7"),
    "text-dedup": Peer("dedup-text-dedup", ("text-dedup==0.4.1",), SCRIPT, "its minhash command, defaults"),
    "rensa": Peer("dedup-rensa", SKETCHES, SCRIPT, "R-MinHash and LSH, 14 x 8, in memory"),
    "gaoya": Peer("dedup-gaoya", ("gaoya==0.2.2",), SCRIPT, "index of 14 x 8, in memory"),
    "datasketch": Peer("dedup-datasketch", ("datasketch==2.0.0",), SCRIPT, "MinHash and LSH, 14 x 8, in memory"),
}
BARS = (0.7, 0.8, 0.9)
IN_MEMORY = """
import sys, time, orjson, numpy as np
from cleaning.dedup.matching import FRESH, star_edges
from cleaning.dedup.signatures import Scheme, sign
texts = [orjson.loads(line)["text"] for line in open(sys.argv[1], "rb")]
sign(texts[:4], Scheme())
began = time.process_time()
signed = [sign(texts[i : i + 256], Scheme()) for i in range(0, len(texts), 256)]
counts = np.concatenate([np.diff(s.key_ends) for s in signed])
docs = np.repeat(np.arange(len(texts)), counts).astype(np.uint64) | np.uint64(FRESH)
star_edges(np.concatenate([s.keys for s in signed]), docs, 1000)
print(time.process_time() - began)
"""


@dataclass
class Row:
    """One tool on one language. `found`: share of the planted copies at or above each bar that left; `wrong`: planted below 0.7."""

    tool: str
    lang: str
    mb: float
    cpu_s: float = 0.0
    work_s: float = 0.0
    rss_mb: float = 0.0
    dropped: int = 0
    found: tuple[float, ...] = ()
    wrong: float = 0.0
    fault: str = ""

    @property
    def speed(self) -> float:
        """Megabytes a CPU second of work."""
        return self.mb / self.work_s if self.work_s else 0.0


def main() -> int:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data")
    parser.add_argument("--mb", type=float, default=40.0)
    parser.add_argument("--peer-mb", type=float, default=4.0)
    parser.add_argument("--tools", default=",".join(TOOLS))
    parser.add_argument("--langs", default="zh,en")
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    data, _ = find_data(options.data)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=options.work) as temporary:
        work = Path(temporary)
        for lang in options.langs.split(","):
            sources = find_sources(data, lang)
            large, similar = plant(write_slice(work, lang, sources, options.mb), lang, work)
            rows += [ours(large, similar, lang, work), signatures_only(large, lang, work)]
            small, known = plant(write_slice(work, f"{lang}-small", sources, options.peer_mb), lang, work)
            rows += [peer(tool, small, known, lang, work) for tool in options.tools.split(",") if tool]
    page = table(rows)
    (HERE / "results").mkdir(exist_ok=True)
    name = time.strftime("dedup-%Y%m%d-%H%M%S")
    (HERE / "results" / f"{name}.md").write_text(page, encoding="utf-8")
    (HERE / "results" / f"{name}.json").write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    print(page)
    return 0


def plant(text: Slice, lang: str, work: Path) -> tuple[Slice, dict[str, float]]:
    """The slice with planted copies, and the similarity of each to its original."""
    rng = random.Random(7)
    rows = [orjson.loads(line) for line in text.path.read_bytes().splitlines()]
    similar: dict[str, float] = {}
    planted = []
    for row in rows[::10]:
        copy = edit(row["text"], rng, lang)
        similar[f"{row['id']}-copy"] = jaccard(row["text"], copy, lang)
        planted.append({"id": f"{row['id']}-copy", "text": copy})
    rng.shuffle(planted)
    path = work / f"planted-{text.path.name}"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in [*rows, *planted]))
    return Slice((path,), len(rows) + len(planted), sum(len(r["text"].encode()) for r in [*rows, *planted])), similar


def edit(text: str, rng: random.Random, lang: str) -> str:
    """Some units replaced: 0 to 10 % of them, few more often than many."""
    units = list(text) if lang == "zh" else re.split(r"(\W+)", text)
    for _ in range(int(len(units) * 0.1 * rng.random() ** 3)):
        units[rng.randrange(len(units))] = rng.choice(units)
    return "".join(units)


def jaccard(one: str, other: str, lang: str) -> float:
    """Of shingles of five characters that are no marks, or of five words."""
    sets = []
    for text in (one, other):
        items = [c for c in text.lower() if c.isalnum()] if lang == "zh" else re.findall(r"\w+", text.lower())
        sets.append({tuple(items[i : i + 5]) for i in range(max(1, len(items) - 4))})
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


def ours(text: Slice, similar: dict[str, float], lang: str, work: Path) -> Row:
    """The command, less what it takes for one document; the cheaper of two rounds."""
    row = Row("cleaning", lang, text.mb)
    one = one_document(work, text)
    cost: dict[int, float] = {}
    for number in range(4):
        slice_ = (one, text)[number % 2]
        out = work / f"ours-{lang}-{number}"
        command = [sys.executable, "-m", "cleaning", "run", str(CHECKOUT / f"configs/{lang}_web.yaml"), "--stages", "document_dedup"]
        command += ["--input", str(slice_.path), "--output", str(out), "--executor", "inline", "--workers", "1"]
        usage = run_measured(command, cwd=work, env={"PYTHONPATH": str(CHECKOUT)})
        if usage.fault:
            row.fault = usage.fault
            return row
        cost[number % 2] = min(usage.cpu_s, cost.get(number % 2, usage.cpu_s))
        row.rss_mb = max(row.rss_mb, usage.rss_mb)
    row.cpu_s, row.work_s = cost[1], cost[1] - cost[0]
    dropped: set[str] = set()
    for path in (out / "rejected").rglob("*.zst"):
        with path.open("rb") as raw:
            lines = zstandard.ZstdDecompressor().stream_reader(raw).read().splitlines()
        dropped |= {orjson.loads(line)["id"] for line in lines}
    return judge(row, dropped, similar)


def signatures_only(text: Slice, lang: str, work: Path) -> Row:
    """Signatures and an index in memory, as the libraries are measured; on our side with shingling."""
    usage = run_measured([sys.executable, "-c", IN_MEMORY, str(text.path)], cwd=work, env={"PYTHONPATH": str(CHECKOUT)})
    row = Row("cleaning, in memory", lang, text.mb, usage.cpu_s, rss_mb=usage.rss_mb, fault=usage.fault or "")
    row.work_s = float(usage.stdout) if not usage.fault else 0.0
    return row


def peer(tool: str, text: Slice, similar: dict[str, float], lang: str, work: Path) -> Row:
    """One peer, by its own clock."""
    row, environment = Row(tool, lang, text.mb), TOOLS[tool]
    found = install(environment)
    if found.fault is not None:
        row.fault = f"not installed: {found.fault}"
        return row
    out = work / f"{tool}-{lang}"
    command = [str(environment.python), str(HERE / "peers" / SCRIPT), str(text.path), str(out)]
    command += ["--lang", lang, "--models", str(HOME / "models")]
    usage = run_measured(command, cwd=work, env={**os.environ, "DEDUP_TOOL": tool}, timeout=1800)
    if usage.fault:
        row.fault = usage.fault
        return row
    said = json.loads(usage.stdout.strip().splitlines()[-1])
    row.cpu_s, row.work_s, row.rss_mb = usage.cpu_s, said["cpu_s"], usage.rss_mb
    return judge(row, set((out / "dropped.txt").read_text(encoding="utf-8").splitlines()), similar)


def judge(row: Row, dropped: set[str], similar: dict[str, float]) -> Row:
    """A planted pair is found when either of the two left."""
    hit = {name for name in similar if name in dropped or name.removesuffix("-copy") in dropped}
    row.dropped = len(dropped)
    above = [[name for name, value in similar.items() if value >= bar] for bar in BARS]
    row.found = tuple(round(len(hit.intersection(names)) / max(1, len(names)), 3) for names in above)
    below = [name for name, value in similar.items() if value < BARS[0]]
    row.wrong = round(len(hit.intersection(below)) / max(1, len(below)), 3)
    return row


def table(rows: Sequence[Row]) -> str:
    """Markdown; ratios of the whole job to ours, of the libraries to ours in memory."""
    head = ["tool", "lang", "MB", "CPU s", "of work", "MB/CPU s", "ours is … times as fast", "peak MB", "dropped"]
    head += [*(f"found ≥ {bar}" for bar in BARS), "below 0.7"]
    out = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        if row.fault:
            out.append(f"| {row.tool} | {row.lang} | {row.mb:.1f} | {row.fault.replace('|', '/')} |" + " |" * (len(head) - 4))
            continue
        base = "cleaning, in memory" if row.tool in ("rensa", "gaoya", "datasketch") else "cleaning"
        mine = next((r.speed for r in rows if r.tool == base and r.lang == row.lang), 0.0)
        cells = [row.tool, row.lang, f"{row.mb:.1f}", f"{row.cpu_s:.2f}", f"{row.work_s:.2f}", f"{row.speed:.2f}"]
        cells += [f"{mine / row.speed:.0f}" if row.speed and row.tool in TOOLS else "", f"{row.rss_mb:.0f}", f"{row.dropped:,}"]
        cells += [*(f"{value:.3f}" for value in row.found or ("",) * 0), f"{row.wrong:.3f}"] if row.found else [""] * (len(BARS) + 1)
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    sys.exit(main())
