"""Says what the suite runs on: where a target is missing, the reason is that of a skipped test."""

from __future__ import annotations

import pytest

from tests.support.contract import targets


@pytest.mark.parametrize("name", targets.NAMES)
def test_a_target_is_present_or_the_reason_is_given(name, request):
    addresses = [
        request.config.getoption(option, default=None)
        for option in ("serving_grpc", "serving_rest")
    ]
    (found,) = (each for each in targets.find_targets(*addresses) if each.name == name)
    if found.missing:
        pytest.skip(f"not tested on {name}: {found.missing}")


def test_the_local_server_is_always_there_unless_an_address_is_given():
    assert not targets.find_targets(None, None)[0].missing
    given = targets.find_targets("host:1", "host:2")
    assert [target.name for target in given if not target.missing] == ["address"]
