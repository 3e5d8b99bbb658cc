"""The models that the suite has served, and the files that tell a server of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from schema import names
from tests.support.saved_models import half_plus_two, small_tagger

_FLOATS = tf.TensorSpec([None], tf.float32, name="x")
_KINDS = {
    "text": tf.string,
    "flag": tf.bool,
    "tiny": tf.uint8,
    "small": tf.int32,
    "large": tf.int64,
    "ratio": tf.float64,
}


class Library:
    """The SavedModels, each built once.

    Attributes:
        folder: Holds all of them, and must hold whatever else a server reads.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._builders = {
            "half_plus_two": lambda path: half_plus_two(path),
            "half_plus_three": lambda path: half_plus_two(path, add=3.0),
            "half_plus_four": lambda path: half_plus_two(path, add=4.0),
            names.MODEL_NAME: small_tagger,
            "echo": lambda path: _save(_Echo(), path),
            "slow": lambda path: _save(_Slow(), path),
            "twice_thrice": lambda path: _save(_TwiceThrice(), path),
            "one_or_two": _save_two_signatures,
            "tf2": _save_tf2,
            "keras": _save_keras,
            "mirrored_keras": _save_mirrored_keras,
        }

    def path(self, kind: str) -> Path:
        """Returns the folder of a SavedModel, made when it is first asked for."""
        path = self.folder / "library" / kind
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            self._builders[kind](path)
        return path

    def publish(self, kind: str, base: Path, version: str | int) -> None:
        """Puts a SavedModel at once, whole, into a base path as a version of a model."""
        base.mkdir(parents=True, exist_ok=True)
        unready = base.parent / f"{base.name}.{version}.unready"
        shutil.copytree(self.path(kind), unready)
        unready.rename(base / str(version))


def config(
    base: Path,
    name: str,
    *,
    versions: Iterable[int] = (),
    latest: int = 0,
    every: bool = False,
    labels: Mapping[str, int] | None = None,
    platform: str = "tensorflow",
) -> ModelConfig:
    """A model whose versions lie below `base`, by default served at its newest version."""
    made = ModelConfig(name=name, base_path=str(base / name), model_platform=platform)
    if versions:
        made.model_version_policy.specific.versions.extend(versions)
    if latest:
        made.model_version_policy.latest.num_versions = latest
    if every:
        made.model_version_policy.all.SetInParent()
    for label, version in (labels or {}).items():
        made.version_labels[label] = version
    return made


def listing(*models: ModelConfig) -> ModelServerConfig:
    made = ModelServerConfig()
    made.model_config_list.config.extend(models)
    return made


def write_config(path: Path, made: ModelServerConfig) -> Path:
    """Writes what --model_config_file takes, at once, whole."""
    unready = path.with_suffix(".unready")
    unready.write_text(text_format.MessageToString(made))
    unready.rename(path)
    return path


def _save(module: tf.Module, path: Path) -> None:
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.run})


class _Echo(tf.Module):
    """Answers what it is given, of many types; the text also as bytes."""

    @tf.function(
        input_signature=[tf.TensorSpec([None], kind, name=name) for name, kind in _KINDS.items()]
    )
    def run(self, text, flag, tiny, small, large, ratio):
        values = dict(zip(_KINDS, (text, flag, tiny, small, large, ratio), strict=True))
        outputs = {name: tf.identity(value) for name, value in values.items()}
        return {**outputs, "text_bytes": tf.identity(text)}


class _Slow(tf.Module):
    """Counts to the largest x, by one: about a second for 100,000."""

    @tf.function(input_signature=[_FLOATS])
    def run(self, x):
        last = tf.reduce_max(x)
        (count,) = tf.while_loop(
            lambda count: count < last,
            lambda count: [count + 1.0],
            [tf.constant(0.0)],
            parallel_iterations=1,
        )
        return {"y": tf.fill(tf.shape(x), count)}


class _TwiceThrice(tf.Module):
    """Two variables, as test_tf_saved_model_save of TF Serving has them."""

    def __init__(self) -> None:
        super().__init__()
        self._two, self._three = tf.Variable(2.0), tf.Variable(3.0)

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32, name="x")])
    def run(self, x):
        return {"y": self._two * self._three * x}


def _save_two_signatures(path: Path) -> None:
    """As test_tf_saved_model_save_multiple_signatures of TF Serving has it."""

    def constant(value: float):
        spec = tf.TensorSpec(None, tf.float32, name="x")
        return tf.function(lambda x: {"y": tf.constant(value)}, input_signature=[spec])

    module = tf.Module()
    module.one, module.two = constant(1.0), constant(2.0)
    signatures = {"serving_default": module.one, "custom_signature_key": module.two}
    tf.saved_model.save(module, str(path), signatures=signatures)


def _save_tf2(path: Path) -> None:
    """Half plus two as TensorFlow 2 saves it: the method of each signature is Predict."""

    def of_examples(output: str):
        spec = tf.TensorSpec([None], tf.string, name="inputs")
        feature = tf.io.FixedLenFeature([1], tf.float32)

        def run(inputs):
            return {output: tf.io.parse_example(inputs, {"x": feature})["x"] / 2 + 2}

        return tf.function(run, input_signature=[spec])

    module = tf.Module()
    module.predict = tf.function(lambda x: {"y": x / 2 + 2}, input_signature=[_FLOATS])
    module.classify, module.regress = of_examples("scores"), of_examples("outputs")
    signatures = {
        "serving_default": module.predict,
        "classify_x_to_y": module.classify,
        "regress_x_to_y": module.regress,
    }
    tf.saved_model.save(module, str(path), signatures=signatures)


def _save_mirrored_keras(path: Path) -> None:
    with tf.distribute.MirroredStrategy(["/cpu:0"]).scope():
        _save_keras(path)


def _save_keras(path: Path) -> None:
    """A model of Keras that answers what it is given."""
    import keras

    dense = keras.layers.Dense(1, kernel_initializer="ones", bias_initializer="zeros")
    model = keras.Sequential([keras.Input((1,), name="x"), dense])
    archive = keras.export.ExportArchive()
    archive.track(model)
    spec = tf.TensorSpec([None, 1], tf.float32, name="x")
    archive.add_endpoint("serving_default", lambda x: {"y": model(x)}, [spec])
    archive.write_out(str(path), verbose=False)
