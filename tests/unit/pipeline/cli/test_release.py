"""`arxiv-tagger release` without a server; with one: tests/unit/serving/test_rollout.py."""

from __future__ import annotations

import pytest

from serving.models_config import config_path_of
from tests.support.command_line import flat, invoke


def test_release_says_what_changed_and_what_serves_it(run_dir):
    config = config_path_of(run_dir / "serving" / "arxiv_tagger")
    first = invoke("release", "--stable", 1700000000, "--serving", run_dir)
    assert "stable none -> 1700000000" in flat(first.output)
    assert f"arxiv-tagger serve --model_config_file={config}" in flat(first.output)
    assert "polls no configuration can't notice" in flat(first.output)
    options = ("--canary", 1700000000, "--serving", run_dir, "--base-path", "/models/m")
    second = invoke("release", "--stable", 1700086400, *options)
    assert "canary none -> 1700000000" in flat(second.output)
    assert "stable 1700000000 -> 1700086400" in flat(second.output)
    assert "1700000000, 1700086400 of /models/m" in flat(second.output)
    third = invoke("release", "--stable", 1700086400, "--serving", run_dir)
    assert "canary 1700000000 -> none" in flat(third.output)
    assert "stable 1700086400 (unchanged)" in flat(third.output)


@pytest.mark.parametrize(
    "arguments",
    [
        ["models", "--serving", "{run}/none"],
        ["release", "--stable", "5", "--serving", "{run}"],
        ["release", "--stable", "1700000000", "--canary", "5", "--serving", "{run}"],
        ["release", "--stable", "1700000000", "--base-path", "here", "--serving", "{run}"],
        ["release", "--serving", "{run}"],
        ["release", "--stable", "latest", "--serving", "{run}"],
        ["release", "--stable", "1700000000", "--tls-ca", "public", "--serving", "{run}"],
        ["release", "--stable", "1700000000", "--address", "here", "--serving", "{run}"],
    ],
    ids=lambda value: " ".join(value),
)
def test_what_cannot_be_listed_or_released_is_a_usage_error(run_dir, arguments):
    done = invoke(*(each.format(run=run_dir) for each in arguments))
    assert done.exit_code == 2, done.output
    assert "Error: " in done.output
    assert not config_path_of(run_dir / "serving" / "arxiv_tagger").exists()
