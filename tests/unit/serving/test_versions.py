"""Version folders: which names count, and where a given path holds them."""

from __future__ import annotations

import logging

import pytest

from schema.errors import UsageError
from serving.versions import find_base, find_versions, index_versions, version_folders


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "out" / "serving" / "arxiv_tagger"
    for name in ("1", "00000010", "٣", ".pushing-4-ab"):
        (folder / name).mkdir(parents=True)
        (folder / name / "saved_model.pb").touch()
    (folder / "3").mkdir()
    (folder / "models").mkdir()
    (folder / "5").touch()
    (folder / "6").symlink_to("6")
    (folder / "7").symlink_to("3")
    (folder / "8").symlink_to("nowhere")
    return folder


def test_versions_are_numbered_folders_that_hold_a_model(base):
    folders = {1: base / "1", 3: base / "3", 7: base / "7", 10: base / "00000010"}
    assert version_folders(base) == folders
    assert find_versions(base) == {1: base / "1", 10: base / "00000010"}


def test_missing_directory_has_no_versions(base):
    assert find_versions(base / "none") == {}
    with pytest.raises(FileNotFoundError):
        version_folders(base / "none")


def test_serving_directory_is_found_in_a_runs_output(base, tmp_path):
    assert find_base(base) == base
    assert find_base(tmp_path / "out") == base
    for wrong in (tmp_path, base / "1", tmp_path / "none"):
        with pytest.raises(UsageError, match="no pushed version"):
            find_base(wrong)


def test_only_numbers_are_versions():
    names = [
        "0",
        "1",
        "00000123",
        "9223372036854775807",
        "9223372036854775808",  # does not fit into TF Serving's int64
        "",
        "-5",
        "+6",
        " 7",
        "8 ",
        "1.0",
        "1e3",
        "v1",
        "1.foo",
        "٣",
        "²",
        "0x10",
        "1_000",
        ".pushing-42-0a1b2c3d",
        ".pushing.lock",
        "lost+found",
    ]
    assert index_versions(names) == {
        0: "0",
        1: "1",
        123: "00000123",
        2**63 - 1: "9223372036854775807",
    }


def test_of_two_names_of_a_version_the_last_is_taken(caplog):
    assert index_versions(["3", "003", "03"]) == {3: "3"}
    assert [record.getMessage() for record in caplog.records] == [
        "Duplicate version directories detected. Version 3 will be loaded from 03, "
        "003 will be ignored.",
        "Duplicate version directories detected. Version 3 will be loaded from 3, "
        "03 will be ignored.",
    ]
    assert caplog.records[0].levelno == logging.WARNING
