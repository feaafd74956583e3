"""N-gram models in memory, and the ARPA files that KenLM and SRILM read and write."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numba import njit

from cleaning.errors import ModelError
from cleaning.models.lm.vocabulary import EOS, SPECIALS, Int64, UInt32, UInt64

Float32 = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
FLOOR = -99.0  # what stands for the logarithm of zero
_ROWS = 1 << 17


@dataclass(slots=True)
class NgramModel:
    """An n-gram model with backoff.

    `vocab`: number -> token; 0 `<unk>`, 1 `<s>`, 2 `</s>`. By order (index k - 1): `ngrams` (n, k) uint32, first word first, all different,
    in no order that may be relied on; `prob` (n) and `backoff` (n) float32, decimal logarithms; the highest order has no backoff
    (empty). Unigrams are in the order of their numbers. A token without a unigram does not occur.
    """

    order: int
    vocab: list[str]
    ngrams: list[UInt32]
    prob: list[Float32]
    backoff: list[Float32]
    training: dict[str, Any] = field(default_factory=dict)  # order, prune, discounts, counts …: for the card


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when all went well, at once. What a process that was killed left beside it goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        if not _alive(left.name.split(".")[-2]):
            left.unlink(missing_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(scratch, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError, OverflowError):
        pass
    return True


def write_arpa(model: NgramModel, path: Path) -> None:
    """Write the model atomically; seven digits after the point."""
    tokens = [token.encode("utf-8") for token in model.vocab]
    blob, ends = np.frombuffer(b"".join(tokens), np.uint8), np.cumsum([len(token) for token in tokens]).astype(np.int64)
    begins = np.concatenate([[0], ends]).astype(np.int64)
    with replacing(path) as out:
        sizes = "".join(f"ngram {k}={rows.shape[0]}\n" for k, rows in enumerate(model.ngrams, 1))
        out.write(f"\\data\\\n{sizes}\n".encode())
        for k in range(1, model.order + 1):
            out.write(f"\\{k}-grams:\n".encode())
            _write_section(out, model.ngrams[k - 1], model.prob[k - 1], model.backoff[k - 1], blob, begins)
            out.write(b"\n")
        out.write(b"\\end\\\n")


def _write_section(out: IO[bytes], ids: UInt32, prob: Float32, backoff: Float32, blob: Bytes, begins: Int64) -> None:
    lengths = np.diff(begins)
    for start in range(0, ids.shape[0], _ROWS):
        rows = ids[start : start + _ROWS]
        room = int(lengths[rows].sum()) + rows.shape[0] * (rows.shape[1] + 48)
        buffer = np.empty(room, np.uint8)
        size = _format_rows(rows, prob[start : start + _ROWS], backoff[start : start + _ROWS], blob, begins, buffer)
        out.write(buffer[:size].tobytes())


def read_arpa(path: Path) -> NgramModel:
    """The model of an ARPA file. Raises ModelError, with the line, when it is none."""
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as exc:
        raise ModelError(f"{path}: cannot be read: {exc.strerror}") from exc
    sizes, at = _read_header(path, data)
    model = NgramModel(len(sizes), [], [], [], [])
    keys, numbers = np.empty(0, np.uint64), np.empty(0, np.uint32)
    for k, size in enumerate(sizes, 1):
        at = _expect(path, data, at, f"\\{k}-grams:")
        ids, prob, backoff = np.zeros((size, k), np.uint32), np.zeros(size, np.float32), np.zeros(size, np.float32)
        spans = np.zeros((size if k == 1 else 0, 2), np.int64)
        end = _parse_rows(data, at, k, keys, numbers, spans, ids, prob, backoff)
        if end < 0:
            raise ModelError(f"{path}:{_line_of(data, -end)}: not a line of {k}-grams: a number, {k} known token(s), perhaps a number")
        at = end
        if k == 1:
            model.vocab, ids = _vocabulary(path, data, spans)
            keys, numbers = _hashed(model.vocab)
            order = np.argsort(ids[:, 0], kind="stable")
            ids, prob, backoff = ids[order], prob[order], backoff[order]
        model.ngrams.append(ids)
        model.prob.append(prob)
        model.backoff.append(backoff if k < len(sizes) else np.empty(0, np.float32))
    _expect(path, data, at, "\\end\\")
    if model.ngrams[0][0, 0] != 0:  # files of other tools may lack <unk>: KenLM gives it -100
        model.ngrams[0] = np.concatenate([np.zeros((1, 1), np.uint32), model.ngrams[0]])
        model.prob[0] = np.concatenate([np.array([-100], np.float32), model.prob[0]])
        if model.order > 1:
            model.backoff[0] = np.concatenate([np.zeros(1, np.float32), model.backoff[0]])
    return model


def _vocabulary(path: Path, data: Bytes, spans: Int64) -> tuple[list[str], UInt32]:
    """Tokens with the special three first, and the number of each unigram of the file."""
    raw = data[: int(spans.max())].tobytes()
    try:
        tokens = [raw[a:b].decode("utf-8") for a, b in spans.tolist()]
    except UnicodeDecodeError as exc:
        raise ModelError(f"{path}: tokens are not UTF-8") from exc
    tokens = [token.lower() if token in ("<UNK>", "<S>", "</S>") else token for token in tokens]
    vocab = [*SPECIALS, *(token for token in tokens if token not in SPECIALS)]
    number = {token: i for i, token in enumerate(vocab)}
    if len(number) != len(vocab):
        raise ModelError(f"{path}: a unigram occurs twice")
    return vocab, np.array([number[token] for token in tokens], np.uint32).reshape(-1, 1)


def _read_header(path: Path, data: Bytes) -> tuple[list[int], int]:
    """Sizes of the sections and where the first one begins."""
    head = data[:4096].tobytes()
    start = head.find(b"\\data\\")
    stop = head.find(b"\\1-grams:")
    sizes: list[int] = []
    for line in head[start:stop].decode("utf-8", "replace").split("\n")[1:]:
        if line.startswith("ngram "):
            k, _, size = line[6:].partition("=")
            if k.strip() != str(len(sizes) + 1) or not size.strip().isdigit():
                raise ModelError(f"{path}: header line '{line}'; expected 'ngram {len(sizes) + 1}=COUNT'")
            sizes.append(int(size))
    if start < 0 or stop < 0 or not sizes or not sizes[0]:
        raise ModelError(f"{path}: not an ARPA file: no \\data\\ section with counts at its beginning")
    return sizes, stop


def _expect(path: Path, data: Bytes, at: int, wanted: str) -> int:
    """Skip empty lines and the wanted one."""
    while at < data.size and data[at] in (10, 13):
        at += 1
    found = data[at : at + 200].tobytes().split(b"\n")[0]
    if found.strip() != wanted.encode():
        raise ModelError(f"{path}:{_line_of(data, at)}: expected '{wanted}', found '{found.decode('utf-8', 'replace').strip()[:60]}'")
    return min(at + len(found) + 1, data.size)


def _line_of(data: Bytes, at: int) -> int:
    return int((data[:at] == 10).sum()) + 1


def _hashed(vocab: list[str]) -> tuple[UInt64, UInt32]:
    """Open addressing table of the tokens' bytes."""
    size = 1 << max(8, (4 * len(vocab)).bit_length())
    keys, numbers = np.zeros(size, np.uint64), np.zeros(size, np.uint32)
    tokens = [token.encode("utf-8") for token in vocab]
    ends = np.cumsum([len(token) for token in tokens]).astype(np.int64)
    _fill_bytes(np.frombuffer(b"".join(tokens), np.uint8), ends, keys, numbers)
    for i, name in enumerate(("<UNK>", "<S>", "</S>")):
        if name not in vocab:
            raw = np.frombuffer(name.encode(), np.uint8)
            h = np.uint64(_hash_bytes(raw, 0, raw.size))
            at = _place_bytes(keys, h)
            keys[at], numbers[at] = h, i
    assert EOS == 2
    return keys, numbers


@njit(cache=True, nogil=True)
def _hash_bytes(data: Bytes, a: int, b: int) -> np.uint64:
    h = np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(b - a)
    for i in range(a, b):
        h = (h ^ np.uint64(data[i])) * np.uint64(0xFF51AFD7ED558CCD)
        h ^= h >> np.uint64(32)
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    h ^= h >> np.uint64(29)
    return h if h != np.uint64(0) else np.uint64(1)


@njit(cache=True, nogil=True)
def _place_bytes(keys: UInt64, h: np.uint64) -> int:
    mask = np.uint64(keys.size - 1)
    at = h & mask
    while keys[at] != np.uint64(0) and keys[at] != h:
        at = (at + np.uint64(1)) & mask
    return int(np.int64(at))


@njit(cache=True, nogil=True)
def _fill_bytes(blob: Bytes, ends: Int64, keys: UInt64, numbers: UInt32) -> None:
    begin = 0
    for i in range(ends.size):
        h = _hash_bytes(blob, begin, ends[i])
        at = _place_bytes(keys, h)
        keys[at], numbers[at] = h, i
        begin = ends[i]


@njit(cache=True, nogil=True)
def _put_number(out: Bytes, m: int, value: float) -> int:
    """A decimal with at most seven digits after the point; values under -99 become -99."""
    value = max(value, -99.0)
    scaled = np.int64(abs(value) * 1e7 + 0.5)
    if value < 0 and scaled:
        out[m] = 45
        m += 1
    whole, part = scaled // 10_000_000, scaled % 10_000_000
    if whole >= 10:
        out[m] = 48 + whole // 10 % 10
        m += 1
    out[m] = 48 + whole % 10
    m += 1
    if part:
        out[m] = 46
        m += 1
        unit = 1_000_000
        while part:
            out[m] = 48 + part // unit
            part %= unit
            unit //= 10
            m += 1
    return m


@njit(cache=True, nogil=True)
def _format_rows(ids: UInt32, prob: Float32, backoff: Float32, blob: Bytes, begins: Int64, out: Bytes) -> int:
    m = 0
    for i in range(ids.shape[0]):
        m = _put_number(out, m, np.float64(prob[i]))
        for k in range(ids.shape[1]):
            out[m] = 9 if k == 0 else 32
            m += 1
            for j in range(begins[ids[i, k]], begins[ids[i, k] + 1]):
                out[m] = blob[j]
                m += 1
        if backoff.size:
            out[m] = 9
            m = _put_number(out, m + 1, np.float64(backoff[i]))
        out[m] = 10
        m += 1
    return m


@njit(cache=True, nogil=True)
def _number(data: Bytes, a: int, b: int) -> float:
    """A decimal, perhaps with an exponent; NaN when it is none."""
    sign, i = 1.0, a
    if i < b and (data[i] == 45 or data[i] == 43):
        sign = -1.0 if data[i] == 45 else 1.0
        i += 1
    if i + 3 == b and data[i] == 105 and data[i + 1] == 110 and data[i + 2] == 102:
        return sign * np.inf
    digits, scale, seen, point = 0.0, 0, 0, False
    while i < b and data[i] != 101 and data[i] != 69:
        if data[i] == 46 and not point:
            point = True
        elif 48 <= data[i] <= 57:
            digits = digits * 10 + (data[i] - 48)
            scale -= 1 if point else 0
            seen += 1
        else:
            return np.nan
        i += 1
    if seen == 0:
        return np.nan
    if i < b:
        power, negative = 0, False
        i += 1
        if i < b and (data[i] == 45 or data[i] == 43):
            negative = data[i] == 45
            i += 1
        if i == b:
            return np.nan
        while i < b:
            if not 48 <= data[i] <= 57:
                return np.nan
            power = power * 10 + (int(np.int64(data[i])) - 48)
            i += 1
        scale += -power if negative else power
    return sign * digits / 10.0**-scale if scale < 0 else sign * digits * 10.0**scale


@njit(cache=True, nogil=True)
def _parse_rows(
    data: Bytes, at: int, order: int, keys: UInt64, numbers: UInt32, spans: Int64, ids: UInt32, prob: Float32, backoff: Float32,
) -> int:  # fmt: skip
    """Read as many lines as there are rows; unigrams give `spans` of their tokens. Returns where it ended, or minus where a fault is."""
    for row in range(ids.shape[0]):
        field, i = 0, at
        while True:
            j = i
            while j < data.size and data[j] != 9 and data[j] != 32 and data[j] != 10 and data[j] != 13:
                j += 1
            if field == 0:
                prob[row] = np.float32(_number(data, i, j))
                if np.isnan(prob[row]):
                    return -max(at, 1)
            elif field <= order and j > i:
                if order == 1:
                    spans[row, 0], spans[row, 1] = i, j
                else:
                    h = _hash_bytes(data, i, j)
                    place = _place_bytes(keys, h)
                    if keys[place] != h:
                        return -max(at, 1)
                    ids[row, field - 1] = numbers[place]
            elif field == order + 1 and j > i:
                backoff[row] = np.float32(_number(data, i, j))
                if np.isnan(backoff[row]):
                    return -max(at, 1)
            elif j > i or field <= order:
                return -max(at, 1)
            field += 1
            while j < data.size and data[j] == 13:
                j += 1
            if j >= data.size or data[j] == 10:
                break
            i = j + 1
        if field <= order:
            return -max(at, 1)
        at = j + 1
    return min(at, data.size)
