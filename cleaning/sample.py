"""A stratified random sample of a run for people to read: the human evaluation of a cleaning run.

Half of the sample is kept documents, the other half is shared out among the reasons of rejection. Which documents are drawn is a
function of their ids and the seed, not of the number of workers or the order of files.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import xxhash

from cleaning.errors import UserError
from cleaning.io.commit import replace_file
from cleaning.io.streams import HashingFile, compression_of, line_blocks, open_stream, read_blocks


def draw_sample(root: Path, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """`count` rows `{group, file, document}`: group is `kept` or `rejected/<stage>/<rule>`. Raises UserError without a finished run."""
    folders = [root / name for name in ("data", "rejected", "good", "bad") if (root / name).is_dir()]
    if not folders:
        raise UserError(f"{root}: no finished run here (no data/ or rejected/)")
    groups: dict[str, list[tuple[int, str, int, bytes]]] = {}
    sizes: dict[str, int] = {}
    for folder in folders:
        kept = folder.name in ("data", "good")
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(root).as_posix()
            for number, line in enumerate(_lines(path)):
                group = "kept" if kept else _group(line)
                sizes[group] = sizes.get(group, 0) + 1
                rank = xxhash.xxh64_intdigest(line, seed=seed)
                heap = groups.setdefault(group, [])
                item = (-rank, name, number, line)
                if len(heap) < count:
                    heapq.heappush(heap, item)
                elif item > heap[0]:
                    heapq.heapreplace(heap, item)
    rows: list[dict[str, Any]] = []
    for group, share in _shares(sizes, count).items():
        for rank, name, number, line in sorted(groups[group], reverse=True)[:share]:
            del rank
            rows.append({"group": group, "file": f"{name}:{number + 1}", "document": orjson.loads(line)})
    return rows


def write_sample(folder: Path, rows: list[dict[str, Any]]) -> list[Path]:
    """`sample.jsonl` and `sample.txt` in `folder`."""
    lines = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    replace_file(folder / "sample.jsonl", lines)
    shown: list[str] = []
    for i, row in enumerate(rows, 1):
        document = row["document"]
        reject = document.get("cleaning", {}).get("reject")
        shown += ["=" * 100, f"[{i}/{len(rows)}] {row['group']}   id {document.get('id')}   {row['file']}"]
        if reject:
            shown.append(f"reason: {reject['reason']} ({reject['threshold']}; value {reject['value']}); all: {', '.join(reject['all'])}")
        shown += ["-" * 100, _text(document), ""]
    replace_file(folder / "sample.txt", "\n".join(shown).encode("utf-8", "replace"))
    return [folder / "sample.jsonl", folder / "sample.txt"]


def _shares(sizes: dict[str, int], count: int) -> dict[str, int]:
    """How many rows each group gives: half the sample kept, the other half split evenly over reasons, spare places handed on."""
    rejected = sorted(group for group in sizes if group != "kept")
    kept_share = min(sizes.get("kept", 0), count - count // 2 if rejected else count)
    shares: dict[str, int] = {"kept": kept_share} if kept_share else {}
    left = count - kept_share
    for i, group in enumerate(sorted(rejected, key=lambda g: sizes[g])):
        share = min(sizes[group], -(-left // (len(rejected) - i)))
        if share:
            shares[group] = share
        left -= share
    if left and sizes.get("kept", 0) > kept_share:
        shares["kept"] = min(sizes["kept"], kept_share + left)
    return dict(sorted(shares.items()))


def _group(line: bytes) -> str:
    reject = orjson.loads(line).get("cleaning", {}).get("reject", {})
    return f"rejected/{reject.get('stage', '?')}/{reject.get('rule', '?')}"


def _text(document: dict[str, Any]) -> str:
    text = document.get("text")
    return text if isinstance(text, str) else orjson.dumps({k: v for k, v in document.items() if k != "cleaning"}).decode()


def _lines(path: Path) -> Iterator[bytes]:
    with HashingFile(path) as raw, open_stream(raw, compression_of(path)) as stream:
        for item in line_blocks(read_blocks(stream, str(path)), 1 << 40):
            if isinstance(item, tuple):
                yield from (line for line in item[1] if line)
