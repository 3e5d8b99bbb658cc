"""What is said of a path that names no function, or one that takes something else."""

from __future__ import annotations

import pytest

from components.own_parts import load_function
from components.transform.preprocessing import preprocessing_fn
from components.transform.settings import FeatureSettings
from schema.errors import UsageError

FILES = {
    "right.py": "def build(feature_spec, label_count, settings, extra=1): ...\n"
    "class Builder:\n    def __init__(self, *given): ...\n"
    "def few(feature_spec): ...\n",
    "needy.py": "import nowhere_at_all\n",
    "broken.py": "\n1 / 0\n",
    "unread.py": "def build(:\n",
    "features.py": "import tensorflow as tf\ndef fails(inputs, custom_config): inputs['message']\n"
    "def unfit(*_): return {'labels': tf.ones([1]), 'paper_key': tf.ones([1]), 'n': tf.ones([])}\n",
}


@pytest.fixture(autouse=True)
def _package(tmp_path, monkeypatch):
    for name, source in FILES.items():
        (tmp_path / "unit_parts" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "unit_parts" / name).write_text(source)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize("name", ["build", "Builder"])
def test_whatever_can_be_called_with_the_arguments_will_do(name):
    found = load_function("trainer.build_model", f"unit_parts.right.{name}")
    assert found.__name__ == name
    found({}, 3, None)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "'' must be an import path with dots: module.function"),
        ("./feats.py", r"'\./feats\.py' must be an import path"),
        ("unit_parts.right:build", "'unit_parts.right:build' must be an import path"),
        ("build_model", "there is no module 'build_model' for 'build_model'. Give the path"),
        ("nowhere.model.build", "there is no module 'nowhere'"),
        ("unit_parts.modle.build", "there is no module 'unit_parts.modle'"),
        ("unit_parts.right.buidl", r"'buidl' is no function of <module .*unit_parts/right.py'>"),
        ("unit_parts.right.few", r"takes \(feature_spec\), but must take \(feature_spec, label_co"),
        ("unit_parts.needy.build", r"No module named 'nowhere_at_all'.* in .*needy\.py, line 1"),
        ("unit_parts.broken.build", r"ZeroDivisionError.* in .*broken\.py, line 2"),
        ("unit_parts.unread.build", r"SyntaxError.*unread\.py"),
    ],
)
def test_a_wrong_path_is_said_with_the_setting(path, said):
    with pytest.raises(UsageError, match=rf"^trainer\.build_model: .*{said}"):
        load_function("trainer.build_model", path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fails", r"fails with KeyError\('message'\) in .*features\.py, line 2"),
        ("unfit", "returns no labels, n, unknown_labels, or not in the right form"),
    ],
)
def test_what_goes_wrong_in_a_function_is_said_with_its_place(name, said):
    settings = FeatureSettings(preprocessing_fn=f"unit_parts.features.{name}").model_dump_json()
    with pytest.raises(UsageError, match=rf"^features\.preprocessing_fn: unit.*{name} {said}"):
        preprocessing_fn({}, {"settings": settings})
