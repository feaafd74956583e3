"""Plain twins of the kernels of `cleaning/dedup/overlap.py`: on strings and dictionaries, without hashing."""

from __future__ import annotations

from collections.abc import Sequence

from cleaning.dedup.signatures import unit_table


def cut_spans(text: str, how: str) -> list[tuple[str, int, int]]:
    """(folded unit, start, stop)."""
    table = unit_table(how)
    out: list[tuple[str, int, int]] = []
    open_run = False
    for i, c in enumerate(text):
        point = ord(c)
        if point < 65536:
            kind, point = int(table[point]) >> 24, int(table[point]) & 0x1FFFFF
        else:
            kind = 1 if 0x20000 <= point < 0x323B0 else 2 if 0x1D400 <= point < 0x1D800 else 0
        if kind == 3:
            continue
        if kind == 2 and open_run:
            unit, start, _ = out[-1]
            out[-1] = unit + chr(point), start, i + 1
        elif kind in (1, 2):
            out.append((chr(point), i, i + 1))
        open_run = kind == 2
    return out


def hash_grams(units: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """The grams themselves stand for their hashes."""
    return [tuple(units[i : i + size]) for i in range(len(units) - size + 1)]


def fill_table(grams: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    """The number of each gram."""
    return {gram: number for number, gram in enumerate(grams)}


def look_up(docs: Sequence[Sequence[str]], size: int, table: dict[tuple[str, ...], int]) -> list[tuple[int, int]]:
    """(first unit, counted over all documents, number in the table) of each run that the table has."""
    out, base = [], 0
    for units in docs:
        out += [(base + i, table[gram]) for i, gram in enumerate(hash_grams(units, size)) if gram in table]
        base += len(units)
    return out


def hash_items(units: Sequence[str]) -> tuple[str, ...]:
    """The units themselves stand for their hash."""
    return tuple(units)
