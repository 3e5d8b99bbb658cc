"""The part of the transform graph that a signature needs, compared with TFT's layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.transform_graph import TransformGraph
from schema import names
from tests.support.trainer_served import Parts

WEIGHTS = [names.TFIDF]
LABELS = [names.LABELS, names.UNKNOWN_LABELS]


@pytest.fixture(scope="module")
def raw(parts: Parts) -> dict[str, object]:
    return {
        names.TITLES: tf.constant(parts.titles),
        names.SUMMARIES: tf.constant(parts.abstracts),
        names.TERMS: tf.sparse.from_dense(
            [["cs.LG", "unheard of"]] + [["stat.ML", ""]] * (len(parts.titles) - 1)
        ),
        names.LEFT_OUT_TERMS: tf.sparse.from_dense([["rare"]] * len(parts.titles)),
    }


def traced(parts: Parts, given: list[str], wanted: list[str]) -> Any:
    graph = TransformGraph(parts.analysis.output.transform_savedmodel_dir)
    return tf.function(lambda raw: graph({name: raw[name] for name in given}, wanted))


@pytest.mark.parametrize(
    ("given", "wanted"),
    [([names.TITLES, names.SUMMARIES], WEIGHTS), ([names.TERMS, names.LEFT_OUT_TERMS], LABELS)],
)
def test_features_are_bit_for_bit_those_of_the_layer(parts, raw, given, wanted):
    expected = parts.analysis.output.transform_features_layer()(raw)
    found = traced(parts, given, wanted)(raw)
    assert found.keys() == set(wanted)
    for name in wanted:
        pairs = zip(
            tf.nest.flatten(found[name], expand_composites=True),
            tf.nest.flatten(expected[name], expand_composites=True),
            strict=True,
        )
        for mine, theirs in pairs:
            np.testing.assert_array_equal(mine, theirs)


def test_only_what_is_needed_is_in_the_graph(parts, raw):
    function = traced(parts, [names.TITLES, names.SUMMARIES], WEIGHTS).get_concrete_function(raw)
    operations = {each.type for each in function.graph.get_operations()}
    assert not operations & {"StatefulPartitionedCall", "PartitionedCall", "UnsortedSegmentSum"}


def test_a_raw_feature_that_is_missing_is_named(parts, raw):
    with pytest.raises(ValueError, match=r"given are \['titles'\]"):
        traced(parts, [names.TITLES], WEIGHTS)(raw)
