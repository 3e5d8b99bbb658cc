"""The whole of Trainer's function, with its outputs on remote storage."""

import json

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
from tests.support.trainer_served import example

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


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """One machine, and a process that stays as it is for the tests after."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setattr(module, "make_reproducible", lambda seed: None)


@pytest.fixture(autouse=True)
def _files_are_replaced(monkeypatch):
    """TensorFlow's memory appends to a file that is written again; other places replace it."""
    replace = file_io.write_string_to_file

    def write(path, content):
        if tf.io.gfile.exists(path):
            tf.io.gfile.remove(path)
        replace(path, content)

    monkeypatch.setattr(file_io, "write_string_to_file", write)


def files(folder):
    return {
        f"{path}/{name}".removeprefix(folder).strip("/")
        for path, _, found in tf.io.gfile.walk(folder)
        for name in found
    }


def logits(arguments, precision="float32"):
    """What the exported weights say of the validation papers in some precision, and the labels."""
    model = build_model(*arguments["sizes"], TrainerSettings(**SETTINGS), precision=precision)
    loaded = tf.saved_model.load(arguments["serving_model_dir"])
    model.set_weights([variable.numpy() for variable in loaded._weights])
    validation = make_dataset(
        arguments["eval_files"], arguments["spec"], 8, shuffle=False, seed=0, include_unknown=True
    )
    return Predictor(model, validation).predict().logits


@pytest.fixture
def arguments(analysis, request):
    """Inputs and outputs in a folder of TensorFlow's memory, which is reached by URL."""
    folder = f"ram://{request.node.name.replace('[', '-').strip(']')}"
    made = run_arguments(analysis, f"{folder}/examples", folder, **SETTINGS)
    spec = analysis.output.transformed_feature_spec()
    return {**made, "spec": spec, "sizes": (len(analysis.ngrams), len(analysis.labels))}


def served_probabilities(arguments, analysis):
    loaded = tf.saved_model.load(arguments["serving_model_dir"])
    papers = zip(analysis.titles[PAPERS:], analysis.abstracts[PAPERS:], strict=True)
    raw = [example(titles=[title.encode()], summaries=[text.encode()]) for title, text in papers]
    return loaded.signatures[names.SIGNATURE_EVALUATE](inputs=tf.constant(raw))["probabilities"]


def test_everything_can_be_read_from_and_written_to_remote_storage(arguments, analysis):
    run_fn(as_namespace(arguments))
    assert {
        "saved_model.pb",
        "variables/variables.index",
        "assets/labels",
        f"{names.EXTRA_ASSETS_DIR}/{names.MODEL_INFO_FILE}",
        f"{names.EXTRA_ASSETS_DIR}/{names.WARMUP_FILE}",
    } <= files(arguments["serving_model_dir"])
    run = arguments["model_run_dir"]
    logs = {name for name in files(run) if "events.out" not in name}
    plots = {f"{names.PLOTS_DIR}/{name}.png" for name in ("loss", "binary_accuracy")}
    assert logs == {names.EPOCHS_FILE, *plots}
    events = {name.partition("/")[0] for name in files(run) if "events.out" in name}
    assert events == {"train", "validation"}
    for plot in plots:
        with tf.io.gfile.GFile(f"{run}/{plot}", "rb") as file:
            assert tf.io.decode_png(file.read()).shape[2] in (3, 4)
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


def test_an_8_bit_kernel_is_what_is_validated_and_served(arguments, analysis, tmp_path):
    run_fn(as_namespace(arguments))
    exact = served_probabilities(arguments, analysis).numpy()
    settings = TrainerSettings(**SETTINGS, first_layer_dtype="int8")
    arguments["custom_config"]["settings"] = settings.model_dump_json()
    arguments["serving_model_dir"] = f"{tmp_path}/model/Format-Serving"
    arguments["model_run_dir"] = f"{tmp_path}/run"
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


def test_a_model_trained_in_mixed_precision_is_served_in_float32(arguments, analysis, monkeypatch):
    precision = "mixed_float16"
    asked = []
    monkeypatch.setattr(module, "pick_precision", lambda mixed: asked.append(mixed) or precision)
    settings = TrainerSettings(**SETTINGS, mixed_precision=True)
    arguments["custom_config"]["settings"] = settings.model_dump_json()
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


def test_the_chief_alone_writes_to_the_folders(arguments, monkeypatch, tmp_path):
    """Another worker does all the same in a folder that is gone after."""
    role, used = {}, []
    monkeypatch.setenv("TF_CONFIG", "as given")
    monkeypatch.setattr(module.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "read_cluster", role.__getitem__)
    monkeypatch.setattr(module, "pick_strategy", lambda cluster: tf.distribute.get_strategy())

    def write(given, strategy, outputs):
        for folder in outputs:
            tf.io.gfile.makedirs(folder)
        assert all(tf.io.gfile.isdir(folder) for folder in outputs)
        used.extend(outputs)

    monkeypatch.setattr(module, "_run", write)
    role["as given"] = Cluster({"worker": ["a:1", "b:1"]}, "worker", 1)
    run_fn(as_namespace(arguments))
    assert [path.startswith(f"{tmp_path}/trainer-") for path in used] == [True, True]
    assert not any(tmp_path.iterdir())
    role["as given"] = Cluster({"worker": ["a:1", "b:1"]}, "worker", 0)
    run_fn(as_namespace(arguments))
    assert used[2:] == [arguments["serving_model_dir"], arguments["model_run_dir"]]


def test_too_few_papers_for_all_replicas_are_refused():
    assert module._steps(papers=100, batch_size=8, replicas=4) == 3
    assert module._steps(papers=5, batch_size=8, replicas=1) == 1
    with pytest.raises(BadInputError, match=r"31 training papers.*4 replicas.*batch_size"):
        module._steps(papers=31, batch_size=8, replicas=4)


def test_a_wrong_tf_config_is_refused_before_anything_is_read(arguments, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{")
    arguments["train_files"] = ["ram://nowhere/*"]
    with pytest.raises(UsageError, match="TF_CONFIG"):
        run_fn(as_namespace(arguments))
