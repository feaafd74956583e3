"""Make `cleaning/text/junctions.txt` anew: pairs of frequent neighbours that a language does not have, counted on good text.

    python benchmarks/make_junctions.py zh news/ statutes/ novels.jsonl.zst ... > zh.txt
    python benchmarks/make_junctions.py en ...                                  > en.txt

Each argument is one kind of text (a JSONL file, plain, .gz or .zst, or a directory of such). The more kinds, the fewer pairs: a pair is
listed only when no kind has it more often than one time in twenty-five of what chance would bring. Paste the two outputs under
[zh] and [en] of the file. What the pairs are used for: `cleaning/text/junctions.py`.
"""

from __future__ import annotations

import gzip
import io
import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import zstandard

from cleaning.text.charclass import script_maps

MARK = "，"
VOCABULARY = {"zh": 512, "en": 300}  # most frequent characters or words, by their frequency in the poorest third of the kinds
CHARACTERS = {"zh": 6_000_000, "en": 8_000_000}  # read of each kind
EXPECTED = 25  # times that chance must bring a pair before its absence says something
SHARE = 0.02  # of the expected times: seldom enough to be a mistake or a name
_HAN_RE, _HAN_MARKS_RE = re.compile("[\u4e00-\u9fff，]{2,}"), re.compile("[，。；！？、：,.;!?:]+")
_WORDS_RE, _WORD_MARKS_RE = re.compile(r"[a-z]+(?:[.,;:!?]* [a-z]+)+[.,;:!?]?"), re.compile(r"[.,;:!?]+")


def texts(path: Path, limit: int) -> Iterator[str]:
    """Texts of one kind, up to `limit` characters."""
    files = sorted(p for p in path.rglob("*.jsonl*")) if path.is_dir() else [path]
    for file in files:
        with open(file, "rb") as raw:
            stream: Any = raw
            if file.suffix == ".gz":
                stream = gzip.GzipFile(fileobj=raw)
            elif file.suffix == ".zst":
                stream = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
            for line in io.BufferedReader(stream):
                text = str(orjson.loads(line).get("text", ""))
                yield text
                limit -= len(text)
                if limit < 0:
                    return


def runs(text: str, language: str) -> Iterator[list[str]]:
    """Stretches of neighbours: characters of one clause after the other, or words parted by single blanks; marks as MARK."""
    if language == "zh":
        simplified = str.maketrans(script_maps()[1])
        yield from map(list, _HAN_RE.findall(_HAN_MARKS_RE.sub(MARK, text.translate(simplified))))
    else:
        yield from (_WORD_MARKS_RE.sub(f" {MARK}", run).split() for run in _WORDS_RE.findall(text.lower()))


def main(language: str, kinds: list[str]) -> None:
    """Count, and print a line for each first member with its impossible followers."""
    corpora = [[run for text in texts(Path(kind), CHARACTERS[language]) for run in runs(text, language)] for kind in kinds]
    frequencies = []
    for corpus in corpora:
        counts = Counter(token for run in corpus for token in run)
        frequencies.append({token: n / counts.total() for token, n in counts.items()})
    common: Counter[str] = Counter()
    for token in set().union(*frequencies):
        common[token] = sorted(f.get(token, 0.0) for f in frequencies)[len(kinds) // 3]  # type: ignore[assignment]
    vocabulary = [token for token, _ in common.most_common(VOCABULARY[language])]
    number = {token: i for i, token in enumerate(vocabulary)}
    size = len(vocabulary)
    seen, expected, never = np.zeros((size, size)), np.zeros((size, size)), np.ones((size, size), bool)
    for corpus in corpora:
        here, first, second, junctions = np.zeros((size, size)), np.zeros(size), np.zeros(size), 0
        for run in corpus:
            ids = [number.get(token, -1) for token in run]
            junctions += len(ids) - 1
            for a, b in itertools.pairwise(ids):
                first[a] += a >= 0
                second[b] += b >= 0
                if a >= 0 and b >= 0:
                    here[a, b] += 1
        chance = np.outer(first, second) / max(junctions, 1)
        never &= here <= np.maximum(2 * SHARE * chance, 1)
        seen, expected = seen + here, expected + chance
    never &= (expected >= EXPECTED) & (seen <= SHARE * expected)
    for i, token in enumerate(vocabulary):
        followers = [vocabulary[j] for j in np.flatnonzero(never[i])]
        if followers:
            print(token, ("" if language == "zh" else " ").join(followers))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
