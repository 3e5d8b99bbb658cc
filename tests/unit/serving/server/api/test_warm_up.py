"""Warm-up requests, on small SavedModels."""

import asyncio

import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from schema import names
from serving.server.api.warm_up import MAX_RECORDS, play_warm_up
from serving.server.model.runners import DirectRunner
from serving.server.model.saved_model import load_saved_model
from serving.server.store.servable import Servable
from tests.support.model_store import refusal
from tests.support.saved_models import half_plus_two, tf_example


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved_models") / "1"
    half_plus_two(path)
    return path


@pytest.fixture
def warm_up(saved_model):
    """Writes the warm-up of the SavedModel; it goes with the test."""
    path = saved_model / "assets.extra" / names.WARMUP_FILE
    path.parent.mkdir(exist_ok=True)

    def write(records):
        if isinstance(records, bytes):
            path.write_bytes(records)
            return path
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in records:
                data = record if isinstance(record, bytes) else record.SerializeToString()
                writer.write(data)
        return path

    yield write
    path.unlink(missing_ok=True)


def play(path):
    """Plays the warm-up of a model; returns the number of requests, and what the model was fed."""

    async def run():
        model = load_saved_model(path)
        runs, real = [], model.run

        def watched(inputs, *others):
            runs.append(dict(inputs))
            return real(inputs, *others)

        model.run = watched
        servable = Servable("m", 1, model, DirectRunner(model))
        try:
            return await play_warm_up(servable), runs
        finally:
            await servable.close()

    return asyncio.run(run())


def predict(x, name="m", signature="", alias="x"):
    log = PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    request.inputs[alias].CopyFrom(tf.make_tensor_proto(x, dtype=tf.float32))
    return log


def fill(request, *values, signature):
    request.model_spec.name = "m"
    request.model_spec.signature_name = signature
    request.input.example_list.examples.extend(tf_example(x=[value]) for value in values)


def test_without_a_file_nothing_is_played(saved_model):
    assert play(saved_model) == (0, [])


def test_each_kind_of_request_is_played(saved_model, warm_up):
    classify, regress, both, empty = (PredictionLog() for _ in range(4))
    fill(classify.classify_log.request, 3.0, signature="classify_x_to_y")
    fill(regress.regress_log.request, 4.0, 5.0, signature="regress_x_to_y")
    multi = both.multi_inference_log.request
    for signature, method in (("classify_x_to_y", "classify"), ("regress_x_to_y", "regress")):
        task = multi.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name = "m"
        task.model_spec.signature_name = signature
    multi.input.example_list.examples.append(tf_example(x=[6.0]))
    warm_up([predict([[1.0], [2.0]]), classify, regress, both, empty])
    count, runs = play(saved_model)
    assert count == 5
    seen = [
        [float(value) for value in array.ravel()]
        if array.dtype != object
        else [
            tf.train.Example.FromString(e).features.feature["x"].float_list.value[0] for e in array
        ]
        for inputs in runs
        for array in inputs.values()
    ]
    assert seen == [[1.0, 2.0], [3.0], [4.0, 5.0], [6.0]]


def test_the_model_that_a_request_names_does_not_matter(saved_model, warm_up):
    other, none = predict([[1.0]], name="another"), predict([[2.0]])
    other.predict_log.request.model_spec.version.value = 77
    none.predict_log.request.ClearField("model_spec")
    warm_up([other, none])
    assert play(saved_model)[0] == 2


@pytest.mark.parametrize(
    ("log", "code", "message"),
    [
        (predict([[1.0]], alias="z"), "INVALID_ARGUMENT", "z"),
        (predict([[1.0]], signature="none_such"), None, "none_such"),
        (PredictionLog(session_run_log={}), "UNIMPLEMENTED", "Unsupported log_type for warmup: 5"),
    ],
)
def test_a_bad_request_refuses_the_model(saved_model, warm_up, log, code, message):
    warm_up([predict([[1.0]]), log])
    got, found = refusal(play, saved_model)
    assert code is None or got == code
    assert message in found


def test_a_request_that_fails_in_the_model_refuses_it(saved_model, warm_up):
    """`regress_x2_to_y3` takes floats, where the API feeds serialized examples."""
    log = PredictionLog()
    fill(log.regress_log.request, 1.0, signature="regress_x2_to_y3")
    warm_up([log])
    assert refusal(play, saved_model)[0] == "INVALID_ARGUMENT"


def test_at_most_1000_requests(saved_model, warm_up):
    empty = [PredictionLog()] * MAX_RECORDS
    warm_up(empty)
    assert play(saved_model)[0] == 1000
    path = warm_up([*empty, PredictionLog()])
    assert refusal(play, saved_model) == (
        "INVALID_ARGUMENT",
        f"Number of warmup records exceeds the maximum (1000) at {path}",
    )


def test_a_file_that_is_not_tfrecord_or_cut_short_is_refused(saved_model, warm_up):
    warm_up(b"no record" * 9)
    code, message = refusal(play, saved_model)
    assert code == "DATA_LOSS"
    assert message.endswith(". Please verify your warmup data is in TFRecord format.")
    whole = warm_up([predict([[1.0]]), predict([[2.0]])]).read_bytes()
    warm_up(whole[:-2])
    assert refusal(play, saved_model)[0] == "DATA_LOSS"


def test_a_record_that_is_not_a_prediction_log_is_refused(saved_model, warm_up):
    path = warm_up([b"\xff\xff\xff"])
    code, message = refusal(play, saved_model)
    assert code == "INVALID_ARGUMENT"
    assert message.startswith("Failed to parse warmup record: ")
    assert message.endswith(f" from {path}")
