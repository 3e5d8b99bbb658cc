"""`arxiv-tagger release`."""

from __future__ import annotations

import pytest

from pipeline.cli import release as release_module
from schema.errors import RefusedError
from serving.models_config import config_path_of
from tests.support.command_line import flat, invoke


def test_release_says_what_changed_and_what_serves_it(run_dir):
    config = config_path_of(run_dir / "serving" / "arxiv_tagger")
    first = invoke("release", "--stable", 1700000000, "--serving", run_dir)
    assert "stable none -> 1700000000" in flat(first.output)
    assert f"arxiv-tagger serve --model_config_file={config}" in flat(first.output)
    options = ("--canary", 1700000000, "--serving", run_dir, "--base-path", "/models/m")
    second = invoke("release", "--stable", 1700086400, *options)
    assert "canary none -> 1700000000" in flat(second.output)
    assert "stable 1700000000 -> 1700086400" in flat(second.output)
    assert "1700000000, 1700086400 of /models/m" in flat(second.output)
    third = invoke("release", "--stable", 1700086400, "--serving", run_dir)
    assert "canary 1700000000 -> none" in flat(third.output)
    assert "stable 1700086400 (unchanged)" in flat(third.output)


def test_with_an_address_labels_move_when_the_server_has_the_versions(run_dir, monkeypatch):
    config = config_path_of(run_dir / "serving" / "arxiv_tagger")
    invoke("release", "--stable", 1700000000, "--serving", run_dir)
    seen = []

    def look(*arguments: object) -> None:
        text = config.read_text()
        seen.append((arguments, text.count("1700086400"), text.count("stable")))

    monkeypatch.setattr(release_module, "wait_until_available", look)
    options = ("--serving", run_dir, "--address", "host:1", "--timeout", 7)
    done = invoke("release", "--stable", 1700086400, *options)
    assert done.exit_code == 0, done.output
    # Then it was to be loaded, and had no label yet.
    assert seen == [(("host:1", {1700086400}, 7.0), 1, 1)]
    assert "stable 1700000000 -> 1700086400" in flat(done.output)
    assert config.read_text().count("1700086400") == 2


def test_a_server_that_does_not_load_a_version_gets_no_label_for_it(run_dir, monkeypatch):
    config = config_path_of(run_dir / "serving" / "arxiv_tagger")
    invoke("release", "--stable", 1700000000, "--serving", run_dir)

    def refuse(*_: object) -> None:
        raise RefusedError("can't load")

    monkeypatch.setattr(release_module, "wait_until_available", refuse)
    done = invoke("release", "--stable", 1700086400, "--serving", run_dir, "--address", "host:1")
    assert done.exit_code == 5
    assert "can't load" in done.output
    assert config.read_text().count("1700086400") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["models", "--serving", "{run}/none"],
        ["release", "--stable", "5", "--serving", "{run}"],
        ["release", "--stable", "1700000000", "--canary", "5", "--serving", "{run}"],
        ["release", "--stable", "1700000000", "--base-path", "here", "--serving", "{run}"],
        ["release", "--serving", "{run}"],
        ["release", "--stable", "latest", "--serving", "{run}"],
    ],
    ids=lambda value: " ".join(value),
)
def test_what_cannot_be_listed_or_released_is_a_usage_error(run_dir, arguments):
    done = invoke(*(each.format(run=run_dir) for each in arguments))
    assert done.exit_code == 2, done.output
    assert "Error: " in done.output
    assert not config_path_of(run_dir / "serving" / "arxiv_tagger").exists()
