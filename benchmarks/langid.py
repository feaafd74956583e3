"""Language identification: recall by length, speed against datatrove's filter and a plain fastText loop, windows against whole texts.

    python benchmarks/langid.py --model models/lid.176.ftz

Needs the model, and the directory of corpora with labels/langid (as benchmarks/quality.py finds it). Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import zstandard
from contestants import our_command, our_env
from corpus import CHECKOUT, Slice, find_data, find_sources, one_document, write_slice
from environments import HERE, Peer, install
from measure import machine, run_measured

sys.path.insert(0, str(CHECKOUT))

from cleaning.models.fasttext_model import load
from cleaning.models.identify import Identified, Identifier, Windows
from cleaning.models.language_model import load_language_model

BUCKETS = (1, 5, 10, 20, 50, 100, 1 << 30)  # units: a Han, kana or Hangul character, or a word
WEB_CHARS = 500  # a page; posts and reviews of a line have no length to speak of
PEER = Peer(
    "datatrove-language", ("datatrove[processing,io]==0.10.1", "fasttext-numpy2-wheel>=0.9.2"), "datatrove_language.py",
    "language filter by lid.176; reader to writer",
)  # fmt: skip
Tools = list[tuple[str, Callable[[Slice, Path], list[str]]]]
LOOP = """
import sys, orjson, zstandard, fasttext_pybind
model = fasttext_pybind.fasttext()
model.loadModel(sys.argv[3])
with open(sys.argv[1], "rb") as lines, zstandard.open(sys.argv[2], "wb") as out:
    for line in lines:
        record = orjson.loads(line)
        (found,) = model.predict(record["text"].replace("\\n", " ") + "\\n", 1, 0.0, "replace")
        record["cleaning"] = {"lang": found[1][9:], "lang_score": found[0]}
        out.write(orjson.dumps(record) + b"\\n")
"""


def labelled(data: Path) -> Iterator[tuple[str, str]]:
    """(language, text) of the labelled sentences and words."""
    for path in sorted((data / "labels" / "langid").glob("*.zst")):
        for line in io.TextIOWrapper(zstandard.open(path), encoding="utf-8"):
            row = orjson.loads(line)
            yield row["lang"], row["text"]


def units(text: str) -> int:
    """A character of a script without blanks is one, a word another one."""
    alone = sum("\u3040" <= c <= "\u30ff" or "\u3400" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3" for c in text)
    spaced = "".join(" " if c > "\u2e80" else c for c in text)
    return alone + len(spaced.split())


def in_batches(identify: Identifier, texts: list[str]) -> list[Identified]:
    out: list[Identified] = []
    for i in range(0, len(texts), 64):
        out += identify(texts[i : i + 64])
    return out


def recall_table(model: Path, rows: list[tuple[str, str]]) -> None:
    """Recall of zh and en by length, and top-1 accuracy over all languages; plain is lid.176 on the raw text."""
    texts = [text for _, text in rows]
    plain = [of[0] for of in load(model).predict_batch(texts)[0]]
    ours = [one.lang for one in in_batches(Identifier(load_language_model(model)), texts)]
    print("| units | zh texts | ours | plain | en texts | ours | plain | all languages | ours | plain |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    sizes = [units(text) for text in texts]
    ranges = [*pairwise(BUCKETS), (20, BUCKETS[-1]), (1, BUCKETS[-1])]
    for low, high in ranges:
        cells = []
        for lang in ("zh", "en", None):
            mine = [i for i, n in enumerate(sizes) if low <= n < high and lang in (None, rows[i][0])]
            right = [sum(guess[i] == rows[i][0] for i in mine) / len(mine) if mine else float("nan") for guess in (ours, plain)]
            cells += [f"{len(mine):,}", *(f"{100 * share:.2f}" for share in right)]
        print(f"| {low}–{'' if high == BUCKETS[-1] else high - 1} | {' | '.join(cells)} |")
    falsely = Counter(lang for (lang, _), guess in zip(rows, ours) if guess == "zh" and lang != "zh")
    print(f"\ncalled zh and are not: ours {dict(falsely)}; plain {sum(p == 'zh' and r[0] != 'zh' for p, r in zip(plain, rows))}")
    worse = []
    for lang in sorted({lang for lang, _ in rows}):
        mine = [i for i, row in enumerate(rows) if row[0] == lang]
        gain = sum(ours[i] == lang for i in mine) - sum(plain[i] == lang for i in mine)
        if gain < 0:
            worse.append(f"{lang} {100 * gain / len(mine):.1f}")
    print(f"languages with a lower recall than plain, in points: {', '.join(worse) or 'none'}\n")


def agreement_table(model: Path, data: Path, per_file: int) -> None:
    """Windows against the whole text, on long documents of every source."""
    rng = random.Random(1)
    texts: list[str] = []
    for path in sorted((data / "docs").glob("*-00.jsonl*")):
        opened: Any = io.TextIOWrapper(zstandard.open(path), encoding="utf-8") if path.suffix == ".zst" else _gzip(path)
        long = [text for _, line in zip(range(1500), opened) if len(text := orjson.loads(line)["text"]) > 3000]
        texts += rng.sample(long, min(per_file, len(long)))
    loaded = load_language_model(model)
    whole = in_batches(Identifier(loaded, Windows(0)), texts)
    print(f"{len(texts):,} documents of more than 3,000 characters\n")
    print("| windows × characters | same language % | mean difference of score |")
    print("|---|---|---|")
    for count, chars in ((8, 80), (16, 80), (20, 100), (40, 100)):
        found = in_batches(Identifier(loaded, Windows(count, chars)), texts)
        same = sum(a.lang == b.lang for a, b in zip(whole, found)) / len(texts)
        apart = sum(abs(a.score - b.score) for a, b in zip(whole, found)) / len(texts)
        print(f"| {count} × {chars} | {100 * same:.2f} | {apart:.3f} |")
    print()


def _gzip(path: Path) -> Any:
    import gzip

    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")


def of_web_length(mixed: Slice, path: Path, mb: float) -> Slice:
    """The documents of a slice that have `WEB_CHARS`, up to `mb` megabytes."""
    docs = size = 0
    with open(mixed.path, "rb") as lines, open(path, "wb") as out:
        for line in lines:
            text = orjson.loads(line)["text"]
            if len(text) >= WEB_CHARS and size < mb * 1e6:
                out.write(line)
                docs, size = docs + 1, size + len(text.encode("utf-8"))
    return Slice((path,), docs, size)


def speed_table(model: Path, docs: Path, mb: float, rounds: int, place: Path) -> None:
    """Whole jobs, from a JSONL file to a written one: the tool's CPU seconds less those of one document."""
    fault = install(PEER).fault
    print("| text | tool | docs | MB | CPU s of work | MB per CPU s | ours is … times as fast |\n|---|---|---|---|---|---|---|")
    for lang in ("zh", "en"):
        full = of_web_length(write_slice(place, f"all-{lang}", find_sources(docs, lang), 2 * mb), place / f"speed-{lang}.jsonl", mb)
        one = one_document(place, full)

        def ours(text: Slice, out: Path) -> list[str]:
            more = ["--stages", "langid", "--set", f"langid.model={model}"]
            return our_command("configs/default.yaml", text.path, out, 1, inline=True, more=more)

        def datatrove(text: Slice, out: Path, lang: str = lang) -> list[str]:
            script = str(HERE / "peers" / PEER.script)
            return [str(PEER.python), script, str(text.path), str(out), "--lang", lang, "--models", str(model.parent)]

        def loop(text: Slice, out: Path) -> list[str]:
            return [sys.executable, "-c", LOOP, str(text.path), f"{out}.zst", str(model)]

        tools: Tools = [("ours", ours), ("plain fastText loop", loop)]
        if fault is None:
            tools.append(("datatrove", datatrove))
        best = _measure(tools, full, one, rounds, place)
        for name, _ in tools:
            speed = full.mb / best[name] if best[name] else float("nan")
            times = best[name] / best["ours"] if best["ours"] else float("nan")
            print(f"| {lang} | {name} | {full.docs:,} | {full.mb:.1f} | {best[name]:.2f} | {speed:.1f} | {times:.1f} |", flush=True)
    if fault is not None:
        print(f"\ndatatrove: not installed: {fault}")


def _measure(tools: Tools, full: Slice, one: Slice, rounds: int, place: Path) -> dict[str, float]:
    """The cheapest of some rounds, in which the tools take turns."""
    best: dict[str, float] = {}
    for number in range(rounds):
        for name, command in tools:
            used = []
            for text in (full, one):
                out = place / f"{name.split()[0]}-{number}-{text.path.stem}"
                usage = run_measured(command(text, out), cwd=place, env=our_env())
                if usage.fault:
                    raise SystemExit(f"{name}: {usage.fault}")
                used.append(usage.cpu_s)
            best[name] = min(best.get(name, float("inf")), used[0] - used[1])
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--data", help="the directory with docs/ and labels/")
    add("--model", type=Path, default=CHECKOUT / "models" / "lid.176.ftz")
    add("--mb", type=float, default=20)
    add("--rounds", type=int, default=3)
    add("--per-file", type=int, default=150)
    add("--tables", default="recall,agreement,speed")
    add("--work", help="where the temporary directory goes")
    args = parser.parse_args()
    docs, samples = find_data(f"{args.data}/docs" if args.data else None)
    data, model = docs.parent, args.model.resolve()
    print(machine(), "\n")
    if "recall" in args.tables and not samples:
        recall_table(model, list(labelled(data)))
    if "agreement" in args.tables and not samples:
        agreement_table(model, data, args.per_file)
    if "speed" in args.tables:
        with tempfile.TemporaryDirectory(dir=args.work) as place:
            speed_table(model, docs, args.mb, args.rounds, Path(place))
    return 0


if __name__ == "__main__":
    sys.exit(main())
