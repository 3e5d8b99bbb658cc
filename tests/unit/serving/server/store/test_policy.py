import itertools

import pytest

from serving.server.store.model_versions import VersionPolicy, choose_versions, next_action


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, {30}),
        ({"latest": {}}, {30}),
        ({"latest": {"num_versions": 2}}, {9, 30}),  # by number, not by text
        ({"latest": {"num_versions": 10}}, {1, 9, 30}),
        ({"all": {}}, {1, 9, 30}),
        ({"specific": {"versions": [9, 1, 77]}}, {1, 9}),
        ({"specific": {}}, set()),
    ],
)
def test_policy_chooses(policy, expected):
    assert choose_versions(VersionPolicy(**policy), [9, 30, 1]) == expected
    assert choose_versions(VersionPolicy(**policy), []) == set()


# The cases of TF Serving's core/availability_preserving_policy_test.cc.
@pytest.mark.parametrize(
    ("wanted", "loadable", "serving", "expected"),
    [
        ({1}, {1}, set(), ("load", 1)),
        ({2}, {2}, {1}, ("load", 2)),  # the new one first, for there is no other
        ({2}, set(), {1, 2}, ("unload", 1)),
        ({2}, set(), {1}, None),  # the new one was refused: the old one stays
        ({3}, {3}, {1, 2}, ("unload", 1)),  # one old one is enough
        (set(), set(), {1, 2}, ("unload", 1)),
        (set(), set(), {2}, ("unload", 2)),
        (set(), set(), set(), None),
        ({4, 5}, {4, 5}, {3}, ("load", 5)),  # the highest first
        ({4, 5}, {4}, {3, 5}, ("unload", 3)),
        ({4, 5}, {4}, {5}, ("load", 4)),
        ({4, 5}, {4}, {3}, ("load", 4)),
        ({1}, {1}, {2}, ("load", 1)),  # back to an older one
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
            step, version = action
            if step == "unload":
                assert version in serving - wanted
                serving.remove(version)
            else:
                loadable.remove(version)
                serving |= {version} - broken
            assert serving or not start or not wanted
        else:
            pytest.fail("no end")
        loaded = wanted - broken
        if loaded or not wanted:
            assert serving == loaded
        else:
            assert serving == ({max(start)} if start else set())
