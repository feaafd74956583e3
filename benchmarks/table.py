"""The results as Markdown. It only words and divides; the numbers come from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from contest import Row
from contestants import FLOOR, OURS
from scaling import ScalingRow

_HEAD = (
    "job",
    "lang",
    "tool",
    "MB",
    "docs",
    "kept %",
    "CPU s in all",
    "CPU s of work",
    "MB per CPU s",
    "peak RSS MB",
    "ours is … times as fast",
    "of the floor's speed",
)
_SCALING_HEAD = ("lang", "MB", "files", "how", "wall s", "start-up s", "ratio", "ratio without start-up")


def render(machine: dict[str, str | int | float], notes: Sequence[str], rows: Sequence[Row], scaling: Sequence[ScalingRow]) -> str:
    """The whole page: machine, table, scaling, what the tools did, notes."""
    parts = [
        f"Machine: {machine['cores']} cores, {machine['cpu']}, {machine['system']}, Python {machine['python']}; "
        f"load average {machine['load_at_start']} at the start, {machine['load_at_end']} at the end."
    ]
    if rows:
        parts += [_table(_HEAD, [_cells(row, rows) for row in rows]), _abouts(rows)]
    if scaling:
        parts.append(_table(_SCALING_HEAD, [_scaling_cells(row) for row in scaling]))
    return "\n\n".join([*parts, *notes]) + "\n"


def _cells(row: Row, rows: Sequence[Row]) -> list[str]:
    head = [row.job, row.lang, row.tool, f"{row.mb:.1f}", f"{row.docs:,}"]
    if row.fault is not None:
        return [*head, row.fault.replace("|", "/"), *[""] * (len(_HEAD) - len(head) - 1)]
    kept = "tags only" if row.kept is None else f"{100 * row.kept / row.docs:.1f}"
    ours = _speed(rows, OURS, row.lang, row.job)
    lowest = _speed(rows, FLOOR, row.lang, "io")
    return [
        *head,
        kept,
        _number(row.total_cpu_s),
        "too short" if row.work_cpu_s is None else _number(row.work_cpu_s),
        _number(row.speed),
        _number(row.rss_mb, 0),
        _number(ours / row.speed if ours and row.speed else None),
        f"{_number(100 * row.speed / lowest)} %" if lowest and row.speed else "",
    ]


def _speed(rows: Sequence[Row], tool: str, lang: str, job: str) -> float | None:
    """The speed of the row that others are compared with."""
    return next((row.speed for row in rows if (row.tool, row.lang, row.job) == (tool, lang, job)), None)


def _abouts(rows: Sequence[Row]) -> str:
    """What each tool did, once."""
    lines = dict.fromkeys(f"* {row.tool}, {row.job}: {row.about}" for row in rows)
    return "\n".join(lines)


def _scaling_cells(row: ScalingRow) -> list[str]:
    head = [row.lang, f"{row.mb:.1f}", str(row.files), row.how]
    if row.fault is not None:
        return [*head, row.fault.replace("|", "/"), "", "", ""]
    return [*head, _number(row.wall_s), _number(row.startup_s), _number(row.ratio), _number(row.work_ratio)]


def _number(value: float | None, digits: int | None = None) -> str:
    """Two decimals below ten, one below a thousand, none above.

    >>> _number(0.1234), _number(12.34), _number(1234.5), _number(None)
    ('0.12', '12.3', '1,234', '')
    """
    if value is None:
        return ""
    if digits is None:
        digits = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    return f"{value:,.{digits}f}"


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
