"""Trainer's whole function, with its outputs on remote storage."""

import json
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.lib.io import file_io

from components.papers.paper_keys import read_train_keys
from components.trainer import run_fn as module
from components.trainer.cluster import Cluster
from components.trainer.input_pipeline import make_dataset
from components.trainer.model import build_model
from components.trainer.run_fn import run_fn
from components.trainer.settings import TrainerSettings
from components.trainer.validation import Predictor
from schema import names
from schema.errors import BadInputError, UsageError
from tests.support.run_arguments import (
    PAPERS,
    as_namespace,
    run_arguments,
    transformed_papers,
)
from tests.support.saved_models import feature_example

SETTINGS = {
    "hidden_units": (16, 8),
    "ensemble_size": 2,
    "batch_size": 8,
    "epochs": 2,
    "patience": None,
    "learning_rate": 0.02,
}


@pytest.fixture(scope="module")
def analysis(analyse):
    return analyse(10_000, "title_and_abstract")


@pytest.fixture(autouse=True, scope="module")
def _alone():
    """One machine, and a process that is not made deterministic for all later tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TF_CONFIG", raising=False)
        patch.setattr(module, "make_reproducible", keras.utils.set_random_seed)
        yield


@pytest.fixture(autouse=True, scope="module")
def _files_are_replaced():
    """TensorFlow's memory appends to a file that is written again; other storage replaces it."""
    replace = file_io.write_string_to_file

    def write(path, content):
        if tf.io.gfile.exists(path):
            tf.io.gfile.remove(path)
        replace(path, content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_io, "write_string_to_file", write)
        yield


def files(folder):
    return {
        f"{path}/{name}".removeprefix(folder).strip("/")
        for path, _, found in tf.io.gfile.walk(folder)
        for name in found
    }


def logits(arguments, precision="float32"):
    """The logits of the exported weights for the validation papers, in a given precision."""
    model = build_model(*arguments["sizes"], TrainerSettings(**SETTINGS), precision=precision)
    loaded = tf.saved_model.load(arguments["serving_model_dir"])
    model.set_weights([variable.numpy() for variable in loaded._weights])
    validation = make_dataset(
        arguments["eval_files"], arguments["spec"], 8, shuffle=False, seed=0, include_unknown=True
    )
    return Predictor(model, validation).predict().logits


@pytest.fixture(scope="module")
def trained(analysis, _alone, _files_are_replaced):
    """The arguments of a finished call, whose files are in TensorFlow's memory, reached by URL."""
    made = run_arguments(analysis, "ram://trainer/examples", "ram://trainer", **SETTINGS)
    run_fn(as_namespace(made))
    spec = analysis.output.transformed_feature_spec()
    return {**made, "spec": spec, "sizes": (len(analysis.ngrams), len(analysis.labels))}


def again(trained, folder, **settings):
    """Arguments for another call on the same papers, with other settings and output folders."""
    changed = TrainerSettings(**SETTINGS, **settings).model_dump_json()
    return {
        **trained,
        "custom_config": {**trained["custom_config"], "settings": changed},
        "serving_model_dir": f"{folder}/model/Format-Serving",
        "model_run_dir": f"{folder}/run",
    }


def served_probabilities(arguments, analysis):
    loaded = tf.saved_model.load(arguments["serving_model_dir"])
    papers = zip(analysis.titles[PAPERS:], analysis.abstracts[PAPERS:], strict=True)
    raw = [
        feature_example(titles=[title.encode()], summaries=[text.encode()])
        for title, text in papers
    ]
    return loaded.signatures[names.SIGNATURE_EVALUATE](inputs=tf.constant(raw))["probabilities"]


def test_all_files_can_be_on_remote_storage(trained, analysis):
    arguments = trained
    assert {
        "saved_model.pb",
        "variables/variables.index",
        "assets/labels",
        f"{names.EXTRA_ASSETS_DIR}/{names.MODEL_INFO_FILE}",
        f"{names.EXTRA_ASSETS_DIR}/{names.WARMUP_FILE}",
    } <= files(arguments["serving_model_dir"])
    run = arguments["model_run_dir"]
    logs = {name for name in files(run) if "events.out" not in name}
    plots = {f"{names.PLOTS_DIR}/{name}.svg" for name in ("loss", "binary_accuracy", "lrap")}
    assert logs == {names.EPOCHS_FILE, names.MODEL_SUMMARY_FILE, *plots}
    with tf.io.gfile.GFile(f"{run}/{names.MODEL_SUMMARY_FILE}") as file:
        assert "(SparseDense)" in file.read()
    events = {name.partition("/")[0] for name in files(run) if "events.out" in name}
    assert events == {"train", "validation"}
    for plot in plots:
        with tf.io.gfile.GFile(f"{run}/{plot}") as file:
            assert file.read().startswith("<svg")
    with tf.io.gfile.GFile(f"{run}/{names.EPOCHS_FILE}") as file:
        lines = [json.loads(line) for line in file.read().splitlines()]
    epochs = [line for line in lines if "step" not in line]
    assert [line["epoch"] for line in epochs] == [1, 2]
    assert all(0.0 < line[names.INPUT_WAIT_SHARE] < 1.0 for line in epochs)
    keys = read_train_keys(arguments["serving_model_dir"].rpartition("/")[0])
    papers = transformed_papers(analysis)[:PAPERS]
    assert keys.tolist() == sorted({paper.key for paper in papers})
    np.testing.assert_allclose(
        served_probabilities(arguments, analysis), tf.sigmoid(logits(arguments)), atol=1e-6
    )


def test_the_8_bit_kernel_is_validated_and_served(trained, analysis, tmp_path):
    exact = served_probabilities(trained, analysis).numpy()
    arguments = again(trained, tmp_path, first_layer_dtype="int8")
    run_fn(as_namespace(arguments))
    served = served_probabilities(arguments, analysis).numpy()
    assert 0 < np.abs(served - exact).max() < 0.01
    loaded = tf.saved_model.load(arguments["serving_model_dir"])
    vocabulary, width = (
        arguments["sizes"][0],
        SETTINGS["ensemble_size"] * SETTINGS["hidden_units"][0],
    )
    kernels = [each for each in loaded._weights if each.shape == (vocabulary, width)]
    assert [each.dtype for each in kernels] == [tf.int8]
    # The validation loss in the log is that of the answers, not of the network before rounding.
    papers = transformed_papers(analysis)[PAPERS:]
    truth = np.zeros_like(served)
    for row, paper in enumerate(papers):
        truth[row, paper.labels] = 1
    loss = -(truth * np.log(served) + (1 - truth) * np.log1p(-served)).mean()
    lines = (tmp_path / "run" / names.EPOCHS_FILE).read_text().splitlines()
    assert json.loads(lines[-1])["val_loss"] == pytest.approx(float(loss), rel=1e-5)


def test_a_model_trained_in_mixed_precision_is_served_in_float32(
    trained, analysis, monkeypatch, tmp_path
):
    precision = "mixed_float16"
    asked = []
    monkeypatch.setattr(module, "pick_precision", lambda mixed: asked.append(mixed) or precision)
    arguments = again(trained, tmp_path, mixed_precision=True)
    run_fn(as_namespace(arguments))
    assert asked == [True]
    served = served_probabilities(arguments, analysis).numpy()
    np.testing.assert_allclose(served, tf.sigmoid(logits(arguments)), rtol=0, atol=1e-6)
    mixed = tf.sigmoid(logits(arguments, precision)).numpy()
    assert np.abs(served - mixed).max() > 1e-5
    path = f"{arguments['serving_model_dir']}/{names.EXTRA_ASSETS_DIR}/{names.MODEL_INFO_FILE}"
    with tf.io.gfile.GFile(path) as file:
        info = json.loads(file.read())
    assert info["settings"]["mixed_precision"] is True


def test_only_the_chief_writes_to_the_folders(monkeypatch, tmp_path):
    """Any other worker writes to a folder that is deleted after."""
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    given = SimpleNamespace(serving_model_dir="ram://model", model_run_dir="ram://run")
    chief, other = (Cluster({"worker": ["a:1", "b:1"]}, "worker", index) for index in (0, 1))
    with module._output_folders(given, other) as outputs:
        for folder in outputs:
            Path(folder).mkdir(parents=True)
            assert folder.startswith(f"{tmp_path}/trainer-")
    assert not any(tmp_path.iterdir())
    for cluster in (None, chief):
        with module._output_folders(given, cluster) as outputs:
            assert outputs == ("ram://model", "ram://run")


def test_too_few_papers_for_all_replicas_are_refused():
    assert module._count_steps(papers=100, batch_size=8, replicas=4) == 3
    assert module._count_steps(papers=5, batch_size=8, replicas=1) == 1
    with pytest.raises(BadInputError, match=r"31 training papers.*4 replicas.*batch_size"):
        module._count_steps(papers=31, batch_size=8, replicas=4)


def test_a_wrong_tf_config_is_refused_before_anything_is_read(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{")
    with pytest.raises(UsageError, match="TF_CONFIG"):
        run_fn(SimpleNamespace())
