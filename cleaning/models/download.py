"""One file over HTTP: resumed where it broke off, never half, never mixed from two versions.

What has come lies in `.NAME.part` beside the target, and in `.NAME.part.json` what the server said that it is. A part is continued only
when the server confirms by `If-Range` that the file is still the same; else it starts anew.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cleaning.errors import ModelError

BLOCK = 1 << 18
SECONDS = 15  # without a byte, or without an answer
Progress = Callable[[int, int | None], None]  # bytes that are there, bytes in all


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The whole file, still under its scratch name; `sha256` only where the server names one."""

    path: Path
    sha256: str | None


class _NotThereError(ModelError):
    """The server answered, and has no such file: trying again is of no use."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects and keeps the digest that hubs of large files name on the way (`X-Linked-Etag`)."""

    named: str | None = None

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.named = self.named or headers.get("X-Linked-Etag")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def part_of(target: Path) -> Path:
    """Where the bytes of an unfinished download lie."""
    return target.with_name(f".{target.name}.part")


def download(url: str, target: Path, progress: Progress, *, tries: int = 5, pause: float = 2.0) -> Downloaded:
    """Get `url` into the part of `target`, going on where an earlier try broke off. Raises ModelError after `tries` failures in a row."""
    part = part_of(target)
    part.parent.mkdir(parents=True, exist_ok=True)
    with open(part, "ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise ModelError(f"{part}: another download is at work") from exc
        failures = 0
        while True:
            before = file.tell()
            try:
                return Downloaded(part, _once(url, file, part, progress))
            except _NotThereError:
                raise
            except (OSError, http.client.HTTPException) as exc:
                failures = 1 if file.tell() > before else failures + 1
                if failures >= tries:
                    kept = f"; {file.tell():,} bytes are kept, the same command goes on there" if file.tell() else ""
                    raise ModelError(f"{url}: {_reason(exc)}{kept}") from exc
                time.sleep(pause * failures)


def _once(url: str, file: IO[bytes], part: Path, progress: Progress) -> str | None:
    """One request; returns the sha256 that the server names."""
    have = file.seek(0, 2)
    known = _read_marks(part)
    if have and not known:  # without a mark nobody can tell whether it is the same file
        file.truncate(0)
        have = 0
    headers = {"User-Agent": "corpus-cleaning", "Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": known}
    redirects = _Redirects()
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme is checked by who makes the address
    try:
        answer = urllib.request.build_opener(redirects).open(request, timeout=SECONDS)
    except urllib.error.HTTPError as exc:
        exc.close()
        if exc.code == 416 and have:  # more than there is: what lies here is something else, or all of it
            if _total(exc.headers) == have:
                return _digest(redirects.named or exc.headers.get("X-Linked-Etag"))
            _restart(file, part)
            raise OSError("the server has another file than the one that was begun") from exc
        if exc.code < 500 and exc.code not in (408, 429):
            raise _NotThereError(f"{url}: the server says {exc.code} {exc.reason}") from exc
        raise
    with answer:
        if answer.status == 206 and have and _starts_at(answer.headers) == have:
            total = _total(answer.headers)
        else:
            _restart(file, part)
            have, total = 0, _length(answer.headers)
        _write_marks(part, answer.headers)
        _receive(answer, file, have, total, progress)
        return _digest(redirects.named or answer.headers.get("X-Linked-Etag"))


def _receive(answer: Any, file: IO[bytes], have: int, total: int | None, progress: Progress) -> None:
    progress(have, total)
    while block := answer.read(BLOCK):
        file.write(block)
        have += len(block)
        progress(have, total)
    file.flush()
    if total is not None and have != total:
        raise OSError(f"the connection ended after {have:,} of {total:,} bytes")


def forget(target: Path) -> None:
    """Remove what an unfinished or refused download has left."""
    part_of(target).unlink(missing_ok=True)
    _marks(part_of(target)).unlink(missing_ok=True)


def _restart(file: IO[bytes], part: Path) -> None:
    file.truncate(0)
    file.seek(0)
    _marks(part).unlink(missing_ok=True)


def _marks(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_marks(part: Path) -> str:
    try:
        data = json.loads(_marks(part).read_bytes())
    except (OSError, ValueError):
        return ""
    found = data.get("validator") if isinstance(data, dict) else None
    return found if isinstance(found, str) else ""


def _write_marks(part: Path, headers: Any) -> None:
    etag = headers.get("ETag") or ""
    validator = etag if etag.startswith('"') else headers.get("Last-Modified") or ""  # a weak ETag confirms nothing
    if validator:
        _marks(part).write_text(json.dumps({"validator": validator}), encoding="utf-8")


def _length(headers: Any) -> int | None:
    value = headers.get("Content-Length")
    return int(value) if value is not None and value.isdigit() else None


def _total(headers: Any) -> int | None:
    """The size of the whole file, after the stroke of `Content-Range`."""
    match = re.search(r"/(\d+)\s*$", headers.get("Content-Range") or "")
    return int(match[1]) if match else None


def _starts_at(headers: Any) -> int | None:
    match = re.match(r"\s*bytes (\d+)-", headers.get("Content-Range") or "")
    return int(match[1]) if match else None


def _digest(named: str | None) -> str | None:
    value = (named or "").strip('W/"').lower()
    return value if re.fullmatch("[0-9a-f]{64}", value) else None


def _reason(exc: BaseException) -> str:
    if isinstance(exc, urllib.error.HTTPError):
        return f"the server says {exc.code} {exc.reason}"
    if isinstance(exc, urllib.error.URLError):
        return f"no connection: {exc.reason}"
    if isinstance(exc, TimeoutError):
        return f"no answer for {SECONDS} seconds"
    return str(exc) or type(exc).__name__
