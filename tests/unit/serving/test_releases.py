"""Pushed versions, and the file that says which of them are served, as TF Serving reads it."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from schema.errors import BadInputError, UsageError
from serving import releases
from serving.releases import config_path_of, list_versions, write_release

TWO_MODELS = """
# Another team's model, and ours as someone set it up by hand.
model_config_list {
  config {
    name: "half_plus_two" base_path: "/models/half" model_platform: "tensorflow"
    model_version_policy { all {} }
    version_labels { key: "stable" value: 7 }
  }
  config {
    name: "arxiv_tagger" base_path: "/models/arxiv_tagger" model_platform: "tensorflow"
    logging_config { sampling_config { sampling_rate: 0.5 } }
    version_labels { key: "beta" value: 10 }
    version_labels { key: "lost" value: 77 }
  }
}
"""


def push(base: Path, name: str, validation=None, test=None) -> Path:
    version = base / name
    (version / "variables").mkdir(parents=True)
    (version / "assets.extra").mkdir()
    (version / "saved_model.pb").write_bytes(b"x" * 100)
    (version / "variables" / "data").write_bytes(b"x" * 1000)
    if validation is not None:
        info = {"epochs": 3, "validation": validation}
        (version / "assets.extra" / "model_info.json").write_text(json.dumps(info))
    if test is not None:
        (version / "assets.extra" / "evaluation.json").write_text(json.dumps(test))
    return version


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "out" / "serving" / "arxiv_tagger"
    for name in ("1", "2", "00000010"):
        push(folder, name)
    return folder


@pytest.fixture
def config_path(base):
    return config_path_of(base)


def read(path: Path) -> ModelServerConfig:
    return text_format.Parse(path.read_text(encoding="ascii"), ModelServerConfig())


def served(path: Path, name: str = "arxiv_tagger") -> tuple[list[int], dict[str, int]]:
    (model,) = (each for each in read(path).model_config_list.config if each.name == name)
    assert model.model_version_policy.WhichOneof("policy_choice") == "specific"
    return list(model.model_version_policy.specific.versions), dict(model.version_labels)


def test_a_first_release_is_what_tf_serving_reads(base, config_path):
    done = write_release(base, 2, None, config_path)
    assert config_path == base.parent / "models.config"
    expected = ModelServerConfig()
    model = expected.model_config_list.config.add()
    model.name = "arxiv_tagger"
    model.base_path = str(base)
    model.model_platform = "tensorflow"
    model.model_version_policy.specific.versions.append(2)
    model.version_labels["stable"] = 2
    assert read(config_path) == expected
    assert (done.before, done.after, done.loaded) == ({}, {"stable": 2}, (2,))


def test_stable_and_canary_are_both_served(base, config_path):
    done = write_release(base, 2, 10, config_path)
    assert served(config_path) == ([2, 10], {"stable": 2, "canary": 10})
    assert done.after == {"stable": 2, "canary": 10}


def test_versions_and_labels_may_be_the_same(base, config_path):
    write_release(base, 2, 2, config_path)
    assert served(config_path) == ([2], {"stable": 2, "canary": 2})


def test_a_new_stable_version_keeps_the_old_one_until_the_next_change(base, config_path):
    write_release(base, 1, None, config_path)
    done = write_release(base, 2, None, config_path)
    assert served(config_path) == ([1, 2], {"stable": 2})
    assert (done.before, done.after, done.loaded) == ({"stable": 1}, {"stable": 2}, (1, 2))
    # The same once more changes nothing, though nothing labels 1 any more.
    content = config_path.read_bytes()
    write_release(base, 2, None, config_path)
    assert config_path.read_bytes() == content
    write_release(base, 10, None, config_path)
    assert served(config_path) == ([2, 10], {"stable": 10})


def test_the_way_back_leaves_nothing_newer_to_answer(base, config_path):
    """Queries without a label get the latest version that is served."""
    write_release(base, 1, None, config_path)
    write_release(base, 2, 10, config_path)
    write_release(base, 1, None, config_path)
    assert served(config_path) == ([1], {"stable": 1})


def test_a_canary_ends_or_becomes_stable(base, config_path):
    write_release(base, 1, 2, config_path)
    write_release(base, 2, None, config_path)
    assert served(config_path) == ([1, 2], {"stable": 2})
    write_release(base, 2, 10, config_path)
    write_release(base, 2, None, config_path)
    assert served(config_path) == ([2], {"stable": 2})


def test_the_first_of_two_files_loads_and_moves_no_label(base, config_path):
    """What a server holds and labels is the same before and after, and the new versions come."""
    write_release(base, 1, None, config_path)
    done = write_release(base, 2, 10, config_path, load_only=True)
    assert served(config_path) == ([1, 2, 10], {"stable": 1})
    assert (done.before, done.after, done.loaded) == ({"stable": 1}, {"stable": 1}, (1, 2, 10))
    done = write_release(base, 2, 10, config_path)
    assert served(config_path) == ([1, 2, 10], {"stable": 2, "canary": 10})
    assert (done.before, done.after) == ({"stable": 1}, {"stable": 2, "canary": 10})


@pytest.mark.parametrize(
    "steps",
    [
        [(1, None), (2, None), (10, None), (1, None)],
        [(1, None), (1, 2), (2, None), (2, 10), (10, None), (2, None)],
        [(10, 1), (1, 10), (2, 2), (1, None), (10, 2)],
    ],
)
def test_in_two_steps_a_label_only_moves_to_a_version_that_is_held(base, config_path, steps):
    """What a TF Serving that follows the file asks of every file but its first."""
    write_release(base, 1, None, config_path)
    held, labels = served(config_path)
    for stable, canary in steps:
        for load_only in (True, False):
            write_release(base, stable, canary, config_path, load_only=load_only)
            after, new = served(config_path)
            assert set(new.values()) <= set(held)
            assert set(new.values()) <= set(after)
            # A label that stays must not lose its version while the other file is on its way.
            assert set(labels.values()) <= set(after) or not load_only
            held, labels = after, new
        wanted = {"stable": stable} if canary is None else {"stable": stable, "canary": canary}
        assert labels == wanted
        assert max(held) == max(wanted.values())


def test_a_version_that_is_gone_is_no_longer_served(base, config_path):
    write_release(base, 1, None, config_path)
    (base / "1" / "saved_model.pb").unlink()
    write_release(base, 2, None, config_path)
    assert served(config_path) == ([2], {"stable": 2})


def test_other_models_and_settings_stay(base, config_path):
    config_path.write_text(TWO_MODELS)
    (before, ours) = read(config_path).model_config_list.config
    done = write_release(base, 1, None, config_path)
    after, changed = read(config_path).model_config_list.config
    assert after == before
    assert changed.base_path == ours.base_path == done.base_path == "/models/arxiv_tagger"
    assert changed.logging_config.sampling_config.sampling_rate == 0.5
    assert served(config_path) == ([1, 10], {"stable": 1, "beta": 10})
    assert done.before == {"beta": 10, "lost": 77}


def test_the_path_in_the_server_may_be_another_one(base, config_path):
    write_release(base, 1, None, config_path, base_path="/models/größe")
    # It stays from then on.
    done = write_release(base, 2, None, config_path)
    assert done.base_path == "/models/größe"
    assert read(config_path).model_config_list.config[0].base_path == "/models/größe"
    write_release(base, 2, None, config_path, base_path="gs://bucket/models")
    assert read(config_path).model_config_list.config[0].base_path == "gs://bucket/models"


def test_a_path_of_this_machine_is_made_absolute(base, config_path, monkeypatch):
    monkeypatch.chdir(base.parents[1])
    write_release(Path("serving/arxiv_tagger"), 1, None, config_path)
    assert read(config_path).model_config_list.config[0].base_path == str(base)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((3, None), r"no version 3 in .* for --stable; there are: 10, 2, 1"),
        ((1, 3), r"no version 3 in .* for --canary; there are: 10, 2, 1"),
        ((1, None, "models/arxiv_tagger"), "absolute path"),
    ],
)
def test_what_cannot_be_served_is_not_written(base, config_path, arguments, said):
    write_release(base, 1, None, config_path)
    before = config_path.read_bytes()
    stable, canary, *path = arguments
    with pytest.raises(UsageError, match=said):
        write_release(base, stable, canary, config_path, *path)
    assert config_path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"model_config_list {", "no readable configuration"),
        (b"bogus: 1", "bogus"),
        (b"\xff", "no readable configuration"),
        (b"custom_model_config {}", "custom_model_config"),
    ],
)
def test_a_file_that_is_no_configuration_is_told_and_kept(base, config_path, content, said):
    config_path.write_bytes(content)
    for attempt in (
        lambda: write_release(base, 1, None, config_path),
        lambda: list_versions(base, config_path),
    ):
        with pytest.raises(BadInputError, match=said) as raised:
            attempt()
        assert str(config_path) in str(raised.value)
    assert config_path.read_bytes() == content


def test_whoever_reads_sees_one_of_the_two_files_whole(base, config_path):
    """A server that polls reads while releases are written."""
    write_release(base, 1, None, config_path)
    stop = threading.Event()

    def poll() -> list[tuple[list[int], dict[str, int]]]:
        seen = []
        while not stop.is_set():
            seen.append(served(config_path))
        return seen

    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(poll)
        for number in range(40):
            write_release(base, 1 + number % 2, 10, config_path)
        stop.set()
    assert polled.result()
    for state in polled.result():
        assert state in (
            ([1], {"stable": 1}),
            ([1, 10], {"stable": 1, "canary": 10}),
            ([1, 2, 10], {"stable": 2, "canary": 10}),
            ([1, 2, 10], {"stable": 1, "canary": 10}),
        )


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(base, config_path, monkeypatch):
    write_release(base, 1, None, config_path)
    before = config_path.read_bytes()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(releases.os, "fsync", fail)
    with pytest.raises(UsageError, match="No space left"):
        write_release(base, 2, None, config_path)
    assert config_path.read_bytes() == before
    assert sorted(path.name for path in config_path.parent.iterdir()) == [
        "arxiv_tagger",
        "models.config",
    ]


def test_the_file_may_be_read_by_the_servers_user(base, config_path):
    mask = os.umask(0o022)
    try:
        write_release(base, 1, None, config_path)
    finally:
        os.umask(mask)
    assert config_path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("number", ["20240101123000", "1700000000000"])
def test_a_number_that_is_no_second_is_dated_by_its_files(tmp_path, number):
    base = tmp_path / "arxiv_tagger"
    os.utime(push(base, number) / "saved_model.pb", (1_600_000_000, 1_600_000_000))
    (version,) = list_versions(base, config_path_of(base))
    assert version.pushed.year == 2020


def test_versions_are_listed_newest_first_with_what_is_known_of_them(tmp_path):
    base = tmp_path / "arxiv_tagger"
    push(base, "1700000000", {"val_lrap": 0.5, "val_micro_f1": 0.25}, {"micro_f1": 0.75})
    push(base, "1700086400", {"val_lrap": 0.875})
    bare = push(base, "7")
    os.utime(bare / "saved_model.pb", (1_600_000_000, 1_600_000_000))
    config_path = config_path_of(base)
    write_release(base, 1_700_000_000, 1_700_000_000, config_path)
    newest, evaluated, oldest = list_versions(base, config_path)
    assert [each.number for each in (newest, evaluated, oldest)] == [1700086400, 1700000000, 7]
    # Versions of this project's pushes are their second; other numbers are no time.
    assert newest.pushed == datetime(2023, 11, 15, 22, 13, 20, tzinfo=timezone.utc)
    assert oldest.pushed == datetime(2020, 9, 13, 12, 26, 40, tzinfo=timezone.utc)
    assert (newest.validation, newest.test) == ({"lrap": 0.875}, {})
    assert evaluated.validation == {"lrap": 0.5, "micro_f1": 0.25}
    assert evaluated.test == {"micro_f1": 0.75}
    assert (oldest.validation, oldest.test) == ({}, {})
    assert (newest.labels, evaluated.labels) == ((), ("canary", "stable"))
    assert oldest.size == 1100
    assert newest.size > 1100
