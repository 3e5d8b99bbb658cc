"""Version folders: which names count, and where a given path holds them."""

from __future__ import annotations

import pytest

from schema.errors import UsageError
from serving.versions import find_base, find_versions, version_folders


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
    return folder


def test_versions_are_numbered_folders_that_hold_a_model(base):
    assert version_folders(base) == {1: base / "1", 3: base / "3", 10: base / "00000010"}
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
