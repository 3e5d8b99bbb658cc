import itertools
import logging
from pathlib import Path

import pytest

from serving.server.errors import ServingError
from serving.server.store.policy import (
    Action,
    All,
    Latest,
    Specific,
    choose_versions,
    next_action,
)
from serving.server.store.storage import find_versions, fingerprint
from serving.versions import index_versions


def test_only_numbers_are_versions():
    names = [
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
        1: "1",
        123: "00000123",
        2**63 - 1: "9223372036854775807",
    }


def test_zero_is_a_version():
    assert index_versions(["0"]) == {0: "0"}


def test_of_two_names_of_a_version_the_last_is_taken(caplog):
    assert index_versions(["3", "003", "03"]) == {3: "3"}
    assert [record.getMessage() for record in caplog.records] == [
        "Duplicate version directories detected. Version 3 will be loaded from 03, "
        "003 will be ignored.",
        "Duplicate version directories detected. Version 3 will be loaded from 3, "
        "03 will be ignored.",
    ]
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Latest(), {30}),
        (Latest(0), {30}),
        (Latest(2), {9, 30}),  # by number, not by text
        (Latest(10), {1, 9, 30}),
        (All(), {1, 9, 30}),
        (Specific(frozenset({9, 1, 77})), {1, 9}),
        (Specific(frozenset()), set()),
    ],
)
def test_policy_chooses(policy, expected):
    assert choose_versions(policy, [9, 30, 1]) == expected
    assert choose_versions(policy, []) == set()


# The cases of TF Serving's core/availability_preserving_policy_test.cc.
@pytest.mark.parametrize(
    ("wanted", "loadable", "serving", "expected"),
    [
        ({1}, {1}, set(), Action("load", 1)),
        ({2}, {2}, {1}, Action("load", 2)),  # the new one first, for there is no other
        ({2}, set(), {1, 2}, Action("unload", 1)),
        ({2}, set(), {1}, None),  # the new one was refused: the old one stays
        ({3}, {3}, {1, 2}, Action("unload", 1)),  # one old one is enough
        (set(), set(), {1, 2}, Action("unload", 1)),
        (set(), set(), {2}, Action("unload", 2)),
        (set(), set(), set(), None),
        ({4, 5}, {4, 5}, {3}, Action("load", 5)),  # the highest first
        ({4, 5}, {4}, {3, 5}, Action("unload", 3)),
        ({4, 5}, {4}, {5}, Action("load", 4)),
        ({4, 5}, {4}, {3}, Action("load", 4)),
        ({1}, {1}, {2}, Action("load", 1)),  # back to an older one
    ],
)
def test_next_action(wanted, loadable, serving, expected):
    assert next_action(wanted, loadable, serving) == expected


def test_availability_is_preserved_on_every_way():
    """From each set of versions to each other one, whatever can't be loaded."""
    numbers = range(1, 5)
    subsets = [set(s) for n in range(5) for s in itertools.combinations(numbers, n)]
    for start, wanted, broken in itertools.product(subsets, repeat=3):
        if start & broken:
            continue
        serving, loadable = set(start), wanted - start
        for _ in range(20):
            action = next_action(wanted, loadable, serving)
            if action is None:
                break
            if action.kind == "unload":
                assert action.version in serving - wanted
                serving.remove(action.version)
            else:
                loadable.remove(action.version)
                serving |= {action.version} - broken
            assert serving or not start or not wanted
        else:
            pytest.fail("no end")
        loaded = wanted - broken
        if loaded or not wanted:
            assert serving == loaded
        else:
            assert serving == ({max(start)} if start else set())


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


def test_a_link_to_itself_is_no_version_and_harms_no_other(tmp_path):
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
