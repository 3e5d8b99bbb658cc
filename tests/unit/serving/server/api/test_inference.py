"""What each method of PredictionService answers and refuses, without a transport."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from types import SimpleNamespace

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.any_pb2 import Any
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow_serving.apis.classification_pb2 import ClassificationRequest
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    SignatureDefMap,
)
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.regression_pb2 import RegressionRequest

from serving.server.api.inference import Inference, run_signature
from serving.server.errors import ServingError, not_found
from serving.server.model.runners import BatchingOptions, BatchingRunner, DirectRunner
from serving.server.model.saved_model import load_saved_model
from serving.server.model.signatures import Signature
from tests.support.saved_models import half_plus_two, small_tagger, tf_example

PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


class OneModel:
    """A store of one version of a model "m", which counts its leases."""

    def __init__(self, model, runner) -> None:
        self.servable = SimpleNamespace(name="m", version=7, model=model, runner=runner)
        self.leases = 0

    @contextmanager
    def lease(self, spec):
        if spec.name != "m":
            raise not_found(f"no model {spec.name!r}")
        self.leases += 1
        yield self.servable
        self.leases -= 1


class Answering:
    """Runs nothing: its outputs are given, and its inputs kept."""

    def __init__(self, **outputs: np.ndarray) -> None:
        self._outputs = {f"{name}:0": value for name, value in outputs.items()}
        self.inputs = None
        self.timeout = None

    async def run(self, inputs, outputs, *, timeout):
        self.inputs, self.timeout = inputs, timeout
        return [self._outputs[name] for name in outputs]


def answering(method: str, inputs: list[str], **outputs) -> Inference:
    """A model whose default signature has these inputs and gives these outputs."""
    proto = SignatureDef(method_name=method)
    for name in inputs:
        proto.inputs[name].name = f"{name}:0"
    for name in outputs:
        proto.outputs[name].name = f"{name}:0"
    model = SimpleNamespace(tables={"serving_default": Signature.read("serving_default", proto)})
    return Inference(OneModel(model, Answering(**outputs)))


@pytest.fixture(scope="module")
def half(tmp_path_factory):
    path = tmp_path_factory.mktemp("half") / "1"
    half_plus_two(path)
    return load_saved_model(path)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    path = tmp_path_factory.mktemp("tagger") / "1"
    small_tagger(path)
    return load_saved_model(path)


@pytest.fixture(params=["direct", "batching"])
def inference(half, request) -> Inference:
    if request.param == "direct":
        return Inference(OneModel(half, DirectRunner(half)))
    return Inference(OneModel(half, BatchingRunner(half, BatchingOptions())))


def predict_request(signature: str = "", **inputs) -> PredictRequest:
    request = PredictRequest()
    request.model_spec.name = "m"
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(
            value if isinstance(value, TensorProto) else tf.make_tensor_proto(value)
        )
    return request


def fill_examples(request, *examples: dict, context: dict | None = None) -> None:
    if context is not None:
        request.input.example_list_with_context.context.CopyFrom(tf_example(**context))
    into = (
        request.input.example_list if context is None else request.input.example_list_with_context
    )
    into.examples.extend([tf_example(**each) for each in examples])


def classify_request(signature: str = "", *examples: dict, **more) -> ClassificationRequest:
    request = ClassificationRequest()
    request.model_spec.name = "m"
    request.model_spec.signature_name = signature
    fill_examples(request, *examples, **more)
    return request


def regress_request(signature: str = "", *examples: dict, **more) -> RegressionRequest:
    request = RegressionRequest()
    request.model_spec.name = "m"
    request.model_spec.signature_name = signature
    fill_examples(request, *examples, **more)
    return request


def multi_request(*tasks: tuple[str, str], model: str = "m") -> MultiInferenceRequest:
    request = MultiInferenceRequest()
    for signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name = model
        task.model_spec.signature_name = signature
    return request


def outputs_of(response) -> dict[str, list]:
    return {name: tf.make_ndarray(value).tolist() for name, value in response.outputs.items()}


def spec_of(response) -> tuple[str, str, int]:
    spec = response.model_spec
    return spec.name, spec.signature_name, spec.version.value


def refusal(awaitable) -> ServingError:
    with pytest.raises(ServingError) as caught:
        asyncio.run(awaitable)
    return caught.value


def test_predict(inference):
    response = asyncio.run(inference.predict(predict_request(x=np.float32([[1], [4]]))))
    assert outputs_of(response) == {"y": [[2.5], [4]]}
    # As TF Serving serializes by default: in the field of the type.
    assert list(response.outputs["y"].float_val) == [2.5, 4]
    assert spec_of(response) == ("m", "serving_default", 7)
    assert inference._models.leases == 0


def test_predict_takes_any_signature_and_any_number_of_rows(inference):
    request = predict_request("regress_x2_to_y3", inputs=np.float32([2]))
    response = asyncio.run(inference.predict(request))
    assert outputs_of(response) == {"outputs": [4]}
    assert spec_of(response) == ("m", "regress_x2_to_y3", 7)
    example = tf_example(x=[2.0]).SerializeToString()
    request = predict_request("classify_x_to_y", inputs=[example] * 100)
    assert outputs_of(asyncio.run(inference.predict(request))) == {"scores": [[3]] * 100}
    response = asyncio.run(inference.predict(predict_request(x=np.zeros((0, 1), np.float32))))
    assert tf.make_ndarray(response.outputs["y"]).shape == (0, 1)


def test_predict_on_texts_and_output_filters(tagger):
    inference = Inference(OneModel(tagger, DirectRunner(tagger)))
    oracle = tf.saved_model.load(str(tagger.path)).signatures["serving_default"]
    texts = [b"", b"stat.ML " * 50]
    expected = {name: value.numpy().tolist() for name, value in oracle(tf.constant(texts)).items()}
    request = predict_request(text=texts)
    assert outputs_of(asyncio.run(inference.predict(request))) == expected
    for chosen in (["scores"], ["suggested", "labels"]):
        del request.output_filter[:]
        request.output_filter.extend(chosen)
        found = outputs_of(asyncio.run(inference.predict(request)))
        assert found == {name: expected[name] for name in chosen}


def missing_spec() -> PredictRequest:
    request = predict_request(x=np.float32([1]))
    request.ClearField("model_spec")
    return request


def filtered(*names: str) -> PredictRequest:
    request = predict_request(x=np.float32([1]))
    request.output_filter.extend(names)
    return request


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (missing_spec(), INVALID, "Missing ModelSpec"),
        (
            predict_request("nope", x=np.float32([1])),
            PRECONDITION,
            'Serving signature key "nope" not found.',
        ),
        (
            predict_request(),
            INVALID,
            "input size does not match signature: 0!=1 len({}) != len({x}). Sent extra: {}. "
            "Missing but required: {x}.",
        ),
        (
            predict_request(x=np.float32([1]), z=np.float32([1]), a=np.float32([1])),
            INVALID,
            "input size does not match signature: 3!=1 len({a,x,z}) != len({x}). "
            "Sent extra: {a,z}. Missing but required: {}.",
        ),
        (
            predict_request(z=np.float32([1])),
            INVALID,
            "Signature input alias: x(feed name: x:0) not found in request and no default value "
            "provided. Inputs expected to be in the request {z}, or default input alias set: ",
        ),
        (
            predict_request(x=TensorProto(dtype=1, tensor_content=b"abc")),
            INVALID,
            "tensor parsing error: x",
        ),
        (
            predict_request(x=[b"text"]),
            INVALID,
            "Expects arg[0] to be float but string is provided",
        ),
        (
            predict_request(x=np.int64([1])),
            INVALID,
            "Expects arg[0] to be float but int64 is provided",
        ),
        (
            filtered("nope"),
            INVALID,
            "output tensor alias not found in signature: nope Outputs expected to be in the set "
            "{y}.",
        ),
        (filtered("y", "y"), INVALID, "duplicate output tensor alias: y"),
    ],
    ids=lambda each: "" if isinstance(each, PredictRequest) else str(each),
)
def test_predict_refuses_in_tf_servings_words(inference, request_, code, message):
    error = refusal(inference.predict(request_))
    assert (error.code, error.message) == (code, message)


def test_predict_refuses_shapes_that_the_graph_refuses(tagger):
    inference = Inference(OneModel(tagger, DirectRunner(tagger)))
    error = refusal(inference.predict(predict_request("evaluate", inputs=[[b""]])))
    assert error.code is INVALID
    assert "serialized" in error.message


def test_predict_refuses_what_is_not_for_inference(tagger):
    inference = Inference(OneModel(tagger, DirectRunner(tagger)))
    error = refusal(inference.predict(predict_request("__saved_model_init_op")))
    assert error.code is grpc.StatusCode.INTERNAL
    assert error.message == (
        "Expected prediction signature method_name to be one of {tensorflow/serving/predict, "
        "tensorflow/serving/classify, tensorflow/serving/regress}. Was: "
    )


def test_an_input_with_a_default_may_be_left_out():
    proto = SignatureDef(method_name=PREDICT)
    proto.inputs["x"].name, proto.inputs["y"].name = "x:0", "y:0"
    proto.defaults["y"].CopyFrom(tf.make_tensor_proto([5.0]))
    proto.outputs["z"].name = "z:0"
    model = SimpleNamespace(tables={"serving_default": Signature.read("serving_default", proto)})
    runner = Answering(z=np.float32([1]))
    inference = Inference(OneModel(model, runner))
    asyncio.run(inference.predict(predict_request(x=[1.0])))
    assert {name: value.tolist() for name, value in runner.inputs.items()} == {
        "x:0": [1],
        "y:0": [5],
    }
    asyncio.run(inference.predict(predict_request(x=[1.0], y=[2.0])))
    assert runner.inputs["y:0"].tolist() == [2]
    message = refusal(inference.predict(predict_request(x=[1.0], q=[2.0]))).message
    assert message == ("Inputs contains invalid name. Used request inputs: x, request input: q,x")


def test_outputs_keep_their_names_whatever_their_tensors_are_called():
    proto = SignatureDef(method_name=PREDICT)
    proto.inputs["x"].name = "x:0"
    proto.outputs["first"].name, proto.outputs["second"].name = "z:0", "a:0"
    model = SimpleNamespace(tables={"serving_default": Signature.read("serving_default", proto)})
    runner = Answering(z=np.float32([1]), a=np.float32([2]))
    response = asyncio.run(Inference(OneModel(model, runner)).predict(predict_request(x=[1.0])))
    assert outputs_of(response) == {"first": [1], "second": [2]}


def test_timeouts_reach_the_runner():
    inference = answering(PREDICT, ["x"], y=np.float32([1]))
    asyncio.run(inference.predict(predict_request(x=[1.0]), timeout=2.5))
    assert inference._models.servable.runner.timeout == 2.5


def test_run_signature_checks_as_predict_does(half):
    servable = OneModel(half, DirectRunner(half)).servable
    found = asyncio.run(run_signature(servable, "", {"x": np.float32([6])}, ["y"]))
    assert {name: value.tolist() for name, value in found.items()} == {"y": [5]}
    error = refusal(run_signature(servable, "", {"q": np.float32([6])}))
    assert "Signature input alias: x(feed name: x:0) not found in request" in error.message
    error = refusal(run_signature(servable, "", {"x": np.float32([6])}, ["z"]))
    assert "output tensor alias not found in signature: z" in error.message


def test_classify_with_scores_alone(inference):
    request = classify_request("classify_x_to_y", {"x": [2.0]}, {"x": [4.0]})
    response = asyncio.run(inference.classify(request))
    found = [[(each.label, each.score) for each in row.classes] for row in classes_of(response)]
    assert found == [[("", 3.0)], [("", 4.0)]]
    assert spec_of(response) == ("m", "classify_x_to_y", 7)


def classes_of(response):
    return response.result.classifications


def test_classify_with_classes_and_scores(tagger):
    inference = Inference(OneModel(tagger, DirectRunner(tagger)))
    oracle = tf.saved_model.load(str(tagger.path)).signatures["classify"]
    papers = [
        {"summaries": [b"cs.LG LG"]},
        {"titles": [b"CO"], "summaries": [b"math"]},
        {"summaries": [b""], "terms": [b"cs.CV"]},
    ]
    serialized = [tf_example(**paper).SerializeToString() for paper in papers]
    expected = oracle(tf.constant(serialized))
    response = asyncio.run(inference.classify(classify_request("classify", *papers)))
    labels = [[each.label.encode() for each in row.classes] for row in classes_of(response)]
    scores = [[each.score for each in row.classes] for row in classes_of(response)]
    assert labels == expected["classes"].numpy().tolist()
    assert scores == expected["scores"].numpy().tolist()


def test_classify_with_classes_alone_some_of_which_are_no_text():
    classes = np.array([[b"a", b"\xffb"]], object)
    inference = answering(CLASSIFY, ["inputs"], classes=classes)
    response = asyncio.run(inference.classify(classify_request("", {})))
    assert [each.label for each in classes_of(response)[0].classes] == ["a", "\ufffdb"]
    assert not classes_of(response)[0].classes[0].score


def test_regress(inference):
    request = regress_request("regress_x_to_y2", {"x": [2.0]}, {"x": [4.0]})
    response = asyncio.run(inference.regress(request))
    assert [each.value for each in response.result.regressions] == [4.0, 5.0]
    assert spec_of(response) == ("m", "regress_x_to_y2", 7)


def test_the_context_stands_before_every_example(inference):
    context = {"x": [2.0]}
    examples = ({"x2": [1.0]}, {"x": [4.0]})
    request = regress_request("regress_x_to_y", *examples, context=context)
    response = asyncio.run(inference.regress(request))
    # What an example says itself wins.
    assert [each.value for each in response.result.regressions] == [3.0, 4.0]


@pytest.mark.parametrize("context", [None, {"x": [1.0]}])
def test_no_example(inference, context):
    for asked in (
        inference.classify(classify_request("classify_x_to_y", context=context)),
        inference.regress(regress_request("regress_x_to_y", context=context)),
    ):
        error = refusal(asked)
        assert (error.code, error.message) == (INVALID, "Input is empty.")


def test_classify_and_regress_want_a_model_and_the_method(inference):
    bare = ClassificationRequest()
    fill_examples(bare, {"x": [1.0]})
    for asked, message in (
        (inference.classify(bare), "Missing ModelSpec"),
        (inference.regress(RegressionRequest()), "Missing ModelSpec"),
        (
            inference.classify(classify_request("nope", {"x": [1.0]})),
            "No signature was found with the name: nope",
        ),
        (
            inference.classify(classify_request("", {"x": [1.0]})),
            "Expected classification signature method_name to be tensorflow/serving/classify. "
            "Was: tensorflow/serving/predict",
        ),
        (
            inference.regress(regress_request("classify_x_to_y", {"x": [1.0]})),
            "Expected regression signature method_name to be tensorflow/serving/regress. "
            "Was: tensorflow/serving/classify",
        ),
        (
            inference.regress(regress_request("regress_x2_to_y3", {"x": [1.0]})),
            "Expects arg[0] to be float but string is provided",
        ),
    ):
        error = refusal(asked)
        assert (error.code, error.message) == (INVALID, message)


def test_an_example_without_the_feature(inference):
    error = refusal(inference.regress(regress_request("regress_x_to_y", {"x2": [1.0]})))
    assert error.code is INVALID
    assert "Feature: x (data type: float) is required but could not be found" in error.message


FLOATS = np.float32([[1, 2]])
WORDS = np.array([[b"a", b"b"]], object)


@pytest.mark.parametrize(
    ("inputs", "outputs", "code", "message"),
    [
        (["inputs", "x"], {"scores": FLOATS}, INVALID, "Expected one input Tensor."),
        (
            ["inputs"],
            {"scores": FLOATS, "classes": WORDS, "more": WORDS},
            INVALID,
            "Expected one or two output Tensors, found 3",
        ),
        (
            ["x"],
            {"scores": FLOATS},
            PRECONDITION,
            "No classification inputs found in SignatureDef: ",
        ),
        (
            ["inputs"],
            {"other": FLOATS},
            PRECONDITION,
            'Expected classification signature outputs to contain at least one of "classes" or '
            '"scores". Signature was: ',
        ),
        (
            ["inputs"],
            {"scores": FLOATS[0]},
            INVALID,
            "Expected Tensor shape: [batch_size num_classes] but got [2]",
        ),
        (
            ["inputs"],
            {"scores": FLOATS.astype(np.float64)},
            INVALID,
            "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE",
        ),
        (
            ["inputs"],
            {"classes": FLOATS},
            INVALID,
            "Expected classes Tensor of DT_STRING. Got: DT_FLOAT",
        ),
        (
            ["inputs"],
            {"scores": np.float32([[1], [2]])},
            INVALID,
            "Expected scores output batch size of 1. Got: 2",
        ),
        (
            ["inputs"],
            {"scores": FLOATS, "classes": WORDS[:, :1]},
            INVALID,
            "Tensors class and score should match in dim_size(1). Got 1 vs. 2",
        ),
    ],
)
def test_classify_checks_the_signature_and_its_outputs(inputs, outputs, code, message):
    inference = answering(CLASSIFY, inputs, **outputs)
    error = refusal(inference.classify(classify_request("", {})))
    assert error.code is code
    assert error.message.startswith(message)


@pytest.mark.parametrize(
    ("inputs", "outputs", "code", "message"),
    [
        (["inputs", "x"], {"outputs": FLOATS}, INVALID, "Expected one input Tensor."),
        (
            ["inputs"],
            {"outputs": FLOATS, "more": FLOATS},
            INVALID,
            "Expected one output Tensor.",
        ),
        (
            ["x"],
            {"outputs": FLOATS},
            PRECONDITION,
            "No regression inputs found in SignatureDef: ",
        ),
        (
            ["inputs"],
            {"y": FLOATS},
            PRECONDITION,
            "No regression outputs found in SignatureDef: ",
        ),
        (
            ["inputs"],
            {"outputs": FLOATS},
            INVALID,
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            "[1,2]",
        ),
        (
            ["inputs"],
            {"outputs": np.float32([1, 2, 3])},
            INVALID,
            "Input batch size did not match output batch size: 1 vs. 3",
        ),
        (
            ["inputs"],
            {"outputs": np.int32([1])},
            INVALID,
            "Expected output Tensor of DT_FLOAT.  Got: DT_INT32",
        ),
    ],
)
def test_regress_checks_the_signature_and_its_output(inputs, outputs, code, message):
    inference = answering(REGRESS, inputs, **outputs)
    error = refusal(inference.regress(regress_request("", {})))
    assert error.code is code
    assert error.message.startswith(message)


def test_multi_inference(inference):
    request = multi_request(
        ("regress_x_to_y", REGRESS), ("classify_x_to_y", CLASSIFY), ("regress_x_to_y2", REGRESS)
    )
    fill_examples(request, {"x": [2.0]}, {"x": [4.0]})
    response = asyncio.run(inference.multi_inference(request))
    first, second, third = response.results
    assert [each.value for each in first.regression_result.regressions] == [3.0, 4.0]
    scores = [row.classes[0].score for row in second.classification_result.classifications]
    assert scores == [3.0, 4.0]
    assert [each.value for each in third.regression_result.regressions] == [4.0, 5.0]
    assert [spec_of(each) for each in response.results] == [
        ("m", "regress_x_to_y", 7),
        ("m", "classify_x_to_y", 7),
        ("m", "regress_x_to_y2", 7),
    ]


def two_models() -> MultiInferenceRequest:
    request = multi_request(("regress_x_to_y", REGRESS))
    request.MergeFrom(multi_request(("classify_x_to_y", CLASSIFY), model="other"))
    return request


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (
            two_models(),
            INVALID,
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            multi_request(("regress_x_to_y", REGRESS), ("regress_x_to_y", CLASSIFY)),
            INVALID,
            "Duplicate evaluation of signature: regress_x_to_y",
        ),
        (
            multi_request(("nope", REGRESS)),
            INVALID,
            "Requested signature not found in model graph: nope",
        ),
        (
            multi_request(("", PREDICT)),
            grpc.StatusCode.UNIMPLEMENTED,
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
        (
            multi_request(("regress_x_to_y", CLASSIFY)),
            INVALID,
            "Expected classification signature method_name to be tensorflow/serving/classify. "
            "Was: tensorflow/serving/regress",
        ),
        (
            multi_request(("regress_x_to_y", REGRESS), ("regress_x2_to_y3", REGRESS)),
            INVALID,
            "Input tensor must be the same for all Signatures.",
        ),
        (MultiInferenceRequest(), grpc.StatusCode.NOT_FOUND, "no model ''"),
    ],
    ids=lambda each: "" if isinstance(each, MultiInferenceRequest) else str(each),
)
def test_multi_inference_refuses_in_tf_servings_words(inference, request_, code, message):
    fill_examples(request_, {"x": [1.0], "x2": [1.0]})
    error = refusal(inference.multi_inference(request_))
    assert (error.code, error.message) == (code, message)


def test_multi_inference_wants_examples(inference):
    error = refusal(inference.multi_inference(multi_request(("regress_x_to_y", REGRESS))))
    assert (error.code, error.message) == (INVALID, "Input is empty.")


def metadata_request(*fields: str) -> GetModelMetadataRequest:
    request = GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = "m"
    return request


def test_metadata_are_all_signatures_of_the_file(tagger):
    """TensorFlow's own for setting up too, as TF Serving shows them."""
    inference = Inference(OneModel(tagger, DirectRunner(tagger)))
    response = inference.metadata(metadata_request("signature_def"))
    assert spec_of(response) == ("m", "", 7)
    assert response.metadata.keys() == {"signature_def"}
    packed: Any = response.metadata["signature_def"]
    assert packed.type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
    found = SignatureDefMap()
    assert packed.Unpack(found)
    assert dict(found.signature_def) == tagger.signatures
    assert "__saved_model_init_op" in found.signature_def


def test_metadata_refuses_in_tf_servings_words(inference):
    for request, message in (
        (GetModelMetadataRequest(metadata_field=["signature_def"]), "Missing ModelSpec"),
        (
            metadata_request(),
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        (
            metadata_request("signature_def", "weights"),
            "Metadata field %s is not supportedweights",
        ),
    ):
        with pytest.raises(ServingError) as caught:
            inference.metadata(request)
        assert (caught.value.code, caught.value.message) == (INVALID, message)
