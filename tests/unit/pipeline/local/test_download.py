"""Downloads from a real server on this machine: once, whole, and with errors in plain words."""

from __future__ import annotations

import gzip
import hashlib
import json
import resource
import socket

import pytest

from pipeline.local.download import INDEX_FILE, fetch, without_password
from schema.errors import BadInputError
from tests.support.file_server import Answer, FileServer

CSV = (
    b"titles,summaries,terms\n"
    + "\n".join(
        f'Title {n},"Erdős\nand {n * 7919 % 1009}","[\'cs.LG\']"' for n in range(40_000)
    ).encode()
)
PACKED = gzip.compress(CSV, mtime=0)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with FileServer() as server:
        yield server


@pytest.fixture
def download(server, tmp_path):
    """Downloads `/a.csv` after the server was told what to answer."""

    def call(answer: Answer | None = None, progress=None):
        if answer is not None:
            server.answers["/a.csv"] = answer
        return fetch(server.url("/a.csv"), tmp_path, progress)

    return call


def files(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def stamp(path) -> tuple[int, int]:
    """What tells whether a file was written again."""
    return path.stat().st_mtime_ns, path.stat().st_ino


# What arrives


@pytest.mark.parametrize(
    ("path", "body", "headers", "name"),
    [
        ("/d/papers.csv", CSV, {}, "papers.csv"),
        ("/d/papers.csv.gz", PACKED, {}, "papers.csv.gz"),
        # Apache labels a .gz file so; it is kept as it is, and the contents decide on the suffix.
        ("/d/papers.csv.gz", PACKED, {"Content-Encoding": "gzip"}, "papers.csv.gz"),
        ("/d/papers.csv", PACKED, {"Content-Encoding": "gzip"}, "papers.csv.gz"),
        ("/d/papers.csv", CSV, {"Content-Encoding": "gzip"}, "papers.csv"),
        ("/download?id=3", CSV, {}, "download.csv"),
        ("/download?id=3", PACKED, {}, "download.csv.gz"),
        ("/d/papers.csv.gz", CSV, {}, "papers.csv"),
        ("/", PACKED, {}, "data.csv.gz"),
        ("/d/papers.jsonl", b'{"text": "A"}', {}, "papers.jsonl"),
        ("/d/papers.parquet", PACKED, {}, "papers.parquet.gz"),
        ("/d/..%2F..%2Fetc%20%C3%A9.CSV", CSV, {}, "etc.csv"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_file_is_kept_under_its_hash_as_it_is(server, tmp_path, path, body, headers, name):
    server.answers[path] = Answer(body, headers=headers)
    got = fetch(server.url(path), tmp_path / "data")
    assert got == tmp_path / "data" / hashlib.sha256(body).hexdigest() / name
    assert got.read_bytes() == body
    assert files(tmp_path / "data") == {INDEX_FILE, f"{got.parent.name}/{name}"}
    assert server.requests[0]["Accept-Encoding"] == "identity"


def test_progress_counts_the_bytes_and_knows_the_total(download):
    seen = []
    download(Answer(CSV), lambda received, total: seen.append((received, total)))
    assert seen[-1] == (len(CSV), len(CSV))
    assert [received for received, _ in seen] == sorted({received for received, _ in seen})
    assert len(seen) > 1


def test_progress_without_a_total(server, download):
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(CSV), CSV)
    server.handler.protocol_version = "HTTP/1.1"
    seen = []
    answer = Answer(chunked, headers={"Transfer-Encoding": "chunked"})
    got = download(answer, lambda received, total: seen.append((received, total)))
    assert got.read_bytes() == CSV
    assert seen[-1] == (len(CSV), None)


def test_a_redirect_is_followed_to_the_name_of_the_file(server, tmp_path):
    server.answers["/files/papers.csv"] = Answer(CSV)
    server.answers["/latest"] = Answer(b"", 302, {"Location": "/files/papers.csv"})
    assert fetch(server.url("/latest"), tmp_path).name == "papers.csv"


# The second time


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"v1"'},
        {"ETag": 'W/"v1"'},
        {"Last-Modified": "Sun, 01 Nov 2026 10:00:00 GMT"},
        {},
    ],
)
def test_an_unchanged_file_stays_as_it_is(server, download, tmp_path, headers):
    path = download(Answer(CSV, headers=headers))
    before = stamp(path)
    seen = []
    assert download(progress=lambda *call: seen.append(call)) == path
    assert stamp(path) == before
    assert files(tmp_path) == {INDEX_FILE, f"{path.parent.name}/a.csv"}
    # Without one of the headers the file comes again, and turns out to be the same.
    assert bool(seen) is not bool(headers)
    asked = server.requests[1]
    for value in headers.values():
        assert value in (asked.get("If-None-Match"), asked.get("If-Modified-Since"))


def test_a_changed_file_comes_beside_the_old_one(download):
    old = download(Answer(CSV, headers={"ETag": '"v1"'}))
    new = download(Answer(CSV + b"more", headers={"ETag": '"v2"'}))
    assert (old.read_bytes(), new.read_bytes()) == (CSV, CSV + b"more")
    assert download() == new


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_bytes(CSV[:-1])])
def test_a_lost_or_damaged_copy_is_downloaded_again(download, damage):
    path = download(Answer(CSV, headers={"ETag": '"v1"'}))
    damage(path)
    assert download() == path
    assert path.read_bytes() == CSV


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"x": 3}', b'{"x": {"y": 1}}', b"\xff"])
def test_a_broken_index_costs_a_download_and_no_more(server, download, tmp_path, content):
    path = download(Answer(CSV, headers={"ETag": '"v1"'}))
    (tmp_path / INDEX_FILE).write_bytes(content)
    assert download() == path
    assert list(json.loads((tmp_path / INDEX_FILE).read_text())) == [server.url("/a.csv")]


def test_two_addresses_are_kept_apart_and_a_password_is_not_kept(server, download, tmp_path):
    a = download(Answer(CSV, headers={"ETag": '"same"'}))
    server.answers["/b.csv"] = Answer(CSV + b"b", headers={"ETag": '"same"'})
    b = fetch(server.url("/b.csv").replace("//", "//me:secret@"), tmp_path)
    assert (a.read_bytes(), b.read_bytes()) == (CSV, CSV + b"b")
    assert "secret" not in (tmp_path / INDEX_FILE).read_text()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:secret@host:80/a@b.csv", "http://host:80/a@b.csv"),
        ("https://me:s3/cr@t@host/a.csv", "https://host/a.csv"),
        ("http://me:p#w@host/a.csv", "http://host/a.csv"),
        ("http://host:8080/a@b.csv", "http://host:8080/a@b.csv"),
        ("data/me:secret@host", "data/me:secret@host"),
    ],
)
def test_a_password_is_not_shown(url, shown):
    assert without_password(url) == shown


# What goes wrong


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(b"no", 404), r"a\.csv: the server answered 404 Not Found instead of the file"),
        (Answer(b"no", 403), "answered 403 Forbidden"),
        (Answer(b"no", 206), "answered 206"),
        (Answer(b"", 302, {"Location": "/a.csv"}), "Exceeded maximum allowed redirects"),
        (Answer(b"", 302, {"Location": "ftp://host/a.csv"}), "unsupported protocol 'ftp://'"),
        (Answer(b"<html>", headers={"Content-Type": "text/html; charset=x"}), "is a web page"),
        (Answer(b""), "an empty file"),
        (Answer(b"PK\3\4\0\0"), "the zip file is damaged"),
        (Answer(PACKED[:-100]), "the gzip file is cut short"),
        (Answer(PACKED[:500] + b"x" * 100 + PACKED[600:]), "the gzip file is damaged"),
        (Answer(b"", 302, {"Location": "http://a..b/a.csv"}), "not a valid address"),
        (Answer(b"", 302, {"Location": f"http://{'x' * 70}.org/"}), "not a valid address"),
        (Answer(b"", 302, {"Location": "http://[::zz]/a.csv"}), "download failed|not a valid"),
        (Answer(CSV, sent=300_000), "download failed: peer closed connection"),
    ],
)
def test_a_bad_answer_is_a_clear_error_and_leaves_nothing(download, tmp_path, answer, message):
    with pytest.raises(BadInputError, match=message):
        download(answer)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.org/a.csv", "only http:// and https://"),
        ("papers.csv", "only http:// and https://"),
        ("http:///a.csv", "only http:// and https://"),
        ("http://[::zz]/a.csv", "not a valid address"),
        ("http://a..b/a.csv", "not a valid address"),
        (f"http://{'x' * 70}.org/a.csv", "not a valid address"),
    ],
)
def test_a_bad_address_is_a_clear_error(tmp_path, url, message):
    with pytest.raises(BadInputError, match=message):
        fetch(url, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_connection(server, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(BadInputError, match="Connection refused"):
        fetch(f"http://127.0.0.1:{port}/a.csv", tmp_path)


def test_a_silent_server(server, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.csv"
        with pytest.raises(BadInputError, match=r"silent for 0\.2 seconds"):
            fetch(url, tmp_path, timeout_s=0.2)


def test_ctrl_c_leaves_nothing(download, tmp_path):
    # What a killed process leaves.
    (tmp_path / "download-1.part").write_bytes(CSV[:100])

    def interrupt(*_):
        assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(Answer(CSV), interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_update_keeps_the_old_copy(download, tmp_path):
    path = download(Answer(CSV, headers={"ETag": '"v1"'}))
    before = files(tmp_path)
    with pytest.raises(BadInputError):
        download(Answer(CSV * 2, headers={"ETag": '"v2"'}, sent=len(CSV)))
    assert files(tmp_path) == before
    assert path.read_bytes() == CSV


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(download, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(BadInputError, match=r"Can't keep the download in .*File too large"):
            download(Answer(CSV))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match=r"Can't keep the download in .*file/data"):
        fetch(server.url("/a.csv"), tmp_path / "file" / "data")
    assert server.requests == []
