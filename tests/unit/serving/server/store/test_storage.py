from pathlib import Path

import pytest

from serving.server.errors import ServingError
from serving.server.store.storage import find_versions, fingerprint


def test_find_versions_looks_at_folders_only(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "2").write_text("a file")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "3").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "4").symlink_to(tmp_path / "nowhere")
    assert find_versions("m", tmp_path) == {1: tmp_path / "1", 3: tmp_path / "3"}


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_find_versions_says_what_base_path_is_wrong(tmp_path, kind):
    base = tmp_path / "base"
    if kind == "file":
        base.write_text("")
    with pytest.raises(ServingError) as error:
        find_versions("m", base)
    assert error.value.code.name == "INVALID_ARGUMENT"
    assert error.value.message.startswith(f"Could not find base path {base} for servable m with")


def test_a_link_to_itself_is_not_a_version(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "2").symlink_to("2")
    (tmp_path / "1" / "loop").symlink_to("loop")
    (tmp_path / "1" / "file").write_text("x")
    assert find_versions("m", tmp_path) == {1: tmp_path / "1"}
    assert {Path(path).name for path, _, _ in fingerprint(tmp_path / "1")} == {"file"}


def test_fingerprint_sees_each_change(tmp_path):
    (tmp_path / "variables").mkdir()
    data = tmp_path / "variables" / "data"
    seen = [fingerprint(tmp_path)]
    for content in (b"1", b"12"):
        data.write_bytes(content)
        seen.append(fingerprint(tmp_path))
    data.rename(data.with_name("index"))
    seen.append(fingerprint(tmp_path))
    assert len(set(seen)) == 4
    assert fingerprint(tmp_path) == seen[-1]
