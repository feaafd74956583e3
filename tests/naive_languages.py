"""Plain twins of the kernels of language identification."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from cleaning.models.fasttext_arrays import FastTextArrays
from cleaning.text.scripts import SCRIPTS, script_tables

Span = tuple[int, int]
_ASCII_RUN = re.compile("[!-;=-~]+")
_TAG = re.compile(r"<[A-Za-z/!][^<>\n]{0,297}>")
_ALNUM = "[0-9A-Za-z]"


def _hash(data: bytes) -> int:
    value = 2166136261
    for byte in data:
        value = ((value ^ (byte | (0xFFFFFF00 if byte > 127 else 0))) * 16777619) & 0xFFFFFFFF
    return value


def grams(word: str, shortest: int, longest: int) -> list[bytes]:
    """Character n-grams of a word between < and >, but not these two alone (fastText, `Dictionary::computeSubwords`)."""
    whole = f"<{word}>"
    found = []
    for i in range(len(whole)):
        for n in range(shortest, longest + 1):
            part = whole[i : i + n]
            if len(part) == n and not (n == 1 and (i == 0 or i + 1 == len(whole))):
                found.append(part.encode())
    return found


def sum_features(line: str, arrays: FastTextArrays, words: Sequence[bytes], kept: dict[int, int] | None) -> tuple[list[float], int]:
    """The sum of the vectors of a line's features, and how many; `kept`: the number of each bucket among those that were not pruned."""
    rows: list[int] = []
    for word in line.split(" "):
        if not word:
            continue
        data = word.encode()
        if data in words:
            rows.append(words.index(data))
        if data != b"</s>" and arrays.longest > 0:
            for gram in grams(word, arrays.shortest, arrays.longest):
                bucket = _hash(gram) % arrays.buckets
                if kept is None or bucket in kept:
                    rows.append(len(words) + (bucket if kept is None else kept[bucket]))
    return [sum(float(arrays.vectors[row, k]) for row in rows) for k in range(arrays.vectors.shape[1])], len(rows)


def label_probabilities(total: Sequence[float], count: int, arrays: FastTextArrays, labels: int) -> list[float]:
    """The probability of each label by the tree, from its root down, or by softmax."""
    if not count:
        return [0.0] * labels
    hidden = [value / count for value in total]
    scores = [sum(float(w) * h for w, h in zip(row, hidden)) for row in arrays.output]
    if not arrays.left.size:
        top = max(scores)
        powers = [math.exp(score - top) for score in scores]
        return [power / sum(powers) + 1e-5 for power in powers]
    out = [0.0] * labels

    def walk(node: int, reach: float) -> None:
        if node < labels:
            out[node] = reach
            return
        share = 1 / (1 + math.exp(-scores[node - labels]))
        walk(int(arrays.left[node - labels]), reach * (1 - share + 1e-5))
        walk(int(arrays.right[node - labels]), reach * (share + 1e-5))

    walk(2 * labels - 2, 1.0)
    return out


def sum_rows(rows: Sequence[Sequence[float]], group: Sequence[int], groups: int) -> list[list[float]]:
    """Rows added up by their groups."""
    return [[sum(row[k] for row, g in zip(rows, group) if g == n) for k in range(len(rows[0]))] for n in range(groups)]


def count_letters(text: str) -> list[int]:
    """How many characters of each class of `script_tables` there are."""
    tables = script_tables()
    classes = [int(tables.class_of[ord(c)]) for c in text]
    return [classes.count(k) for k in range(tables.size)]


def no_word(run: str) -> bool:
    """Whether a run of printable ASCII is an address, a handle or the name of something in a program."""
    names = re.search(rf"{_ALNUM}[@_\\=]{_ALNUM}", run)
    scheme = re.search("(?<=.)://", run)
    site = len(run) > 4 and run.lower().startswith("www.")
    return bool(run.startswith("@") or (run.startswith("&") and run.endswith(";")) or names or scheme or site)


def view_lines(text: str, what: Sequence[int], lower: Sequence[int]) -> list[tuple[str, dict[str, int], bool]]:
    """For each line of a span: what the model sees, its letters of each script, and whether it looks like program text."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [_view_line(line, what, lower) for line in lines]


def _view_line(line: str, what: Sequence[int], lower: Sequence[int]) -> tuple[str, dict[str, int], bool]:
    tables, names = script_tables(), list(SCRIPTS)
    out, letters, marks, shown, i = "", dict.fromkeys(names, 0), 0, 0, 0
    while i < len(line):
        if tag := _TAG.match(line, i):
            i = tag.end()
            out += "" if out.endswith(" ") or not out else " "
            continue
        run = _ASCII_RUN.match(line, i)
        stop = run.end() if run else i + 1
        if run and no_word(run[0]):
            i = stop
            continue
        for c in line[i:stop]:
            point = ord(c)
            kind = what[point] if point < 65536 else (2 if tables.class_of[point] else 0)
            shown += kind != 1
            if kind == 1:
                out += "" if out.endswith(" ") or not out else " "
            elif kind:
                letters[names[tables.script_of[tables.class_of[point]]]] += 1
                out += chr(lower[point]) if point < 65536 else c
                marks += kind == 3
        i = stop
    letters["Zyyy"] = 0
    return out, letters, marks > 0.12 * shown


def place_windows(texts: Sequence[str], count: int, chars: int) -> list[list[Span]]:
    """The parts of each text that are read, as offsets into it."""
    out: list[list[Span]] = []
    for text in texts:
        if count == 0 or len(text) <= count * chars * 1.25:
            out.append([(0, len(text))])
            continue
        spans = []
        for k in range(count):
            at = (len(text) - chars) * k // (count - 1) if count > 1 else 0
            near = text[at : at + chars // 2]
            skip = near.index("\n") + 1 if "\n" in near else near.index(" ") + 1 if " " in near else 0
            spans.append((at + (skip if k else 0), at + chars))
        out.append(spans)
    return out


def join_blocks(doc: Sequence[int], units: Sequence[float], script: Sequence[int], most: float) -> list[int]:
    """The block of each line."""
    blocks: list[list[int]] = []
    for i in range(len(doc)):
        last = blocks[-1] if blocks else []
        of = [script[k] for k in last if units[k] >= 2]
        full = sum(units[k] for k in last) >= most
        foreign = units[i] >= 2 and of and script[i] != of[-1]
        if not last or doc[last[0]] != doc[i] or full or foreign:
            blocks.append([])
        blocks[-1].append(i)
    return [number for number, lines in enumerate(blocks) for _ in lines]
