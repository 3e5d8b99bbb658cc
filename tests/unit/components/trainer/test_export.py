"""The saved model: its signatures, its files, and what loading it needs."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from components.trainer.export import export_model, model_info
from components.trainer.settings import TrainerSettings
from components.trainer.train import TrainingResult
from serving.server.model.saved_model import load_saved_model
from tests.support.saved_models import feature_example
from tests.support.trainer_served import TOP_K, Parts
from tests.support.transform_graph import LABELS

L = len(LABELS)
STRING, FLOAT, BOOL, INT64 = "DT_STRING", "DT_FLOAT", "DT_BOOL", "DT_INT64"
PREDICT, CLASSIFY = "tensorflow/serving/predict", "tensorflow/serving/classify"
TEXT, EXAMPLES = ({"text": (STRING, [-1])}, {"inputs": (STRING, [-1])})
SUGGESTIONS = {
    "labels": (STRING, [-1, TOP_K]),
    "scores": (FLOAT, [-1, TOP_K]),
    "suggested": (BOOL, [-1, TOP_K]),
    "known_share": (FLOAT, [-1]),
}
TABLE = {
    "serving_default": (PREDICT, TEXT, SUGGESTIONS),
    "explain": (
        PREDICT,
        TEXT,
        {
            **SUGGESTIONS,
            **dict.fromkeys(("logits", "rest", "bias"), (FLOAT, [-1, TOP_K])),
            "ngrams": (STRING, [-1, TOP_K, 10]),
            "contributions": (FLOAT, [-1, TOP_K, 10]),
        },
    ),
    "classify": (
        CLASSIFY,
        EXAMPLES,
        {"classes": (STRING, [-1, TOP_K]), "scores": (FLOAT, [-1, TOP_K])},
    ),
    "probabilities": (PREDICT, TEXT, {"probabilities": (FLOAT, [-1, L])}),
    "evaluate": (
        PREDICT,
        EXAMPLES,
        {
            "probabilities": (FLOAT, [-1, L]),
            "suggested": (FLOAT, [-1, L]),
            "known_share": (FLOAT, [-1]),
            "abstract_only_probabilities": (FLOAT, [-1, L]),
            "abstract_only_suggested": (FLOAT, [-1, L]),
            "abstract_only_known_share": (FLOAT, [-1]),
        },
    ),
    "transform_features": (
        PREDICT,
        EXAMPLES,
        {"labels": (FLOAT, [-1, L]), "unknown_labels": (INT64, [-1])},
    ),
}
INFO = {"threshold": 0.5, "epochs": 3, "note": "größe"}

# Runs where nothing but TensorFlow can be imported: it answers, and names foreign operations.
LOADER = """
import json, sys
sys.path.append(sys.argv[1])
for room in ("components", "schema", "serving", "pipeline"):
    try:
        __import__(room)
    except ModuleNotFoundError:
        continue
    sys.exit(f"{room} can be imported")
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry
with open(sys.argv[2] + "/saved_model.pb", "rb") as file:
    graph = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0].graph_def
functions = {function.signature.name for function in graph.library.function}
nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
kinds = {node.op for node in nodes} - functions
texts, examples = json.loads(sys.stdin.read())
model = tf.saved_model.load(sys.argv[2])
answers = {}
for name, signature in model.signatures.items():
    ((argument, _),) = signature.structured_input_signature[1].items()
    given = texts if argument == "text" else [bytes.fromhex(each) for each in examples]
    outputs = signature(**{argument: tf.constant(given)})
    answers[name] = {
        key: (np.char.decode(value.astype(bytes)) if value.dtype == object else value).tolist()
        for key, value in ((key, value.numpy()) for key, value in outputs.items())
    }
json.dump(
    {
        "kinds": sorted(kinds),
        "unregistered": sorted(kind for kind in kinds if op_def_registry.get(kind) is None),
        "foreign": [name for name in sys.modules if name.startswith(("tensorflow_t", "tfx"))],
        "answers": answers,
    },
    sys.stdout,
)
"""


@pytest.fixture(scope="module")
def saved(tagger, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "1"
    export_model(tagger, str(folder), INFO)
    return folder


@pytest.fixture(scope="module")
def examples(parts) -> list[bytes]:
    return [
        feature_example(
            titles=[title.encode()], summaries=[abstract.encode()], terms=[b"cs.LG", b"new"]
        )
        for title, abstract in zip(parts.titles, parts.abstracts, strict=True)
    ]


@pytest.fixture(scope="module")
def elsewhere(saved, parts, examples, tmp_path_factory):
    """The model's answers in a new Python process that has only TensorFlow."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    # The checkout is installed in editable mode: -S leaves its hook out.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LOADER, packages, str(saved)],
        input=json.dumps([parts.texts, [each.hex() for each in examples]]),
        cwd=tmp_path_factory.mktemp("nowhere"),
        env={"PATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def read_graph(saved: Path):
    content = (saved / "saved_model.pb").read_bytes()
    (graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    return graph


def test_signatures_are_those_of_the_table(saved):
    def described(tensors):
        return {
            name: (
                types_pb2.DataType.Name(info.dtype),
                [dimension.size for dimension in info.tensor_shape.dim],
            )
            for name, info in tensors.items()
        }

    graph = read_graph(saved)
    assert list(graph.meta_info_def.tags) == ["serve"]
    found = {
        name: (each.method_name, described(each.inputs), described(each.outputs))
        for name, each in graph.signature_def.items()
        # TensorFlow's own, for variables that have to be set up.
        if name != "__saved_model_init_op"
    }
    assert found == TABLE
    # REST would take such an output for base64.
    assert not [name for *_, outputs in found.values() for name in outputs if "_bytes" in name]


def test_vocabularies_and_model_info_are_beside_the_graph(saved, parts, tagger):
    assets = saved / "assets"
    labels = (assets / "labels").read_bytes().splitlines()
    assert sorted(labels) == sorted(LABELS)
    # The order of the file is the order of the probabilities.
    scores = tagger.all_probabilities(tf.constant(parts.texts[:1]))["probabilities"].numpy()[0]
    best = tagger.suggest(tf.constant(parts.texts[:1]))["labels"].numpy()[0]
    assert [labels[column] for column in np.argsort(-scores)[:TOP_K]] == best.tolist()
    first, *ngrams = (assets / "ngrams").read_bytes().splitlines()
    assert first.startswith(b"[UNK]\t")
    assert all(float(line.split(b"\t")[1]) > 0 for line in ngrams)
    assert json.loads((saved / "assets.extra" / "model_info.json").read_text("utf-8")) == INFO


def test_only_the_network_weights_are_saved(saved, parts):
    """The optimizer's slots would make it three times as large."""
    values = [
        tf.train.load_variable(str(saved / "variables" / "variables"), name)
        for name, _ in tf.train.list_variables(str(saved / "variables" / "variables"))
    ]
    numbers = [value.size for value in values if getattr(value, "dtype", None) == np.float32]
    assert sum(numbers) == parts.model.count_params()


def test_it_needs_only_tensorflow_core_ops(elsewhere):
    assert {"StringSplitV2", "LookupTableFindV2", "SparseMatrixMatMul"} <= set(elsewhere["kinds"])
    assert elsewhere["unregistered"] == []
    # These are registered, and call Python.
    assert not [kind for kind in elsewhere["kinds"] if "PyFunc" in kind]
    assert elsewhere["foreign"] == []


def test_it_answers_the_same_without_our_code(elsewhere, parts, tagger, examples):
    assert elsewhere["answers"].keys() == TABLE.keys()
    for name, signature in tagger.signatures().items():
        texts = tf.constant(parts.texts if "text" in TABLE[name][1] else examples)
        for output, expected in signature(texts).items():
            found = elsewhere["answers"][name][output]
            if expected.dtype == tf.string:
                assert found == np.char.decode(expected.numpy().astype(bytes)).tolist()
            else:
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_spellings_of_a_text_in_any_script_have_one_answer(analyse, tmp_path):
    """Alone and in a batch, as bytes that aren't UTF-8 too."""
    parts = Parts(analyse(10_000, "title_and_abstract", standardize="unicode"))
    assert "über" in [
        unicodedata.normalize("NFC", ngram.decode()) for ngram in parts.analysis.ngrams
    ]
    export_model(parts.tagger(), str(tmp_path / "1"), INFO)
    model = load_saved_model(tmp_path / "1")
    assert not model.has_loops

    def answer(*texts, signature="probabilities", output="probabilities"):
        given = np.array([each if isinstance(each, bytes) else each.encode() for each in texts])
        found = model.signatures[signature]
        inputs = {found.inputs["text"].name: given.astype(object)}
        return model.run(inputs, [found.outputs[output].name])[0]

    spellings = [
        "über kernel",
        "U\u0308BER\u00a0KERNEL",
        "ü\u00adber\u2028kernel",
        b"\xff\xc3\xbcber kernel",
    ]
    together = answer("kernel", *spellings)
    assert (together[1:] == together[1]).all()
    assert (together[0] != together[1]).any()
    for row, spelling in zip(together[1:], spellings, strict=True):
        np.testing.assert_array_equal(answer(spelling)[0], row)
    shares = answer("Über 数 kernel", "数!", *spellings, signature="explain", output="known_share")
    # "Über" and "kernel" of three words and two pairs.
    np.testing.assert_allclose(shares[:2], [2 / 5, 0])
    assert (shares[2:] == shares[2]).all()


def test_model_info_describes_the_kept_epoch():
    history = {
        "loss": [0.3, 0.2, 0.1],
        "binary_accuracy": [0.7, 0.8, 0.9],
        "val_loss": [0.5, 0.4, 0.6],
        "val_lrap": [0.6, 0.8, 0.7],
        "val_threshold": [0.3, 0.4, 0.5],
    }
    result = TrainingResult(history, kept_epoch=2, threshold=0.35)
    settings = TrainerSettings(hidden_units=(8,), thresholds="half_f1", seed=5)
    info = model_info(result, settings)
    assert (info["threshold"], info["thresholds"]) == (0.35, "half_f1")
    assert (info["epochs"], info["kept_epoch"]) == (3, 2)
    assert info["validation"] == {"val_loss": 0.4, "val_lrap": 0.8, "val_threshold": 0.4}
    assert TrainerSettings.model_validate_json(json.dumps(info["settings"])) == settings
