"""What the engine writes about documents that left, and about lines that it could not read, masked when a stage offers to.

Rejected rows, bad lines and the samples in the stats hold text as it came in. A stage whose `mask()` is not None (`pii` with
`mask_rejects: true`) is given every string of them before it is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from cleaning.doc import Doc
from cleaning.engine.plan import Plan
from cleaning.io.quarantine import Mask
from cleaning.io.writer import change_fields
from cleaning.stats import Stats


def mask_of(plan: Plan) -> Mask | None:
    """The mask of the plan's first stage that offers one; made once in a process."""
    if "_mask" not in plan.__dict__:
        plan.__dict__["_mask"] = next((mask for stage in plan.stages if (mask := stage.mask()) is not None), None)
    found: Mask | None = plan.__dict__["_mask"]
    return found


def redacting(line: Callable[[Doc], bytes], mask: Mask | None) -> Callable[[Doc], bytes]:
    """A writer of lines whose strings are masked; the same writer without a mask."""
    return line if mask is None else lambda doc: redact_row(line(doc), mask)


def redact_row(row: bytes, mask: Mask) -> bytes:
    """A JSON object with every string in it masked. Fields in which nothing changed keep their bytes; keys are left alone.

    >>> redact_row(b'{"n":1.50,"text":"a","more":["b"]}', lambda texts: [t.replace("a", "x") for t in texts])
    b'{"n":1.50,"text":"x","more":["b"]}'
    """
    try:
        record = orjson.loads(row)
    except orjson.JSONDecodeError:  # numbers beyond a float: masked as one text
        return mask([row.decode("utf-8", "replace")])[0].encode("utf-8", "replace")
    strings: list[str] = []
    _collect(record, strings)
    changed = {old: new for old, new in zip(strings, mask(strings), strict=True) if old != new}
    if not changed:
        return row
    return change_fields(row, {key: new for key, value in record.items() if (new := _replaced(value, changed)) != value}, None)


def redact_samples(stats: Stats, mask: Mask | None) -> None:
    """Mask the samples that the stages kept for the report."""
    if mask is None:
        return
    for groups in stats.samples.values():
        for items in groups.values():
            for i, (rank, payload) in enumerate(items):
                strings: list[str] = []
                _collect(payload, strings)
                items[i] = (rank, _replaced(payload, dict(zip(strings, mask(strings), strict=True))))


def _collect(value: Any, out: list[str]) -> None:
    if isinstance(value, str):
        out.append(value)
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            _collect(item, out)


def _replaced(value: Any, new: dict[str, str]) -> Any:
    if isinstance(value, str):
        return new.get(value, value)
    if isinstance(value, list):
        return [_replaced(item, new) for item in value]
    return {key: _replaced(item, new) for key, item in value.items()} if isinstance(value, dict) else value
