"""An n-gram model as one hash table that is scored from, and the file beside the model in which every worker finds it.

A slot is two 64-bit words: a 62-bit hash of the n-gram with two flags, and its probability and backoff weight as float32. The hash of an
n-gram is made from its last word backwards, so that one lookup is a step from the last. Flag 1 says that a longer n-gram ends in this one,
flag 2 that one begins with it or that it has a backoff weight: a search stops without a miss. As in KenLM's probing model, an n-gram is
known by its hash alone.

The file holds the table as it stands in memory. Workers map it, so that a machine keeps one copy of a model, whatever their number.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.errors import ModelError
from cleaning.models.card import sha256_of
from cleaning.models.lm.arpa import Float32, NgramModel, read_arpa, replacing
from cleaning.models.lm.vocabulary import Int64, UInt32, UInt64

Float64 = npt.NDArray[np.float64]
FORMAT = b"cleaning n-gram table 1\n"
_LOAD = 0.7  # share of the slots that are taken
_ALIGN = 4096
MAX_ORDER = 8
EVENTS = 16


@dataclass(frozen=True, slots=True)
class Tables:
    """`unigrams` (vocabulary, 2) and `slots` (size, 2), uint64; see above. `vocab`: number -> token."""

    order: int
    vocab: list[str]
    unigrams: UInt64
    slots: UInt64

    @property
    def nbytes(self) -> int:
        """Bytes that the tables take in memory."""
        return int(self.unigrams.nbytes + self.slots.nbytes)


def build_tables(model: NgramModel) -> Tables:
    """The table of a model. N-grams whose beginning or end a pruned model lacks are kept: what it lacks is filled in by backoff.

    Raises ModelError for what is no logarithm of a probability, and for orders above 8.
    """
    if model.order > MAX_ORDER:
        raise ModelError(f"an n-gram model of order {model.order}; allowed: up to {MAX_ORDER}")
    for k, prob in enumerate(model.prob, 1):
        if prob.size and not prob.max() <= 0:
            raise ModelError(f"a {k}-gram has the logarithm {prob.max():g} for a probability; it must be 0 or less")
    unigrams = np.zeros((len(model.vocab), 2), np.uint64)
    backoff = model.backoff[0] if model.order > 1 else np.zeros(model.prob[0].size, np.float32)
    _fill_unigrams(model.prob[0], backoff, unigrams)
    count = sum(rows.shape[0] for rows in model.ngrams[1:])
    slots = np.zeros((int(count / _LOAD) + 16, 2), np.uint64)
    for k in range(2, model.order + 1):
        backoff = model.backoff[k - 1] if k < model.order else np.zeros(0, np.float32)
        _insert(model.ngrams[k - 1], model.prob[k - 1], backoff, slots)
    added: list[UInt32] = [np.zeros((0, k), np.uint32) for k in range(1, model.order + 1)]
    for k in range(model.order, 1, -1):
        for rows in (model.ngrams[k - 1], added[k - 1]):
            slots, count = _flag_all(rows, unigrams, slots, count, added)
    for k in range(2, model.order):
        _fill_in(added[k - 1], unigrams, slots)
    return Tables(model.order, model.vocab, unigrams, slots)


def _flag_all(rows: UInt32, unigrams: UInt64, slots: UInt64, count: int, added: list[UInt32]) -> tuple[UInt64, int]:
    """Set the flags of what these n-grams begin with and end in; insert what is missing of it."""
    k = rows.shape[1]
    lacking = np.zeros((rows.shape[0], 2), np.bool_)
    if not rows.shape[0] or not _flag(rows, unigrams, slots, lacking):
        return slots, count
    missing = np.unique(np.concatenate([rows[lacking[:, 0], 1:], rows[lacking[:, 1], :-1]]), axis=0)
    count += missing.shape[0]
    if count > 0.9 * slots.shape[0]:
        larger = np.zeros((int(count / _LOAD) + 16, 2), np.uint64)
        _rehash(slots, larger)
        slots = larger
    nothing = np.zeros(missing.shape[0], np.float32)
    _insert(missing, nothing, nothing, slots)
    added[k - 2] = np.concatenate([added[k - 2], missing])
    _flag(rows, unigrams, slots, lacking)
    return slots, count


def open_tables(path: Path) -> Tables:
    """The tables of an ARPA file, memory-mapped: from the file beside it, which is made if there is none.

    The file's name has the model's SHA-256. Where the directory cannot be written to, it goes to the system's temporary place.
    Raises ModelError when the ARPA file cannot be read or is none.
    """
    try:
        stat = path.stat()
    except OSError as exc:
        raise ModelError(f"{path}: cannot be read: {exc.strerror}") from exc
    same = [stat.st_size, stat.st_mtime_ns]
    for place in _places(path):  # by size and time first, so that workers need not read the whole model
        for found in sorted(place.glob(f".{path.name}.*.ngrams")):
            tables = _mapped(found, same)
            if tables is not None:
                return tables
    digest = sha256_of(path)
    for place in _places(path):
        tables = _mapped(place / f".{path.name}.{digest[:16]}.ngrams", None)
        if tables is not None:
            return tables
    try:
        made = build_tables(read_arpa(path))
    except ModelError as exc:
        raise exc if str(exc).startswith(str(path)) else ModelError(f"{path}: {exc}") from exc
    for place in _places(path):
        target = place / f".{path.name}.{digest[:16]}.ngrams"
        try:
            _write(made, target, same)
        except OSError:
            continue
        _forget_older(target, path)
        return _mapped(target, None) or made
    return made


def _places(path: Path) -> list[Path]:
    """Where tables may lie: beside the model, else in a directory of this user's own."""
    own = Path(tempfile.gettempdir()) / f"cleaning-ngrams-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        private = own.stat().st_uid == os.getuid() if hasattr(os, "getuid") else True
    except OSError:
        private = False
    return [path.parent, own] if private else [path.parent]


def _forget_older(target: Path, model: Path) -> None:
    """Remove the tables of what this model was before; who has them mapped keeps them."""
    for found in target.parent.glob(f".{model.name}.*.ngrams"):
        if found != target and target.parent == model.parent:
            found.unlink(missing_ok=True)


def write_tables(tables: Tables, path: Path) -> None:
    """Write a table that belongs to no ARPA file, atomically."""
    _write(tables, path, [])


def map_tables(path: Path) -> Tables | None:
    """The table of such a file, memory-mapped; None when there is none or it is not whole."""
    return _mapped(path, None)


def _write(tables: Tables, path: Path, same: list[int]) -> None:
    vocab = "\n".join(tables.vocab).encode("utf-8")
    parts: list[Any] = [vocab, memoryview(tables.unigrams), memoryview(tables.slots)]  # type: ignore[arg-type]
    sizes = [len(vocab), tables.unigrams.nbytes, tables.slots.nbytes]
    head = {"order": tables.order, "model": same, "sizes": sizes, "ends": "little"}
    with replacing(path) as out:
        out.write((FORMAT + json.dumps(head).encode("ascii")).ljust(_ALIGN - 1, b" ") + b"\n")
        for part, size in zip(parts, sizes, strict=True):
            out.write(part)
            out.write(bytes(-size % _ALIGN))


def _mapped(path: Path, same: list[int] | None) -> Tables | None:
    """The tables of a file, None when there is none or it is not whole; `same`: size and time of the model that it must be of."""
    try:
        with open(path, "rb") as file:
            head = file.read(_ALIGN)
            if not head.startswith(FORMAT):
                return None
            told = json.loads(head[len(FORMAT) :])
            if same is not None and told["model"] != same:
                return None
            vocab_bytes, unigram_bytes, slot_bytes = told["sizes"]
            begins = np.cumsum([_ALIGN] + [size + -size % _ALIGN for size in told["sizes"]]).tolist()
            if os.fstat(file.fileno()).st_size != begins[3]:
                return None
            vocab = file.read(vocab_bytes).decode("utf-8").split("\n")
        data = np.memmap(path, np.uint64, "r").view(np.ndarray)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    unigrams = data[begins[1] // 8 : (begins[1] + unigram_bytes) // 8].reshape(-1, 2)
    return Tables(told["order"], vocab, unigrams, data[begins[2] // 8 : (begins[2] + slot_bytes) // 8].reshape(-1, 2))


def score_lines(tables: Tables, ids: UInt32, lines: Int64, *, events: bool = False) -> tuple[Float64, npt.NDArray[np.int32]]:
    """For each line, a sentence after `<s>` and with `</s>`: the decimal logarithm of its probability, and (lines, EVENTS) counts.

    Events, counted over a line's tokens, say how the model took them. `d` is the logarithm of the probability of a token in its context,
    less that of the token alone. 0-8: which bin d falls in (edges -1.5, -1, -0.5, 0, 0.5, 1, 2, 3); 9-11: at most no, one, two words of
    context were known; 12-14: a probability below 1e-3, 1e-4, 1e-5; 15: a token that alone is rarer than 10 ** -4.5. Without `events` there
    are no columns.
    """
    log10 = np.zeros(lines.size - 1)
    counts = np.zeros((lines.size - 1, EVENTS if events else 0), np.int32)
    _score(tables.order, tables.unigrams, tables.slots, ids, lines, log10, counts)
    return log10, counts


@njit(cache=True, nogil=True, inline="always")
def _chain(h: np.uint64, word: np.uint64) -> np.uint64:
    """The hash of an n-gram with one word more before it."""
    h = (h ^ (word + np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xFF51AFD7ED558CCD)
    return h ^ (h >> np.uint64(32))


@njit(cache=True, nogil=True, inline="always")
def _known_as(h: np.uint64) -> np.uint64:
    """The 62 bits that stand in a slot, never 0."""
    return (h >> np.uint64(2)) | np.uint64(1)


@njit(cache=True, nogil=True, inline="always")
def _free(known: np.uint64, slots: UInt64) -> np.int64:
    """Where an n-gram stands, or the empty slot where it would."""
    size = np.uint64(slots.shape[0])
    at = (((known * np.uint64(0xC4CEB9FE1A85EC53)) >> np.uint64(32)) * size) >> np.uint64(32)
    while slots[at, 0] != np.uint64(0) and slots[at, 0] >> np.uint64(2) != known:
        at += np.uint64(1)
        if at == size:
            at = np.uint64(0)
    return np.int64(at)


@njit(cache=True, nogil=True)
def _hash_row(row: UInt32, a: int, b: int) -> np.uint64:
    h = np.uint64(0)
    for i in range(b - 1, a - 1, -1):
        h = _chain(h, np.uint64(row[i]))
    return h


@njit(cache=True, nogil=True)
def _fill_unigrams(prob: Float32, backoff: Float32, unigrams: UInt64) -> None:
    for i in range(prob.size):
        values = unigrams[i, 1:].view(np.float32)
        values[0], values[1] = prob[i], backoff[i]
        if backoff[i] != 0:
            unigrams[i, 0] |= np.uint64(2)


@njit(cache=True, nogil=True)
def _insert(rows: UInt32, prob: Float32, backoff: Float32, slots: UInt64) -> None:
    for i in range(rows.shape[0]):
        known = _known_as(_hash_row(rows[i], 0, rows.shape[1]))
        at = _free(known, slots)
        slots[at, 0] = known << np.uint64(2)
        values = slots[at, 1:].view(np.float32)
        values[0] = prob[i]
        if backoff.size:
            values[1] = backoff[i]
            if backoff[i] != 0:
                slots[at, 0] |= np.uint64(2)


@njit(cache=True, nogil=True)
def _flag(rows: UInt32, unigrams: UInt64, slots: UInt64, lacking: npt.NDArray[np.bool_]) -> int:
    """Flag the end and the beginning of each row; returns how many of them are missing, in `lacking` (rows, 2)."""
    k, missing = rows.shape[1], 0
    for i in range(rows.shape[0]):
        for side in range(2):
            lacking[i, side] = False
            flag = np.uint64(1 + side)
            if k == 2:
                unigrams[rows[i, 1 - side], 0] |= flag
                continue
            at = _free(_known_as(_hash_row(rows[i], 1 - side, k - side)), slots)
            if slots[at, 0] == np.uint64(0):
                lacking[i, side] = True
                missing += 1
            else:
                slots[at, 0] |= flag
    return missing


@njit(cache=True, nogil=True)
def _fill_in(rows: UInt32, unigrams: UInt64, slots: UInt64) -> None:
    """Probabilities of n-grams that the model lacks: that of the end, times the backoff weight of the beginning."""
    k = rows.shape[1]
    for i in range(rows.shape[0]):
        if k == 2:
            end, begin = unigrams[rows[i, 1], 1:], unigrams[rows[i, 0], 1:]
        else:
            end = slots[_free(_known_as(_hash_row(rows[i], 1, k)), slots), 1:]
            begin = slots[_free(_known_as(_hash_row(rows[i], 0, k - 1)), slots), 1:]
        at = _free(_known_as(_hash_row(rows[i], 0, k)), slots)
        slots[at, 1:].view(np.float32)[0] = end.view(np.float32)[0] + begin.view(np.float32)[1]


@njit(cache=True, nogil=True)
def _rehash(slots: UInt64, larger: UInt64) -> None:
    for i in range(slots.shape[0]):
        if slots[i, 0] != np.uint64(0):
            at = _free(slots[i, 0] >> np.uint64(2), larger)
            larger[at, 0], larger[at, 1] = slots[i, 0], slots[i, 1]


@njit(cache=True, nogil=True)
def _count_events(counts: npt.NDArray[np.int32], p: float, alone: float, matched: int) -> None:
    gain, bin_ = p - alone, 0
    for edge in (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0):
        bin_ += gain >= edge
    counts[bin_] += 1
    for k in range(3):
        counts[9 + k] += matched <= k + 1
        counts[12 + k] += p < -3 - k
    counts[15] += alone < -4.5


@njit(cache=True, nogil=True)
def _score(order: int, unigrams: UInt64, slots: UInt64, ids: UInt32, lines: Int64, log10: Float64, events: npt.NDArray[np.int32]) -> None:
    values, singles = slots.reshape(-1).view(np.float32), unigrams.reshape(-1).view(np.float32)
    of_context, of_match = np.zeros(order + 1, np.float64), np.zeros(order + 1, np.float64)  # backoff weights, by length
    for line in range(lines.size - 1):
        begin, end = lines[line], lines[line + 1]
        context = 1 if order > 1 and unigrams[1, 0] & np.uint64(2) else 0  # words before this one that can matter
        of_context[1], total = singles[4 + 3], 0.0
        for i in range(begin, end + 1):
            word = np.int64(2) if i == end else np.int64(ids[i])
            p, flags = np.float64(singles[4 * word + 2]), unigrams[word, 0]
            alone = p
            matched, reach = 1, 1 if flags & np.uint64(2) else 0
            of_match[1] = singles[4 * word + 3]
            h = _chain(np.uint64(0), np.uint64(word))
            for k in range(2, context + 2):
                if not flags & np.uint64(1):
                    break
                h = _chain(h, np.uint64(ids[i - k + 1]) if i - k + 1 >= begin else np.uint64(1))
                at = _free(_known_as(h), slots)
                flags = slots[at, 0]
                if flags == np.uint64(0):
                    break
                matched, p = k, np.float64(values[4 * at + 2])
                of_match[k] = values[4 * at + 3]
                if flags & np.uint64(2):
                    reach = k
            for j in range(matched, context + 1):
                p += of_context[j]
            total += p
            if events.shape[1]:
                _count_events(events[line], p, alone, matched)
            context = min(reach, order - 1)
            of_context, of_match = of_match, of_context
        log10[line] = total
