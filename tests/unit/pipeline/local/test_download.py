"""Downloads from a real server on this machine: once, whole, and with errors in plain words."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.local.download import INDEX_FILE, fetch
from schema.errors import BadInputError

CSV = (
    b"titles,summaries,terms\n"
    + "\n".join(
        f'Title {n},"Erdős\nand {n * 7919 % 1009}","[\'cs.LG\']"' for n in range(40_000)
    ).encode()
)
PACKED = gzip.compress(CSV, mtime=0)


@dataclass
class Answer:
    """What the server says to a path; `sent` cuts the body off after so many bytes."""

    body: bytes = CSV
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None


class Server:
    """A server whose answers a test sets, and which remembers the requests."""

    def __init__(self):
        self.answers: dict[str, Answer] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append((self.path, dict(self.headers)))
                answer = outer.answers.get(self.path, Answer(b"no", 404))
                etag = answer.headers.get("ETag")
                since = answer.headers.get("Last-Modified")
                if (etag and self.headers.get("If-None-Match") == etag) or (
                    since and self.headers.get("If-Modified-Since") == since
                ):
                    self.send_response(304)
                    self.end_headers()
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if "Transfer-Encoding" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                # A client that knows enough hangs up.
                with suppress(ConnectionError):
                    self.wfile.write(answer.body[: answer.sent])

            def log_message(self, format, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}{path}"


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def _files(directory):
    return sorted(
        str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()
    )


def _stamp(path):
    os.utime(path, ns=(5_000, 5_000))
    return path.stat().st_ino


def _is_untouched(path, inode):
    return (path.stat().st_mtime_ns, path.stat().st_ino) == (5_000, inode)


# What arrives


@pytest.mark.parametrize(
    ("path", "body", "headers", "name", "kept"),
    [
        ("/d/papers.csv", CSV, {}, "papers.csv", CSV),
        ("/d/papers.csv.gz", PACKED, {}, "papers.csv.gz", PACKED),
        # Apache labels a .gz file so; it is kept as it is, and the contents decide on the suffix.
        ("/d/papers.csv.gz", PACKED, {"Content-Encoding": "gzip"}, "papers.csv.gz", PACKED),
        ("/d/papers.csv", PACKED, {"Content-Encoding": "gzip"}, "papers.csv.gz", PACKED),
        ("/d/papers.csv", CSV, {"Content-Encoding": "gzip"}, "papers.csv", CSV),
        ("/download?id=3", CSV, {}, "download.csv", CSV),
        ("/download?id=3", PACKED, {}, "download.csv.gz", PACKED),
        ("/d/papers.csv", PACKED, {}, "papers.csv.gz", PACKED),
        ("/d/papers.csv.gz", CSV, {}, "papers.csv", CSV),
        ("/", PACKED, {}, "data.csv.gz", PACKED),
        ("/d/..%2F..%2Fetc%20%C3%A9.CSV", CSV, {}, "etc.csv", CSV),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_file_lies_under_its_hash_as_it_is(server, tmp_path, path, body, headers, name, kept):
    server.answers[path] = Answer(body, headers=headers)
    got = fetch(server.url(path), tmp_path / "data")
    assert got == tmp_path / "data" / hashlib.sha256(kept).hexdigest() / name
    assert got.read_bytes() == kept
    assert _files(tmp_path / "data") == sorted(
        [INDEX_FILE, str(got.relative_to(tmp_path / "data"))]
    )
    assert server.requests[0][1]["Accept-Encoding"] == "identity"


def test_progress_counts_the_bytes_and_knows_the_total(server, tmp_path):
    server.answers["/a.csv"] = Answer()
    seen = []
    fetch(server.url("/a.csv"), tmp_path, lambda received, total: seen.append((received, total)))
    assert seen[-1] == (len(CSV), len(CSV))
    assert [received for received, _ in seen] == sorted({received for received, _ in seen})
    assert len(seen) > 1


def test_progress_without_a_total(server, tmp_path):
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(CSV), CSV)
    server.answers["/a.csv"] = Answer(chunked, headers={"Transfer-Encoding": "chunked"})
    server.http.RequestHandlerClass.protocol_version = "HTTP/1.1"
    seen = []
    got = fetch(
        server.url("/a.csv"), tmp_path, lambda received, total: seen.append((received, total))
    )
    assert got.read_bytes() == CSV
    assert seen[-1] == (len(CSV), None)


def test_a_redirect_is_followed_to_the_name_of_the_file(server, tmp_path):
    server.answers["/latest"] = Answer(b"", 302, {"Location": "/files/papers.csv"})
    server.answers["/files/papers.csv"] = Answer()
    assert fetch(server.url("/latest"), tmp_path).name == "papers.csv"


# The second time


@pytest.mark.parametrize(
    "headers",
    [{"ETag": '"v1"'}, {"ETag": 'W/"v1"'}, {"Last-Modified": "Sun, 01 Nov 2026 10:00:00 GMT"}],
)
def test_an_unchanged_file_is_not_downloaded_again(server, tmp_path, headers):
    server.answers["/a.csv"] = Answer(headers=headers)
    path = fetch(server.url("/a.csv"), tmp_path)
    inode = _stamp(path)
    seen = []
    assert fetch(server.url("/a.csv"), tmp_path, lambda *call: seen.append(call)) == path
    assert seen == []
    assert _is_untouched(path, inode)
    asked = server.requests[1][1]
    assert (asked.get("If-None-Match") or asked.get("If-Modified-Since")) in headers.values()


def test_without_etag_and_date_the_same_contents_stay_where_they_are(server, tmp_path):
    server.answers["/a.csv"] = Answer()
    path = fetch(server.url("/a.csv"), tmp_path)
    inode = _stamp(path)
    assert fetch(server.url("/a.csv"), tmp_path) == path
    assert _is_untouched(path, inode)
    assert _files(tmp_path) == sorted([INDEX_FILE, str(path.relative_to(tmp_path))])


def test_a_changed_file_comes_beside_the_old_one(server, tmp_path):
    server.answers["/a.csv"] = Answer(headers={"ETag": '"v1"'})
    old = fetch(server.url("/a.csv"), tmp_path)
    server.answers["/a.csv"] = Answer(CSV + b"more", headers={"ETag": '"v2"'})
    new = fetch(server.url("/a.csv"), tmp_path)
    assert old.read_bytes() == CSV
    assert new.read_bytes() == CSV + b"more"
    assert fetch(server.url("/a.csv"), tmp_path) == new


@pytest.mark.parametrize("damage", [lambda p: p.unlink(), lambda p: p.write_bytes(CSV[:-1])])
def test_a_lost_or_damaged_copy_is_downloaded_again(server, tmp_path, damage):
    server.answers["/a.csv"] = Answer(headers={"ETag": '"v1"'})
    path = fetch(server.url("/a.csv"), tmp_path)
    damage(path)
    assert fetch(server.url("/a.csv"), tmp_path) == path
    assert path.read_bytes() == CSV


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"x": 3}', '{"x": {"y": 1}}', "\udcff"])
def test_a_broken_index_costs_a_download_and_no_more(server, tmp_path, text):
    server.answers["/a.csv"] = Answer(headers={"ETag": '"v1"'})
    path = fetch(server.url("/a.csv"), tmp_path)
    (tmp_path / INDEX_FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert fetch(server.url("/a.csv"), tmp_path) == path
    assert list(json.loads((tmp_path / INDEX_FILE).read_text())) == [server.url("/a.csv")]


def test_two_addresses_are_kept_apart_and_a_password_is_not_kept(server, tmp_path):
    server.answers["/a.csv"] = Answer(headers={"ETag": '"same"'})
    server.answers["/b.csv"] = Answer(CSV + b"b", headers={"ETag": '"same"'})
    a, b = (fetch(server.url(path), tmp_path) for path in ("/a.csv", "/b.csv"))
    assert (a.read_bytes(), b.read_bytes()) == (CSV, CSV + b"b")
    fetch(server.url("/a.csv").replace("//", "//me:secret@"), tmp_path)
    assert "secret" not in (tmp_path / INDEX_FILE).read_text()


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
        (Answer(b"PK\3\4\0\0"), "neither a CSV file nor a gzip"),
        (Answer(PACKED[:-100]), "compressed file is damaged or cut short"),
        (Answer(PACKED[:500] + b"x" * 100 + PACKED[600:]), "compressed file is damaged"),
        (Answer(sent=1000), "download failed: peer closed connection"),
        (Answer(sent=300_000), "download failed: peer closed connection"),
    ],
)
def test_a_bad_answer_is_a_clear_error_and_leaves_nothing(server, tmp_path, answer, message):
    server.answers["/a.csv"] = answer
    with pytest.raises(BadInputError, match=message):
        fetch(server.url("/a.csv"), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.org/a.csv", "only http:// and https://"),
        ("file:///etc/passwd", "only http:// and https://"),
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


@pytest.mark.parametrize("host", ["nowhere.example", "exa mple.org"])
def test_an_unknown_host(tmp_path, monkeypatch, host):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(BadInputError, match=r"a\.csv: the download failed: .*Name or service"):
        fetch(f"http://{host}/a.csv", tmp_path)


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


def test_a_server_without_a_valid_certificate(server, tmp_path):
    with pytest.raises(BadInputError, match=r"download failed: .*SSL"):
        fetch(server.url("/a.csv").replace("http:", "https:"), tmp_path)


def test_ctrl_c_leaves_nothing(server, tmp_path):
    server.answers["/a.csv"] = Answer()
    # What a killed process leaves.
    (tmp_path / "download-1.part").write_bytes(CSV[:100])

    def interrupt(*_):
        assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.url("/a.csv"), tmp_path, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_update_keeps_the_old_copy(server, tmp_path):
    server.answers["/a.csv"] = Answer(headers={"ETag": '"v1"'})
    path = fetch(server.url("/a.csv"), tmp_path)
    before = _files(tmp_path)
    server.answers["/a.csv"] = Answer(CSV * 2, headers={"ETag": '"v2"'}, sent=len(CSV))
    with pytest.raises(BadInputError):
        fetch(server.url("/a.csv"), tmp_path)
    assert _files(tmp_path) == before
    assert path.read_bytes() == CSV


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(server, tmp_path):
    server.answers["/a.csv"] = Answer()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(BadInputError, match=r"Can't keep the download in .*File too large"):
            fetch(server.url("/a.csv"), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match=r"Can't keep the download in .*file/data"):
        fetch(server.url("/a.csv"), tmp_path / "file" / "data")
    assert server.requests == []
