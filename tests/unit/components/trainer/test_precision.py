"""Mixed precision: which type is used, and what stays in float32."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.model import build_model, compile_model, make_optimizer
from components.trainer.optimizers import LazyRms
from components.trainer.precision import SparseLossScale, pick_precision
from components.trainer.settings import TrainerSettings
from schema import names
from tests.support.trainer_papers import LABELS, VOCABULARY

SETTINGS = TrainerSettings(
    hidden_units=(12, 8), ensemble_size=2, dropout=0.0, learning_rate=0.01, lr_schedule="constant"
)
MIXED = ("mixed_float16", "mixed_bfloat16")
USED = [1, 2, 5, 7]


@pytest.mark.parametrize(
    ("capabilities", "mixed", "expected"),
    [
        ([], True, "float32"),
        ([(9, 0)], False, "float32"),
        ([(9, 0)], True, "mixed_bfloat16"),
        ([(8, 0), (8, 6)], True, "mixed_bfloat16"),
        ([(7, 5)], True, "mixed_float16"),
        ([(8, 0), (7, 0)], True, "mixed_float16"),
        ([None], True, "mixed_float16"),
    ],
)
def test_the_gpus_decide_the_precision(monkeypatch, capabilities, mixed, expected):
    def details(gpu):
        capability = capabilities[gpu]
        return {} if capability is None else {"compute_capability": capability}

    monkeypatch.setattr(
        tf.config, "list_physical_devices", lambda kind: list(range(len(capabilities)))
    )
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
    assert pick_precision(mixed) == expected


def batch(truth=1.0):
    ids = np.array([[1, 2, 5], [2, 7, 0]], np.int32)
    weights = np.array([[0.5, 1.0, 0.3], [0.8, 0.6, 0.0]], np.float32)
    labels = np.zeros((2, LABELS), np.float32)
    labels[0, 1] = labels[1, 3] = truth
    return {names.MODEL_IDS: ids, names.MODEL_WEIGHTS: weights}, labels


def compiled(precision, optimizer="lazy_rms"):
    settings = SETTINGS.model_copy(update={"optimizer": optimizer})
    model = build_model(VOCABULARY, LABELS, settings, precision=precision)
    compile_model(model, make_optimizer(settings, 1, precision))
    model.optimizer.build(model.trainable_variables)
    return model


def step(model, data=None):
    compiled_step = tf.function(model.train_step, jit_compile=False)
    inputs, truth = data or batch()
    return compiled_step(tf.nest.map_structure(tf.constant, (inputs, truth)))


@pytest.mark.parametrize("precision", MIXED)
def test_only_the_hidden_layers_compute_in_16_bits(precision):
    model = compiled(precision)
    hidden = [layer for layer in model.layers if layer.name.startswith("hidden")]
    assert {layer.compute_dtype for layer in hidden} == {precision.removeprefix("mixed_")}
    assert {keras.backend.standardize_dtype(w.dtype) for w in model.weights} == {"float32"}
    inputs, _ = batch()
    logits = model(inputs)
    assert logits.dtype == tf.float32
    plain = compiled("float32")
    plain.set_weights(model.get_weights())
    np.testing.assert_allclose(logits, plain(inputs), rtol=0, atol=0.02)
    assert (np.asarray(logits) != np.asarray(plain(inputs))).any()


def test_only_float16_scales_the_loss():
    assert type(compiled("mixed_float16").optimizer) is SparseLossScale
    for precision in ("float32", "mixed_bfloat16"):
        assert type(compiled(precision).optimizer) is LazyRms


@pytest.mark.parametrize("optimizer", ["lazy_rms", "adam"])
@pytest.mark.parametrize("precision", MIXED)
def test_a_mixed_step_equals_a_float32_step(precision, optimizer):
    mixed, plain = compiled(precision, optimizer), compiled("float32", optimizer)
    before = plain.get_weights()
    losses = [float(step(model)["loss"]) for model in (mixed, plain)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3)
    for start, mine, expected in zip(before, mixed.get_weights(), plain.get_weights(), strict=True):
        moved = expected - start
        # Adam's first step is the gradient's sign; one near zero may round to the other side.
        same = np.isclose(mine - start, moved, atol=1e-3)
        assert same.mean() > 0.9
        assert (np.abs(moved) > 1e-3).any()


@pytest.mark.parametrize("precision", MIXED)
def test_unused_rows_stay_the_same_to_the_bit(precision):
    model = compiled(precision)
    before = model.get_weights()[0]
    step(model)
    changed = (model.get_weights()[0] != before).any(axis=1)
    assert changed.nonzero()[0].tolist() == USED


def test_the_overflow_check_makes_nothing_dense():
    model = compiled("mixed_float16")
    spec = tf.nest.map_structure(
        lambda part: tf.TensorSpec([None, *part.shape[1:]], part.dtype), batch()
    )
    graph = tf.function(model.train_step).get_concrete_function(spec).graph
    shapes = [
        output.shape
        for operation in graph.get_operations()
        if operation.type not in ("Placeholder", "ReadVariableOp", "Identity")
        for output in operation.outputs
    ]
    assert tf.TensorShape([VOCABULARY, 24]) not in [s for s in shapes if s.rank is not None]


def test_an_overflow_skips_the_step_and_halves_the_scale():
    model = compiled("mixed_float16")
    step(model)
    scale, before = float(model.optimizer.dynamic_scale.numpy()), model.get_weights()
    moments = [variable.numpy() for variable in model.optimizer.inner_optimizer.variables]
    step(model, batch(truth=1e7))
    assert float(model.optimizer.dynamic_scale.numpy()) == scale / 2
    for mine, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, expected)
    after = [variable.numpy() for variable in model.optimizer.inner_optimizer.variables]
    for mine, expected in zip(after, moments, strict=True):
        np.testing.assert_array_equal(mine, expected)
    step(model)
    assert (model.get_weights()[0] != before[0]).any()


@pytest.mark.parametrize("where", ["sparse", "dense"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3.0e38])
def test_finite_agrees_with_numpy(where, value):
    values = np.ones((2, 3), np.float32)
    wrong = values.copy()
    wrong[1, 2] = value
    sparse, dense = (wrong, values) if where == "sparse" else (values, wrong)
    gradients = [tf.IndexedSlices(tf.constant(sparse), tf.constant([4, 0])), None, dense]
    optimizer = SparseLossScale(keras.optimizers.Adam())
    assert bool(optimizer.check_finite(gradients)) == bool(np.isfinite(wrong).all())
