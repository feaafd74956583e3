"""An n-gram model as one hash table that is scored from.

A slot is two 64-bit words: a 62-bit hash of the n-gram with two flags, and its probability and backoff weight as float32. The hash of an
n-gram is made from its last word backwards, so that one lookup is a step from the last. Flag 1 says that a longer n-gram ends in this one,
flag 2 that one begins with it or that it has a backoff weight: a search stops without a miss. As in KenLM's probing model, an n-gram is
known by its hash alone.

Workers map the table from a file (`table_file`), so that a machine keeps one copy of a model, whatever their number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.errors import ModelError
from cleaning.models.lm.arpa import Float32, NgramModel
from cleaning.models.lm.vocabulary import Int64, UInt32, UInt64

Float64 = npt.NDArray[np.float64]
Within = npt.NDArray[np.bool_]
_LOAD = 0.7  # share of the slots that are taken
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


def score_lines(
    tables: Tables, ids: UInt32, lines: Int64, *, events: bool = False, within: Within | None = None
) -> tuple[Float64, npt.NDArray[np.int32]]:
    """For each line, a sentence after `<s>` and with `</s>`: the decimal logarithm of its probability, and (lines, EVENTS) counts.

    `within` (lines, 2): whether a line begins, and ends, within a sentence. Then its first order - 1 tokens are context and do not count,
    and it has no `</s>`.

    Events, counted over a line's tokens, say how the model took them. `d` is the logarithm of the probability of a token in its context,
    less that of the token alone. 0-8: which bin d falls in (edges -1.5, -1, -0.5, 0, 0.5, 1, 2, 3); 9-11: at most no, one, two words of
    context were known; 12-14: a probability below 1e-3, 1e-4, 1e-5; 15: a token that alone is rarer than 10 ** -4.5. Without `events` there
    are no columns.
    """
    log10 = np.zeros(lines.size - 1)
    counts = np.zeros((lines.size - 1, EVENTS if events else 0), np.int32)
    within = np.zeros((lines.size - 1, 2), np.bool_) if within is None else within
    _score(tables.order, tables.unigrams, tables.slots, ids, lines, within, log10, counts)
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
def _count_event(counts: npt.NDArray[np.int32], p: float, alone: float, matched: int) -> None:
    """One token in its bins; `_add_up` makes sums of them when the line is over."""
    gain, place = p - alone, 0
    if gain >= -1.5:
        place = min(int((gain + 1.5) * 2) + 1, 6) + (gain >= 2.0) + (gain >= 3.0)
    counts[place] += 1
    if matched < 4:
        counts[8 + matched] += 1
    if p < -3.0:
        counts[12 + (p < -4.0) + (p < -5.0)] += 1
    counts[15] += alone < -4.5


@njit(cache=True, nogil=True)
def _add_up(counts: npt.NDArray[np.int32]) -> None:
    counts[10] += counts[9]
    counts[11] += counts[10]
    counts[13] += counts[14]
    counts[12] += counts[13]


@njit(cache=True, nogil=True)
def _score(
    order: int, unigrams: UInt64, slots: UInt64, ids: UInt32, lines: Int64, within: Within, log10: Float64, events: npt.NDArray[np.int32]
) -> None:
    values, singles = slots.reshape(-1).view(np.float32), unigrams.reshape(-1).view(np.float32)
    of_context, of_match = np.zeros(order + 1, np.float64), np.zeros(order + 1, np.float64)  # backoff weights, by length
    for line in range(lines.size - 1):
        begin, end = lines[line], lines[line + 1]
        context = 1 if order > 1 and unigrams[1, 0] & np.uint64(2) else 0  # words before this one that can matter
        of_context[1], total = singles[4 + 3], 0.0
        counted = begin + order - 1 if within[line, 0] else begin
        for i in range(begin, end if within[line, 1] else end + 1):
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
            if i >= counted:
                total += p
                if events.shape[1]:
                    _count_event(events[line], p, alone, matched)
            context = min(reach, order - 1)
            of_context, of_match = of_match, of_context
        log10[line] = total
        if events.shape[1]:
            _add_up(events[line])
