"""The output folder, before a run writes to it."""

from __future__ import annotations

import glob
from pathlib import Path

import pytest

from pipeline.local.output_folder import OutputFolder, full_path, plain_path
from schema.errors import UsageError


def test_a_folder_in_one_whose_name_is_not_utf_8_is_refused(tmp_path):
    folder = OutputFolder(tmp_path / "caf\udce9" / "out")
    with pytest.raises(UsageError, match="not valid UTF-8"), folder.locked():
        pass
    assert not folder.root.exists()


def test_a_path_that_reads_like_a_pattern_gets_another_that_stays(tmp_path):
    folder = tmp_path / "out [1]*?"
    plain = plain_path(folder)
    assert glob.escape(str(plain)) == str(plain)
    with OutputFolder(plain).locked():
        (plain / "file").write_text("here")
    assert (folder / "file").read_text() == "here"
    assert plain_path(folder) == plain
    assert plain_path(tmp_path / "out [2]") != plain
    plain.unlink()
    plain.symlink_to(tmp_path)
    with pytest.raises(UsageError, match="is something else"):
        plain_path(folder)
    plain.unlink()


def test_any_other_path_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert plain_path(tmp_path / "out") == tmp_path / "out"
    assert plain_path(Path("out")) == Path("out")
    assert full_path(Path("out")) == full_path(Path("in/../out")) == tmp_path / "out"
