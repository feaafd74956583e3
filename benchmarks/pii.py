"""Personal data: speed beside the peers' own patterns, every hit on real text for reading, names on labelled text.

    python benchmarks/pii.py speed INPUT… [--mb 20]        MB of UTF-8 text per CPU second, all sides in this process, one after the other
    python benchmarks/pii.py hits INPUT… [--mb 100]        each hit with 30 characters on both sides, by type
    python benchmarks/pii.py presidio FILE                 spans of labels/pii beside what is found
    python benchmarks/pii.py names FOLDER                  precision and recall by labelled file

datatrove, data-juicer and dolma are measured where they can be imported: `peers` in the table is empty otherwise.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cleaning.config import PROJECT_ROOT
from cleaning.io.streams import compression_of, open_stream
from cleaning.pii.masking import Masker
from cleaning.pii.names.finder import Names, make_finder
from cleaning.pii.names.own import OwnNames
from cleaning.pii.policy import load_policy
from cleaning.text.charclass import utf32

POLICY = PROJECT_ROOT / "rules" / "pii.yaml"


def texts_of(paths: list[Path], megabytes: float) -> Iterator[str]:
    """An equal share of each file, up to so many megabytes in all."""
    for path in paths:
        left = megabytes * 1e6 / len(paths)
        with open_stream(open(path, "rb"), compression_of(path)) as stream:
            for line in io.TextIOWrapper(stream, "utf-8"):
                text = json.loads(line)["text"]
                yield text
                left -= len(text.encode("utf-8", "replace"))
                if left <= 0:
                    break


def batches_of(texts: list[str], size: int = 1 << 20) -> list[list[str]]:
    out: list[list[str]] = [[]]
    held = 0
    for text in texts:
        if held > size // 3:
            out.append([])
            held = 0
        out[-1].append(text)
        held += len(text)
    return out


def masker(action: str = "placeholder", names: str = "off") -> Masker:
    finder = make_finder(Names(names, "own", ""), []) if names != "off" else None
    return Masker(load_policy(POLICY, "rules/pii.yaml"), action, names=finder)


def speed(texts: list[str]) -> None:
    size = sum(len(t.encode("utf-8", "replace")) for t in texts) / 1e6
    batches = batches_of(texts)
    sides: dict[str, Callable[[], Any]] = {}
    for name in ("off", "near_pii", "all"):
        mask = masker(names=name)
        mask(["13812345678 张伟明"])
        few = batches if name != "all" else batches[: max(1, len(batches) // 4)]
        sides[f"ours, names {name}"] = lambda mask=mask, few=few: [mask(b) for b in few]
    sides["floor: utf-32 encode"] = lambda: [utf32(b) for b in batches]
    sides |= peers(texts)
    for name, run in sides.items():
        few = batches[: max(1, len(batches) // 4)]
        share = 1.0 if "all" not in name else sum(len(t) for b in few for t in b) / sum(map(len, texts))
        began = time.process_time()
        run()
        seconds = time.process_time() - began
        print(f"{name:28s} {size * share / seconds:8.1f} MB/s")


def peers(texts: list[str]) -> dict[str, Callable[[], Any]]:
    out: dict[str, Callable[[], Any]] = {}
    try:
        from datatrove.pipeline.formatters import PIIFormatter

        formatter = PIIFormatter()
        out["datatrove PIIFormatter"] = lambda: [formatter.format(t) for t in texts]
    except ImportError:
        pass
    try:
        from data_juicer.ops import load_ops

        ops = load_ops([{"clean_email_mapper": {}}, {"clean_ip_mapper": {}}, {"clean_links_mapper": {}}])
        out["data-juicer, 3 mappers"] = lambda: [
            op.process_batched({"text": texts[i : i + 1000]}) for op in ops for i in range(0, len(texts), 1000)
        ]
    except ImportError:
        pass
    try:
        from dolma.core.data_types import Document
        from dolma.taggers.pii import FastPiiRegex

        tagger = FastPiiRegex()
        out["dolma FastPiiRegex"] = lambda: [tagger.predict(Document(source="", version="", id="", text=t)) for t in texts]
    except ImportError:
        pass
    return out


def hits(texts: list[str], types: set[str], most: int) -> None:
    mask = masker("tag")
    found: dict[str, list[str]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for batch in batches_of(texts):
        for text, masked in zip(batch, mask(batch), strict=True):
            for s in masked.spans:
                counts[s.type] += 1
                if s.type != "url" and (not types or s.type in types):
                    found[s.type].append(
                        f"{text[max(0, s.start - 30) : s.start]}【{text[s.start : s.end]}】{text[s.end : s.end + 30]}".replace("\n", "⏎")
                    )
    for name, rows in sorted(found.items()):
        print(f"== {name} {len(rows)} ({len(set(rows))} different)")
        step = max(1, len(rows) // most)
        for row in rows[::step][:most]:
            print("  ", row)
    print(dict(counts))


def presidio(path: Path) -> None:
    rows = [json.loads(line) for line in path.open(encoding="utf-8")]
    kinds = {
        "CREDIT_CARD": {"bank_card"},
        "EMAIL_ADDRESS": {"email"},
        "IBAN_CODE": {"iban"},
        "US_SSN": {"us_ssn"},
        "IP_ADDRESS": {"ipv4", "ipv6"},
        "PHONE_NUMBER": {"us_phone", "mobile", "landline"},
    }
    done = masker("tag")([row["text"] for row in rows])
    for label, types in kinds.items():
        gold = found = right = 0
        for row, masked in zip(rows, done, strict=True):
            wanted = {(s, e) for s, e, t in row["entities"] if t == label}
            spans = {(s.start, s.end) for s in masked.spans if s.type in types}
            gold, found = gold + len(wanted), found + len(spans)
            right += sum(any(a < e and s < b for a, b in wanted) for s, e in spans)
        print(f"{label:14s} labelled {gold:4d}  found {found:4d}  right {right:4d}")


def names(folder: Path) -> None:
    from train_names import anonymous, read, score

    sure = OwnNames()
    skip = {"zh_msra_train_sample": slice(6000, None), "zh_peoplesdaily_test": slice(0, 2300)}  # what was not learnt from
    for path in sorted(folder.glob("zh_*")):
        stem = path.name.split("-")[0]
        if stem in ("zh_weibo_train", "zh_peoplesdaily_dev"):
            continue
        rows = read(path)[skip.get(stem, slice(None))]
        kept = [(text, [s for s in spans if not anonymous(text[slice(*s)])]) for text, spans in rows]
        for what, data in (("as labelled", rows), ("without 李某, 张先生, handles", kept)):
            p, r, n = score(sure, data)
            print(f"{stem:24s} {what:28s} precision {p:.3f} recall {r:.3f} names {n}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "hits", "presidio", "names"))
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--mb", type=float, default=20)
    parser.add_argument("--types", default="")
    parser.add_argument("--most", type=int, default=60)
    given = parser.parse_args()
    if given.what == "presidio":
        presidio(given.paths[0])
    elif given.what == "names":
        names(given.paths[0])
    elif given.what == "hits":
        hits(list(texts_of(given.paths, given.mb)), set(filter(None, given.types.split(","))), given.most)
    else:
        speed(list(texts_of(given.paths, given.mb)))


if __name__ == "__main__":
    main()
