"""What each n-gram adds to a label's logit: gradient x input, by hand, with core ops alone.

A unit with ReLU passes on all that it gets, or nothing. With that held as it is for a text, a logit
is linear in the weights of the text's n-grams: the sum of what each adds, and of what biases add.
A unit at 0 counts as off, as in TensorFlow's gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import keras
import tensorflow as tf

from components.trainer.loss import mean_logits
from components.trainer.model import FIRST_LAYER, member_layers
from schema import names

# N-grams that are named for a label, and as many against it.
NAMED: Final = 5

# What a network may have besides dense layers: it changes nothing that is served, or takes the
# members apart and together again.
_NEUTRAL: Final = {"InputLayer", "Dropout", "Reshape", "GetItem", "Stack"}

Logits = Callable[[tf.SparseTensor], tf.Tensor]
Explain = Callable[[tf.SparseTensor, int], tuple[tf.Tensor, dict[str, tf.Tensor]]]


def make_functions(model: keras.Model) -> tuple[Logits, Explain]:
    """Returns the functions that compute and explain the logits of a network of `build_model`.

    Both take weighted n-grams, sparse [n, V], without the padding that the model takes. The second
    also takes k, and returns the columns of the best labels, [n, k], and the outputs that
    `explain` adds, the n-grams by their columns.

    Raises:
        ValueError: The network has parts for which these explanations would be wrong.
    """
    first, members = model.get_layer(FIRST_LAYER), member_layers(model)
    rectified = [first, *(layer for layers in members for layer in layers[:-1])]
    linear = [layers[-1] for layers in members]
    understood = [each for each in rectified if each.activation is keras.activations.relu]
    understood += [each for each in linear if each.activation is keras.activations.linear]
    for each in model.operations:
        if each not in understood and type(each).__name__ not in _NEUTRAL:
            raise ValueError(f"logits can't be explained through {each.name}")

    def forward(rows: tf.SparseTensor) -> tuple[list[list[tf.Tensor]], tf.Tensor]:
        """Returns what enters and leaves each layer of each member, and the logits."""
        (of_row, ids), count = tf.unstack(rows.indices, axis=1), rows.dense_shape[0]
        states = tf.split(first.multiply(of_row, ids, rows.values, count), len(members), axis=1)
        outputs = [[state] for state in states]
        for layers, of_member in zip(members, outputs, strict=True):
            for layer in layers:
                of_member.append(layer(of_member[-1]))
        last = [of_member[-1] for of_member in outputs]
        return outputs, mean_logits(tf.stack(last, axis=1)) if len(last) > 1 else last[0]

    def explain(rows: tf.SparseTensor, k: int) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        outputs, logits = forward(rows)
        # Ranked by scores, as they are suggested: those of large logits may be equal.
        _, columns = tf.math.top_k(tf.sigmoid(logits), k)
        pairs = [_go_back(*each, columns) for each in zip(members, outputs, strict=True)]
        slopes = tf.concat([slope for slope, _ in pairs], axis=2) / len(members)
        bias = tf.add_n([bias for _, bias in pairs]) / len(members)
        of_row, ids = tf.unstack(rows.indices, axis=1)
        added = first.contributions(of_row, ids, rows.values, slopes)
        by_text = [
            tf.RaggedTensor.from_value_rowids(
                each, of_row, rows.dense_shape[0], validate=False
            ).to_tensor()
            for each in (ids, added)
        ]
        ngrams, contributions = _extremes(by_text[0], tf.transpose(by_text[1], [0, 2, 1]))
        total = tf.reduce_sum(by_text[1], axis=1)
        return columns, {
            names.OUTPUT_LOGITS: tf.gather(logits, columns, batch_dims=1),
            names.OUTPUT_NGRAMS: ngrams,
            names.OUTPUT_CONTRIBUTIONS: contributions,
            names.OUTPUT_REST: total - tf.reduce_sum(contributions, axis=2),
            names.OUTPUT_BIAS: bias + tf.linalg.matvec(slopes, first.bias.value),
        }

    return lambda rows: forward(rows)[1], explain


def _go_back(
    layers: Sequence[keras.layers.Dense], outputs: Sequence[tf.Tensor], columns: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns a member's logits' slopes by the first layer's sums, [n, k, units], and biases."""
    slope = tf.gather(tf.transpose(layers[-1].kernel.value), columns)
    bias = tf.gather(layers[-1].bias.value, columns)
    for layer, output in zip(reversed(layers[:-1]), reversed(outputs[1:-1]), strict=True):
        slope = tf.where(output[:, tf.newaxis] > 0, slope, 0.0)
        bias += tf.linalg.matvec(slope, layer.bias.value)
        slope = tf.matmul(slope, layer.kernel.value, transpose_b=True)
    return tf.where(outputs[0][:, tf.newaxis] > 0, slope, 0.0), bias


def _extremes(ids: tf.Tensor, added: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns, of n-grams, [n, m], those that add most and least, and what they add, [n, k, m]."""
    # Zeros stand in for what is missing, and for what would count to the other side.
    padded = tf.pad(added, [[0, 0], [0, 0], [0, NAMED]])
    most, at_most = tf.math.top_k(padded, NAMED)
    least, at_least = tf.math.top_k(-padded, NAMED)
    places = tf.concat([at_most, at_least], axis=2)
    ngrams = tf.gather(tf.pad(ids, [[0, 0], [0, NAMED]]), places, batch_dims=1)
    return ngrams, tf.concat([most, 0.0 - least], axis=2)
