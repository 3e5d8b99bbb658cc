"""What is read of models of every age, and the errors that name a broken file."""

from __future__ import annotations

import json

import pytest

from schema.errors import BadInputError
from serving.model_metadata import ModelMetadata

# As the first releases wrote it: settings by their old names, a threshold for each label.
OLD = {
    "threshold": 0.25,
    "thresholds": "per_label",
    "label_thresholds": {"größe": 0.5, "\\xff": 0.125},
    "cross_fitted_micro_f1": {"global": 0.7, "per_label": 0.71},
    "epochs": 6,
    "kept_epoch": 4,
    "validation": {"val_lrap": 0.875, "val_micro_f1": 0.75},
    "settings": {"members": 2, "decay": "cosine", "served_kernel": "int8", "bias_start": True},
}
NEW = {
    **{name: value for name, value in OLD.items() if "label" not in name and "cross" not in name},
    "thresholds": "half_f1",
    "settings": {"ensemble_size": 2, "first_layer_dtype": "int8"},
}


@pytest.fixture
def write(tmp_path):
    """Writes the files of a model that are given."""

    def write(info=None, evaluation=None, labels=b"gr\xc3\xb6\xc3\x9fe\n\xff\n"):
        for name, content in (
            ("assets/labels", labels),
            ("assets/ngrams", b"[UNK]\nof\nof the\n"),
            ("assets.extra/model_info.json", info),
            ("assets.extra/evaluation.json", evaluation),
        ):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            if content is not None:
                path.write_bytes(
                    content if isinstance(content, bytes) else json.dumps(content).encode()
                )
        return ModelMetadata(tmp_path)

    return write


@pytest.mark.parametrize(
    ("info", "kind"),
    [
        (OLD, "per_label"),
        (NEW, "half_f1"),
        ({"threshold": 0.25, "epochs": 6, "kept_epoch": 4}, "global"),
    ],
)
def test_models_of_every_age_are_read(write, info, kind):
    model = write(info, {"micro_f1": 0.75, "examples": 7})
    assert (model.labels, model.ngrams) == (("größe", "\\xff"), 2)
    assert (model.threshold, model.threshold_kind) == (0.25, kind)
    assert (model.epochs, model.kept_epoch) == (6, 4)
    assert model.validation == ({"lrap": 0.875, "micro_f1": 0.75} if "settings" in info else {})
    assert model.test == {"micro_f1": 0.75, "examples": 7}


def test_files_that_a_model_may_lack(write, tmp_path):
    model = write()
    assert (model.validation, model.test) == ({}, {})
    for name in ("threshold", "epochs", "kept_epoch"):
        with pytest.raises(BadInputError, match=r"model_info\.json: unusable"):
            getattr(model, name)
    with pytest.raises(BadInputError, match="assets/labels: can't be read"):
        ModelMetadata(f"{tmp_path}/none/").labels  # noqa: B018 - reads the file


@pytest.mark.parametrize("content", [b"{broken", b"\xff", [1]])
def test_broken_file_is_named(write, content):
    for name, model in (("test", write({}, content)), ("validation", write(content))):
        with pytest.raises(BadInputError, match=r"(evaluation|model_info)\.json: not"):
            getattr(model, name)


def test_files_are_opened_by_what_is_given(write, tmp_path):
    write(OLD)

    def open_file(path, mode):
        assert path.startswith("gs://bucket/assets")
        return (tmp_path / path.removeprefix("gs://bucket/")).open(mode)

    assert ModelMetadata("gs://bucket/", open_file).threshold == 0.25
