"""Cut a stream of JSON values that are not one a line: the array files of WuDao and alpaca, pretty-printed records.

A small automaton over bytes finds where each value of the outer array (or each top-level value) starts and ends. It keeps its state
between blocks, so a 10 GB array is read in bounded memory; what lies between two values is never parsed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from numba import njit

# state: depth, in_string, escaped, stream offset of the current value (or -1), base depth (1 inside an outer array, else 0), closed
_STATE = 6


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
        if closed:
            if c > 0x20 and start < 0:
                start = pos + i  # anything after the end of the array is one bad value
            continue
        if c <= 0x20:
            continue
        if c == 0x22:
            in_string = 1
            if start < 0:
                start = pos + i
        elif c == 0x7B or c == 0x5B:
            if c == 0x5B and depth == 0 and base == 1 and start < 0:
                depth = 1
                continue
            if start < 0:
                start = pos + i
            depth += 1
        elif c == 0x7D or c == 0x5D:
            if depth == base:
                if start >= 0:
                    spans[found, 0], spans[found, 1] = start, pos + i
                    found += 1
                    start = -1
                if base == 1:
                    depth = 0
                    closed = 1
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

    A value that outgrows `max_value` is given up: its bytes so far are yielded (they will not parse, so they are quarantined) and
    reading starts anew at the next line that begins a record.
    """
    state = np.zeros(_STATE, np.int64)
    state[3] = -1
    spans = np.empty((0, 2), np.int64)
    rest, at = b"", offset  # bytes of an unfinished value, and where they start
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
        while fresh:
            if spans.shape[0] < len(fresh) // 2 + 2:
                spans = np.empty((len(fresh) // 2 + 2, 2), np.int64)
            found = _scan(np.frombuffer(fresh, np.uint8), at + len(rest), state, spans)
            data = rest + fresh if rest else fresh
            for begin, end in spans[:found].tolist():
                value = data[begin - at : end - at].strip()
                if value:
                    yield begin, value
            fresh = b""
            keep = int(state[3]) - at if state[3] >= 0 else len(data)
            if len(data) - keep > max_value:
                cut = max(data.rfind(b"\n{", keep + 1), data.rfind(b"},{", keep + 1)) + 1
                cut = cut if cut > 0 else len(data)
                yield at + keep, data[keep:cut]
                state[0], state[1], state[2], state[3] = state[4], 0, 0, -1
                data, fresh, keep, at = b"", data[cut:], 0, at + cut
            rest, at = data[keep:], at + keep
    if rest.strip():
        yield at, rest.strip()
