"""The pushed versions, and which of them a server is told to serve."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from schema.errors import UsageError
from serving.models_config import config_path_of
from serving.releases import list_versions, write_release

TWO_MODELS = """
# Another team's model, and ours as set up by hand.
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


def test_first_release_is_what_tf_serving_reads(base, config_path):
    done = write_release(base, 2, None)
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


def test_replaced_stable_version_stays_loaded_until_the_next_release(base, config_path):
    write_release(base, 1, None)
    done = write_release(base, 2, None)
    assert served(config_path) == ([1, 2], {"stable": 2})
    assert (done.before, done.after, done.loaded) == ({"stable": 1}, {"stable": 2}, (1, 2))
    # Repeating it changes nothing, though no label points at 1 any more.
    content = config_path.read_bytes()
    write_release(base, 2, None)
    assert config_path.read_bytes() == content
    write_release(base, 10, None)
    assert served(config_path) == ([2, 10], {"stable": 10})


def test_rollback_unloads_everything_newer(base, config_path):
    """The latest version that is loaded answers queries without a label."""
    write_release(base, 1, None)
    write_release(base, 2, 10)
    write_release(base, 1, None)
    assert served(config_path) == ([1], {"stable": 1})


def test_load_only_moves_no_label(base, config_path):
    write_release(base, 1, None)
    done = write_release(base, 2, 10, load_only=True)
    assert served(config_path) == ([1, 2, 10], {"stable": 1})
    assert (done.before, done.after, done.loaded) == ({"stable": 1}, {"stable": 1}, (1, 2, 10))
    done = write_release(base, 2, 10)
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
def test_labels_only_move_to_loaded_versions(base, config_path, steps):
    """TF Serving refuses any other change of the file that it polls."""
    write_release(base, 1, None)
    held, labels = served(config_path)
    for stable, canary in steps:
        for load_only in (True, False):
            write_release(base, stable, canary, load_only=load_only)
            after, new = served(config_path)
            assert set(new.values()) <= set(held)
            assert set(new.values()) <= set(after)
            # No label loses its version between the two files.
            assert set(labels.values()) <= set(after) or not load_only
            held, labels = after, new
        wanted = {"stable": stable} if canary is None else {"stable": stable, "canary": canary}
        assert labels == wanted
        assert max(held) == max(wanted.values())


def test_deleted_version_is_no_longer_served(base, config_path):
    write_release(base, 1, None)
    (base / "1" / "saved_model.pb").unlink()
    write_release(base, 2, None)
    assert served(config_path) == ([2], {"stable": 2})


def test_other_models_and_settings_are_kept(base, config_path):
    config_path.write_text(TWO_MODELS)
    (before, ours) = read(config_path).model_config_list.config
    done = write_release(base, 1, None)
    after, changed = read(config_path).model_config_list.config
    assert after == before
    assert changed.base_path == ours.base_path == done.base_path == "/models/arxiv_tagger"
    assert changed.logging_config.sampling_config.sampling_rate == 0.5
    assert served(config_path) == ([1, 10], {"stable": 1, "beta": 10})
    assert done.before == {"beta": 10, "lost": 77}


def test_base_path_of_the_server_is_kept(base, config_path):
    write_release(base, 1, None, base_path="/models/größe")
    # It is kept from then on.
    done = write_release(base, 2, None)
    assert done.base_path == "/models/größe"
    assert read(config_path).model_config_list.config[0].base_path == "/models/größe"
    write_release(base, 2, None, base_path="gs://bucket/models")
    assert read(config_path).model_config_list.config[0].base_path == "gs://bucket/models"


def test_local_base_path_is_made_absolute(base, config_path, monkeypatch):
    monkeypatch.chdir(base.parents[1])
    write_release(Path("serving/arxiv_tagger"), 1, None)
    assert read(config_path).model_config_list.config[0].base_path == str(base)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((3, None), r"no version 3 in .* for --stable; there are: 10, 2, 1"),
        ((1, 3), r"no version 3 in .* for --canary; there are: 10, 2, 1"),
        ((1, None, "models/arxiv_tagger"), "absolute path"),
    ],
)
def test_impossible_release_is_not_written(base, config_path, arguments, said):
    write_release(base, 1, None)
    before = config_path.read_bytes()
    stable, canary, *path = arguments
    with pytest.raises(UsageError, match=said):
        write_release(base, stable, canary, *path)
    assert config_path.read_bytes() == before


@pytest.mark.parametrize("number", ["7", "20240101123000", "1700000000000"])
def test_numbers_that_are_not_seconds_are_dated_by_their_files(tmp_path, number):
    base = tmp_path / "arxiv_tagger"
    os.utime(push(base, number) / "saved_model.pb", (1_600_000_000, 1_600_000_000))
    (version,) = list_versions(base)
    assert version.pushed.year == 2020


def test_versions_are_listed_newest_first_with_their_metrics(tmp_path):
    base = tmp_path / "arxiv_tagger"
    push(base, "1700000000", {"val_lrap": 0.5, "val_micro_f1": 0.25}, {"micro_f1": 0.75})
    push(base, "1700086400", {"val_lrap": 0.875})
    bare = push(base, "7")
    os.utime(bare / "saved_model.pb", (1_600_000_000, 1_600_000_000))
    write_release(base, 1_700_000_000, 1_700_000_000)
    newest, evaluated, oldest = list_versions(base)
    assert [each.number for each in (newest, evaluated, oldest)] == [1700086400, 1700000000, 7]
    assert newest.pushed == datetime(2023, 11, 15, 22, 13, 20, tzinfo=timezone.utc)
    assert oldest.pushed == datetime(2020, 9, 13, 12, 26, 40, tzinfo=timezone.utc)
    assert (newest.validation, newest.test) == ({"lrap": 0.875}, {})
    assert evaluated.validation == {"lrap": 0.5, "micro_f1": 0.25}
    assert evaluated.test == {"micro_f1": 0.75}
    assert (oldest.validation, oldest.test) == ({}, {})
    assert (newest.labels, evaluated.labels) == ((), ("canary", "stable"))
    assert oldest.size == 1100
    assert newest.size > 1100
