"""The suite always has a server to run on; the report's header names those that were not tested."""

from __future__ import annotations

from tests.support.contract import targets


def test_the_local_server_is_always_there_unless_an_address_is_given():
    assert not targets.find_targets(None, None)[0].missing
    given = targets.find_targets("host:1", "host:2")
    assert [target.name for target in given if not target.missing] == ["address"]
