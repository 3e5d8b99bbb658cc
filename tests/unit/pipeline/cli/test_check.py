"""`arxiv-tagger check`."""

from __future__ import annotations

import gzip
import os
import threading

import pytest

from tests.support.command_line import flat, invoke, paper_rows
from tests.support.file_server import Answer, FileServer


def test_check_lists_malformed_rows_with_their_lines(papers):
    path = papers(*paper_rows(), "only one field", '"T","A","no [bold] list"')
    done = invoke("check", "--data", path, "--set", "data.max_bad_share=0.5")
    assert done.exit_code == 0, done.output
    assert "line 62: " in done.output
    assert "line 63: " in done.output
    # The words of the file are no markup.
    assert "'no [bold] list'" in done.output
    assert "2 malformed" in flat(done.output)


def test_check_warns_of_lost_rows_and_still_says_that_they_can_be_used(papers):
    rare = [f'"Rare {i}","A","[\'only {i}\']"' for i in range(60)]
    done = invoke("check", "--data", papers(*paper_rows(), *rare))
    assert done.exit_code == 0, done.output
    assert "! 60 of 120 rows (50.0%) are lost." in flat(done.output)
    assert "lower data.min_label_set_count): 60." in flat(done.output)


def test_check_of_a_file_that_a_run_would_stop_at_is_bad_input(papers):
    path = papers(*paper_rows(), *(["only one field"] * 9))
    done = invoke("check", "--data", path)
    assert done.exit_code == 3
    assert done.output.count("line ") >= 9
    assert "data.max_bad_share" in done.output
    assert "can be used" not in done.output


def test_check_reads_by_the_settings(papers):
    rows = [f"Body {i},a;b,test" if i % 2 else f"Body {i},a;b,train" for i in range(20)]
    path = papers(*rows, "Last,a;b,val", header="body,tags,part")
    columns = "data.columns={title: null, text: body, labels: tags, split: part}"
    done = invoke("check", "--data", path, "--set", columns, "--set", "data.label_separator=;")
    assert done.exit_code == 0, done.output
    for line in (
        "21 papers kept",
        "10 for training",
        "1 for validation",
        "10 for test",
        "2 labels",
    ):
        assert line in flat(done.output)


def test_neither_a_path_nor_a_label_is_markup_or_acts_on_the_terminal(tmp_path):
    path = tmp_path / "[/x]" / ":key: \x1b[2J café.csv"
    path.parent.mkdir(parents=True)
    rows = "\n".join([*paper_rows(), '"T","A","\x1b]0;label\x07"'])
    path.write_text(f"titles,summaries,terms\n{rows}\n")
    done = invoke("check", "--data", path, "--set", "data.max_bad_share=0.5")
    assert done.exit_code == 0, done.output
    assert f"{tmp_path}/[/x]/:key: \\x1b[2J café.csv can be used." in done.output
    assert "\x1b" not in done.output


def test_a_pipe_is_read_once_and_named_as_it_was_given(papers, tmp_path):
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    content = papers(*paper_rows()).read_bytes()
    writer = threading.Thread(target=fifo.write_bytes, args=(gzip.compress(content),))
    writer.start()
    done = invoke("check", "--data", fifo)
    writer.join()
    assert done.exit_code == 0, done.output
    assert f"✓ {fifo} can be used." in done.output


def test_a_url_is_checked_and_its_password_not_shown(papers):
    with FileServer() as server:
        server.answers["/a.csv"] = Answer(papers(*paper_rows()).read_bytes())
        done = invoke("check", "--data", server.url("/a.csv").replace("//", "//me:secret@"))
    assert done.exit_code == 0, done.output
    assert f"✓ {server.url('/a.csv')} can be used." in done.output
    assert "secret" not in done.output


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("titles,summaries", "{}, line 1: no column 'terms'"),
        ("summaries,terms", "names in the file (its title may be null)"),
        ("titles,summaries,terms", "The first: {}, line 2: "),
    ],
)
def test_an_error_names_the_url_that_was_given(header, told):
    with FileServer() as server:
        server.answers["/a.csv"] = Answer(f"{header}\na,b\n".encode())
        done = invoke("check", "--data", server.url("/a.csv").replace("//", "//me:secret@"))
    assert done.exit_code == 3
    assert told.format(server.url("/a.csv")) in flat(done.stderr)
    assert flat(done.stderr).count(server.url("/a.csv")) == 1
    assert "secret" not in done.output


def test_a_tilde_after_the_equals_sign_is_the_home(papers, monkeypatch):
    path = papers(*paper_rows())
    monkeypatch.setenv("HOME", str(path.parent))
    assert f"✓ {path} can be used." in invoke("check", f"--data=~/{path.name}").output


@pytest.mark.parametrize(
    ("data", "code", "told"),
    [
        ("caf\udce9.csv", 2, "'caf\\udce9.csv' is not valid UTF-8. Rename the file"),
        ("/dev/null", 3, "/dev/null is not a file"),
        ("http://me:secret@127.0.0.1/{SPAN}.csv", 2, "--data http://127.0.0.1/{SPAN}.csv"),
    ],
)
def test_data_that_cannot_be_read_is_told(data, code, told):
    done = invoke("check", "--data", data)
    assert done.exit_code == code
    assert told in flat(done.output)


def test_check_tells_the_share_of_text_that_the_profile_cant_cut(papers):
    rows = [f'"T {i}","{"日本語" if i % 2 else "abc"} {i}","[\'cs.LG\']"' for i in range(10)]
    told = "30% of the text is in scripts without spaces"
    done = invoke("check", "--data", papers(*rows), "--profile", "keras_example")
    assert told in flat(done.output)
    assert "features.standardize" in done.output
    assert "scripts" not in invoke("check", "--data", papers(*rows)).output
