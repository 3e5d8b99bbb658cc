"""Classify and Regress: tf.Examples in, classes or values out.

The checks of a signature and its outputs speak in TF Serving's words.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.python.framework.dtypes import as_dtype
from tensorflow_serving.apis.classification_pb2 import ClassificationResult
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.regression_pb2 import RegressionResult

from serving.server.errors import invalid_argument
from serving.server.model.signatures import CLASSIFY, REGRESS, Signature
from serving.server.model.tensors import Array, show_shape

_KINDS: Final = {CLASSIFY: "classification", REGRESS: "regression"}
_INPUTS: Final = "inputs"
_OUTPUTS: Final = "outputs"
_CLASSES: Final = "classes"
_SCORES: Final = "scores"


def serialized_examples(given: Input) -> Array:
    """Returns the tf.Examples of a request as bytes [n], the context put before each.

    Raises:
        ServingError: There is none.

    Source: InputToSerializedExampleTensor in servables/tensorflow/util.cc.
    """
    context = b""
    examples = given.example_list.examples
    if given.WhichOneof("kind") == "example_list_with_context":
        # Put together, two serialized messages are their merger.
        context = given.example_list_with_context.context.SerializeToString()
        examples = given.example_list_with_context.examples
    if not examples:
        raise invalid_argument("Input is empty.")
    return np.array([context + example.SerializeToString() for example in examples], np.object_)


def tensors_of(
    signature: Signature, method: str, check_method_name: bool
) -> tuple[str, tuple[str, ...]]:
    """Checks that a signature classifies or regresses.

    Args:
        signature: The signature.
        method: The method name of Classify or of Regress.
        check_method_name: Whether the signature's must be the same.

    Returns:
        The names of the input tensor and of the output tensors.

    Raises:
        ServingError: The method is another, or the inputs or outputs are not the method's.

    Source: PreProcessClassification and PreProcessRegression.
    """
    kind = _KINDS[method]
    if check_method_name and signature.method != method:
        raise invalid_argument(
            f"Expected {kind} signature method_name to be {method}. Was: {signature.method}"
        )
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if method == CLASSIFY and len(signature.outputs) not in (1, 2):
        raise invalid_argument(
            f"Expected one or two output Tensors, found {len(signature.outputs)}"
        )
    if method == REGRESS and len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    if _INPUTS not in signature.inputs:
        raise invalid_argument(f"No {kind} inputs found in SignatureDef: {signature.proto}")
    known = [name for name in (_CLASSES, _SCORES) if name in signature.outputs]
    if method == CLASSIFY and not known:
        raise invalid_argument(
            f'Expected classification signature outputs to contain at least one of "{_CLASSES}" '
            f'or "{_SCORES}". Signature was: {signature.proto}'
        )
    if method == REGRESS and _OUTPUTS not in signature.outputs:
        raise invalid_argument(f"No {kind} outputs found in SignatureDef: {signature.proto}")
    wanted = known if method == CLASSIFY else [_OUTPUTS]
    return signature.inputs[_INPUTS].name, tuple(signature.choose(wanted).values())


def fill_classifications(
    signature: Signature, count: int, tensors: Mapping[str, Array], result: ClassificationResult
) -> None:
    """Writes the classes of each example.

    Args:
        signature: The signature that was run.
        count: Number of examples.
        tensors: Its output tensors by name: classes, string [n, k]; scores, float32 [n, k].
        result: Is filled.

    Raises:
        ServingError: The outputs do not fit the examples or each other.

    Source: PostProcessClassificationResult.
    """
    classes = _checked(signature, _CLASSES, np.dtype(np.object_), count, tensors)
    scores = _checked(signature, _SCORES, np.dtype(np.float32), count, tensors)
    if classes is not None and scores is not None and classes.shape[1] != scores.shape[1]:
        raise invalid_argument(
            "Tensors class and score should match in dim_size(1). Got "
            f"{classes.shape[1]} vs. {scores.shape[1]}"
        )
    labels = [] if classes is None else classes.tolist()
    values = [] if scores is None else scores.tolist()
    for row_labels, row_values in itertools.zip_longest(labels, values, fillvalue=()):
        into = result.classifications.add().classes
        for label, value in itertools.zip_longest(row_labels, row_values):
            text = None if label is None else label.decode("utf-8", errors="replace")
            into.add(label=text, score=value)


def fill_regressions(
    signature: Signature, count: int, tensors: Mapping[str, Array], result: RegressionResult
) -> None:
    """Writes the value of each example.

    Args:
        signature: The signature that was run.
        count: Number of examples.
        tensors: Its output tensor by name, float32 [n] or [n, 1].
        result: Is filled.

    Raises:
        ServingError: The output does not fit the examples.

    Source: PostProcessRegressionResult.
    """
    output = tensors[signature.outputs[_OUTPUTS].name]
    if not (output.ndim == 1 or (output.ndim == 2 and output.shape[1] == 1)):
        raise invalid_argument(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{show_shape(output)}"
        )
    if len(output) != count:
        raise invalid_argument(
            f"Input batch size did not match output batch size: {count} vs. {len(output)}"
        )
    if output.dtype != np.float32:
        raise invalid_argument(f"Expected output Tensor of DT_FLOAT.  Got: {_type(output)}")
    for value in output.ravel().tolist():
        result.regressions.add().value = value


def _checked(
    signature: Signature, alias: str, dtype: np.dtype[Any], count: int, tensors: Mapping[str, Array]
) -> Array | None:
    if alias not in signature.outputs:
        return None
    output = tensors[signature.outputs[alias].name]
    if output.ndim != 2:
        raise invalid_argument(
            f"Expected Tensor shape: [batch_size num_classes] but got {show_shape(output)}"
        )
    if output.dtype != dtype:
        expected = types_pb2.DataType.Name(as_dtype(dtype).as_datatype_enum)
        raise invalid_argument(f"Expected {alias} Tensor of {expected}. Got: {_type(output)}")
    if len(output) != count:
        raise invalid_argument(f"Expected {alias} output batch size of {count}. Got: {len(output)}")
    return output


def _type(array: Array) -> str:
    return str(types_pb2.DataType.Name(as_dtype(array.dtype).as_datatype_enum))
