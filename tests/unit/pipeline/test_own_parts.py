"""A profile's own functions: where they are looked for, and how they reach a cloud."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pipeline.config import load_config, resolve
from pipeline.own_parts import check_own_parts
from pipeline.source_digest import own_source_digest
from schema.errors import UsageError
from tests.support.command_line import flat, invoke

PROFILE = """
extends: {base}
features:
  preprocessing_fn: {package}.features.preprocessing_fn
trainer: {{build_model: {package}.model.build_model}}
"""
MODULES = {
    "features.py": "def preprocessing_fn(inputs, custom_config): ...\n",
    "model.py": "def build_model(feature_spec, label_count, settings): ...\n",
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a profile of the name, with a package of the same name beside it."""
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setenv("PYTHONPATH", "")

    def write_profile(name, base="default"):
        for file, source in MODULES.items():
            (tmp_path / name / file).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / name / file).write_text(source)
        profile = tmp_path / f"{name}.yaml"
        profile.write_text(PROFILE.format(base=base, package=name))
        return profile

    return write_profile


def test_they_are_found_beside_the_profile_that_names_them(write, tmp_path, monkeypatch):
    base = write("beside")
    (tmp_path / "below").mkdir()
    other = tmp_path / "below" / "other.yaml"
    other.write_text(f"extends: {base}\ntrainer: {{epochs: 1}}\n")
    check_own_parts(*resolve(str(other)))
    # By Beam's workers too.
    subprocess.run([sys.executable, "-c", "import beside.features"], cwd="/", check=True)
    # Of `--set`, in the current folder.
    write("below/current")
    monkeypatch.chdir(tmp_path / "below")
    check_own_parts(*resolve("sample", ["trainer.build_model=current.model.build_model"]))


def test_a_fault_is_said_with_its_place_before_anything_runs(write, tmp_path):
    profile = write("faulty")
    (tmp_path / "faulty" / "features.py").write_text("def preprocessing_fn(inputs): ...\n")
    done = invoke("run", "--data", "/nowhere.csv", "--profile", profile, "--output", tmp_path / "o")
    assert done.exit_code == 2
    said = "faulty.features.preprocessing_fn takes (inputs), but must take (inputs, custom_config)"
    assert f"{said} ({profile}, line 4)." in flat(done.output)
    assert not (tmp_path / "o").exists()


def test_what_only_our_network_has_stays_out_beside_another(write):
    profile = str(write("alone"))
    ours = {"ensemble_size": 3, "optimizer": "lazy_rms", "first_layer_dtype": "int8"}
    default = load_config("default").trainer.model_dump()
    assert {key: default[key] for key in ours} == ours
    found = load_config(profile).trainer.model_dump()
    others = {"ensemble_size": 1, "optimizer": "adam", "first_layer_dtype": "float32"}
    named = {"build_model": "alone.model.build_model"}
    assert found == {**default, **others, **named}
    # By one's own hand it is a mistake.
    with pytest.raises(UsageError, match=r"build_model: .* needs ensemble_size: 1 \(.*, line 5\)"):
        load_config(profile, ["trainer.ensemble_size=3", "trainer.optimizer=adam"])
    with pytest.raises(UsageError, match="needs mixed_precision: false, optimizer: adam"):
        load_config(profile, ["trainer.mixed_precision=true", "trainer.optimizer=lazy_rms"])
    with pytest.raises(UsageError, match=r"tuner\.space\.optimizer: a network of your own needs"):
        load_config(profile, ["tuner.space.optimizer=[adam, lazy_rms]"])


def test_a_compiled_pipeline_has_their_paths_and_digests(write, tmp_path):
    profile, output = write("cloudy", base="cloud_example"), tmp_path / "pipeline.json"
    done = invoke("compile", "--target", "vertex", "--profile", profile, "--output", output)
    assert done.exit_code == 0, done.output
    root = json.loads(output.read_text())["pipelineSpec"]["root"]
    transform = root["dag"]["tasks"]["Transform"]["inputs"]["parameters"]["custom_config"]
    trainer = root["inputDefinitions"]["parameters"]["custom_config"]
    for text, setting, module in (
        (transform["runtimeValue"]["constant"], "preprocessing_fn", "features"),
        (trainer["defaultValue"], "build_model", "model"),
    ):
        found, path = json.loads(text), f"cloudy.{module}.{setting}"
        assert json.loads(found["settings"])[setting] == path
        assert found["own_digest"] == own_source_digest(path) != ""
