"""The saved transform graph inside a signature: only the part that the wanted features need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from schema import names


class TransformGraph(tf.Module):
    """A transform graph that is copied into the function that calls it.

    TensorFlow Transform's layer calls the whole graph as one function, which TensorFlow can't see
    into: each request for a text's labels would encode the true labels and hash the paper's key
    too, a fifth of the time of a single text.
    """

    def __init__(self, directory: str) -> None:
        """Loads the transform graph from its folder, `transform_savedmodel_dir` in TFT's output."""
        super().__init__()
        # Holds the tables and their files, which are saved with whatever holds this object.
        self._loaded = tf.saved_model.load(directory)
        self.features = frozenset(self._loaded.transform_fn.structured_outputs)
        # The words of each column, from the file of the graph's own tables: it is saved once.
        # Features of a profile's own may have none.
        self.ngrams: tf.lookup.StaticHashTable | None = None
        path = tf.io.gfile.join(directory, "assets", names.NGRAM_VOCABULARY)
        if tf.io.gfile.exists(path):
            vocabulary = tf.lookup.TextFileInitializer(
                path,
                *(tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
                *(tf.string, 0),
                delimiter="\t",
            )
            self.ngrams = tf.lookup.StaticHashTable(vocabulary, "")

    @tf.autograph.experimental.do_not_convert
    def __call__(self, raw: Mapping[str, Any], wanted: Sequence[str]) -> dict[str, Any]:
        """Computes features inside a `tf.function`.

        Args:
            raw: The raw features that the wanted ones need, by name.
            wanted: Names of transformed features.

        Returns:
            Tensors and sparse tensors by name.

        Raises:
            ValueError: A wanted feature needs a raw one that is not given.
        """
        function = self._loaded.transform_fn
        graph, captured = function.graph, function.captured_inputs
        specs = function.structured_input_signature[0][0]
        given = graph.inputs[: len(graph.inputs) - len(captured)]
        placeholders = tf.nest.pack_sequence_as(specs, given, expand_composites=True)
        feeds = dict(zip((each.name for each in graph.inputs[len(given) :]), captured, strict=True))
        for name, value in raw.items():
            of_raw = (each.name for each in _flatten(placeholders[name]))
            feeds |= zip(of_raw, _flatten(value), strict=True)
        every = tf.nest.pack_sequence_as(
            function.structured_outputs, graph.outputs, expand_composites=True
        )
        features = {name: every[name] for name in wanted}
        outputs = _flatten(features)
        # An output waits for all operations of the graph that have a state; what it passes on
        # does not.
        fetches = [each.op.inputs[0] for each in outputs]
        definition = _definition_of(graph, fetches)
        needed = {f"{node.name}:0" for node in definition.node if node.op == "Placeholder"}
        if missing := needed - feeds.keys():
            raise ValueError(f"{list(wanted)} need {sorted(missing)}; given are {sorted(raw)}")
        found = tf.graph_util.import_graph_def(
            definition,
            # By `identity` a table outside becomes an input of the function.
            {name: tf.identity(feeds[name]) for name in sorted(needed)},
            [each.name for each in fetches],
            name="transform",
        )
        for tensor, output in zip(found, outputs, strict=True):
            tensor.set_shape(output.shape)
        features = tf.nest.pack_sequence_as(features, found, expand_composites=True)
        return dict(features)


def _definition_of(graph: tf.Graph, fetches: Sequence[tf.Tensor]) -> Any:
    """Returns the GraphDef of what the tensors are computed from."""
    needed: set[str] = set()
    waiting = [each.op for each in fetches]
    while waiting:
        operation = waiting.pop()
        if operation.name not in needed:
            needed.add(operation.name)
            waiting += [*(each.op for each in operation.inputs), *operation.control_inputs]
    definition = graph.as_graph_def()
    kept = [node for node in definition.node if node.name in needed]
    del definition.node[:]
    definition.node.extend(kept)
    return definition


def _flatten(features: Any) -> list[tf.Tensor]:
    return list(tf.nest.flatten(features, expand_composites=True))
