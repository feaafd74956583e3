"""Cut a stream of JSON values that are not one a line: the array files of WuDao and alpaca, pretty-printed records.

A small automaton over bytes finds where each value of the outer array (or each top-level value) starts and ends. It keeps its state
between blocks, so a 10 GB array is read in bounded memory; what lies between two values is never parsed. Damage costs as little as
possible: what cannot be part of the JSON around it becomes a value of its own, which will not parse and is quarantined.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from numba import njit

# state: depth, in_string, escaped, stream offset of the current value (or -1), base depth (1 inside an outer array, else 0), closed
_STATE = 6
LOST_FACTOR = 16  # a value this many times over the limit is taken for an unclosed string: reading resumes at the next record


@njit(cache=True, nogil=True)
def _scan(data: npt.NDArray[np.uint8], pos: int, state: npt.NDArray[np.int64], spans: npt.NDArray[np.int64]) -> int:
    """Fill `spans` with (start, end) of the values that end in `data`, which begins at `pos` of the stream; returns how many."""
    depth, in_string, escaped, start, base, closed = state[0], state[1], state[2], state[3], state[4], state[5]
    found = 0
    for i in range(data.size):
        c = data[i]
        if in_string:
            if escaped:
                escaped = 0
            elif c == 0x5C:
                escaped = 1
            elif c == 0x22:
                in_string = 0
            continue
        if c <= 0x20:
            continue
        if closed:  # something stands after the end of the array: it was not the end
            closed, depth = 0, 1
        if c == 0x22:
            in_string = 1
            if start < 0:
                start = pos + i
        elif c == 0x7B or c == 0x5B:
            if c == 0x5B and depth == 0 and base == 1 and start < 0:
                depth = 1
                continue
            if depth == base and start >= 0:  # no comma before a record: what stood there ends here
                spans[found, 0], spans[found, 1] = start, pos + i
                found += 1
                start = -1
            if start < 0:
                start = pos + i
            depth += 1
        elif c == 0x7D or c == 0x5D:
            if depth == base:
                if start >= 0:
                    spans[found, 0], spans[found, 1] = start, pos + i
                    found += 1
                    start = -1
                if c == 0x5D and base == 1:
                    depth, closed = 0, 1
                else:
                    spans[found, 0], spans[found, 1] = pos + i, pos + i + 1
                    found += 1
                continue
            depth -= 1
            if depth == base and start >= 0:
                spans[found, 0], spans[found, 1] = start, pos + i + 1
                found += 1
                start = -1
        elif c == 0x2C and depth == base:
            if start >= 0:
                spans[found, 0], spans[found, 1] = start, pos + i
                found += 1
                start = -1
        elif start < 0:
            start = pos + i
    state[0], state[1], state[2], state[3], state[5] = depth, in_string, escaped, start, closed
    return found


def json_values(blocks: Iterator[bytes], max_value: int, offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """`(offset, bytes)` of each value of a JSON array, or of each top-level value. UTF-8 in.

    Of a value that outgrows `max_value` only the first bytes are yielded (more than `max_value` of them, so that the reader knows); the
    rest is scanned and let go. One that does not end within `LOST_FACTOR` times the limit is given up at the next record.
    """
    state = np.zeros(_STATE, np.int64)
    state[3] = -1
    spans = np.empty((0, 2), np.int64)
    rest, at = b"", offset  # bytes of an unfinished value, and where they start
    too_long: tuple[int, bytes] | None = None
    begun = False
    for block in blocks:
        fresh = block
        if not begun:
            head = block.lstrip()
            if not head:
                at += len(block)
                continue
            state[4] = int(head[:1] == b"[")
            begun = True
        if too_long is not None and at + len(rest) - too_long[0] > LOST_FACTOR * max_value:
            cut = max(fresh.find(b"\n{"), fresh.find(b"},{") + 1)
            if cut <= 0:
                at += len(fresh)
                continue
            yield too_long
            too_long = None
            at, fresh = at + cut + 1, fresh[cut + 1 :]
            state[0], state[1], state[2], state[3] = state[4], 0, 0, -1
        if spans.shape[0] < len(fresh) + 2:
            spans = np.empty((len(fresh) + 2, 2), np.int64)
        found = _scan(np.frombuffer(fresh, np.uint8), at + len(rest), state, spans)
        data = rest + fresh if rest else fresh
        for begin, end in spans[:found].tolist():
            if too_long is not None:
                yield too_long
                too_long = None
                continue
            value = data[begin - at : end - at].strip()
            if value:
                yield begin, value
        keep = len(data) if state[3] < 0 else max(0, int(state[3]) - at)
        if too_long is not None:
            keep = len(data)
        elif len(data) - keep > max_value:
            too_long = (at + keep, data[keep : keep + max_value + 1])
            keep = len(data)
        rest, at = data[keep:], at + keep
    if too_long is not None:
        yield too_long
    elif rest.strip():
        yield at, rest.strip()
