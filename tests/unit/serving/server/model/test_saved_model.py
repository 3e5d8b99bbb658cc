"""Loading a SavedModel by its graph, and what is said of one that can't be loaded."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel as SavedModelProto

from serving.server.errors import ServingError
from serving.server.model.saved_model import load_saved_model
from tests.support.saved_models import feature_example, half_plus_two, small_tagger

TEXTS = [b"On graphs", b"", "über cs.LG: Bildern".encode(), b"stat " * 300]
EXAMPLES = [
    feature_example(titles=[b"A title. "], summaries=[b"Abstract"], terms=[b"cs.LG", b"new"]),
    feature_example(summaries=[b"Nothing else"]),
]
HALF_PLUS_TWO_EXAMPLES = [feature_example(x=[1.0], x2=[4.0]), feature_example(x=[3.0])]


class WithVocabulary(tf.Module):
    """Looks words up in a file, and has no variable."""

    def __init__(self, vocabulary: Path) -> None:
        super().__init__()
        lookup = tf.lookup.TextFileInitializer(
            str(vocabulary),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        self.table = tf.lookup.StaticHashTable(lookup, -1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="words")])
    def find(self, words):
        return {"positions": self.table.lookup(words)}


@pytest.fixture(scope="module")
def half(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("half") / "1"
    half_plus_two(path)
    return path


@pytest.fixture(scope="module")
def tagger(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tagger") / "1"
    small_tagger(path)
    return path


@pytest.fixture
def broken(half, tmp_path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(half, tmp_path / "broken"))


def strings(values: list[bytes]) -> np.ndarray:
    return np.array(values, dtype=object)


def answer(model, key: str, value: np.ndarray) -> dict[str, np.ndarray]:
    signature = model.signatures[key]
    (feed,) = (info.name for info in signature.inputs.values())
    aliases = sorted(signature.outputs)
    values = model.run({feed: value}, [signature.outputs[alias].name for alias in aliases])
    return dict(zip(aliases, values, strict=True))


def refusal(path: Path) -> ServingError:
    with pytest.raises(ServingError) as caught:
        load_saved_model(path)
    return caught.value


def rewrite(path: Path, change) -> None:
    file = path / "saved_model.pb"
    proto = SavedModelProto.FromString(file.read_bytes())
    change(proto.meta_graphs[0])
    file.write_bytes(proto.SerializeToString())


def test_a_model_of_tensorflow_1_computes_with_its_variables(half):
    model = load_saved_model(half)
    assert model.path == half
    assert {key: signature.method for key, signature in model.signatures.items()} == {
        "serving_default": "tensorflow/serving/predict",
        "regress_x_to_y": "tensorflow/serving/regress",
        "regress_x_to_y2": "tensorflow/serving/regress",
        "regress_x2_to_y3": "tensorflow/serving/regress",
        "classify_x_to_y": "tensorflow/serving/classify",
    }
    x = np.float32([[1], [2], [-3]])
    np.testing.assert_array_equal(answer(model, "serving_default", x)["y"], x / 2 + 2)
    examples = strings(HALF_PLUS_TWO_EXAMPLES)
    for key, alias, expected in (
        ("regress_x_to_y", "outputs", [[2.5], [3.5]]),
        ("regress_x_to_y2", "outputs", [[3.5], [4.5]]),
        ("classify_x_to_y", "scores", [[2.5], [3.5]]),
    ):
        assert answer(model, key, examples)[alias].tolist() == expected
    # Set up from the model's own copy of the file: the one it was saved from is gone.
    assert model.run({}, ["contents:0"]) == [b"asset-file-contents"]


def test_every_signature_of_a_model_of_tensorflow_2_answers_as_tensorflow_does(tagger):
    model = load_saved_model(tagger)
    oracle = tf.saved_model.load(str(tagger))
    assert len(oracle.signatures) == 6
    for key, function in oracle.signatures.items():
        ((argument, _),) = function.structured_input_signature[1].items()
        given = TEXTS if argument == "text" else EXAMPLES
        expected = function(**{argument: tf.constant(given)})
        found = answer(model, key, strings(given))
        assert found.keys() == expected.keys()
        for alias, value in expected.items():
            np.testing.assert_array_equal(found[alias], value.numpy())


def test_tables_are_filled_from_the_models_own_files_wherever_it_lies(tmp_path):
    vocabulary = tmp_path / "words.txt"
    vocabulary.write_text("alpha\nbeta\n")
    module = WithVocabulary(vocabulary)
    tf.saved_model.save(module, str(tmp_path / "saved"), signatures=module.find)
    moved = (tmp_path / "saved").rename(tmp_path / "moved")
    vocabulary.unlink()
    model = load_saved_model(moved)
    found = answer(model, "serving_default", strings([b"beta", b"alpha", b"gamma"]))
    assert found["positions"].tolist() == [1, 0, -1]


def test_a_text_proto_is_read_too(broken):
    file = broken / "saved_model.pb"
    text = text_format.MessageToString(SavedModelProto.FromString(file.read_bytes()))
    (broken / "saved_model.pbtxt").write_text(text)
    file.unlink()
    model = load_saved_model(broken)
    assert answer(model, "serving_default", np.float32([4]))["y"].tolist() == [4]


def test_several_outputs_may_be_one_tensor(half):
    found = load_saved_model(half).run({"x": np.float32([2])}, ["y:0", "y"])
    assert [each.tolist() for each in found] == [[3], [3]]


@pytest.mark.parametrize(
    ("feed", "value", "fetch", "message"),
    [
        ("x:0", strings([b"a"]), "y:0", "Expects arg[0] to be float but string is provided"),
        ("x:0", np.int64([1]), "y:0", "Expects arg[0] to be float but int64 is provided"),
        (
            "x:0",
            np.float32([1]),
            "nothing:0",
            "Tensor nothing:0, specified in either feed_devices or fetch_devices was not found in "
            "the Graph",
        ),
        ("tf_example:0", strings([b"\xff"]), "y:0", "Could not parse example input"),
    ],
)
def test_a_wrong_run_fails_in_tensorflows_words(half, feed, value, fetch, message):
    model = load_saved_model(half)
    with pytest.raises(ServingError) as caught:
        model.run({feed: value}, [fetch])
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert message in caught.value.message
    assert answer(model, "serving_default", np.float32([4]))["y"].tolist() == [4]


def test_a_file_that_is_not_a_model(broken):
    file = broken / "saved_model.pb"
    whole = file.read_bytes()
    # To protobuf the second starts with the end of a group: Python reads an empty message.
    for content in (b"no protocol buffer", b"this is no SavedModel"):
        file.write_bytes(content)
        assert str(refusal(broken)) == f"DATA_LOSS: Can't parse {file} as binary proto"
    for size in (1, 3, 1000, len(whole) - 1):
        file.write_bytes(whole[:size])
        assert str(refusal(broken)) == "OUT_OF_RANGE: Read less bytes than requested"


def test_a_loop_is_stopped_when_its_time_is_up(tmp_path):
    class Endless(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="x")])
        def serve(self, x):
            return {"y": tf.while_loop(lambda y: y >= 0, lambda y: (y + x,), (x,))[0]}

    module = Endless()
    tf.saved_model.save(module, str(tmp_path), signatures=module.serve)
    model = load_saved_model(tmp_path)
    signature = model.signatures["serving_default"]
    zero = {signature.inputs["x"].name: np.float32(0)}
    with pytest.raises(ServingError) as caught:
        model.run(zero, [signature.outputs["y"].name], deadline=time.monotonic() + 0.2)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    model.close()


@pytest.mark.parametrize("tags", [["train"], ["serve", "tpu"], []])
def test_only_the_graph_that_is_tagged_for_serving_is_served(broken, tags):
    def change(graph):
        graph.meta_info_def.tags[:] = tags

    rewrite(broken, change)
    error = refusal(broken)
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert error.message == (
        "Could not find meta graph def matching supplied tags: { serve }. To inspect available "
        "tag-sets in the SavedModel, please use the SavedModel CLI: `saved_model_cli`"
    )


def test_variables_that_are_cut_off(broken):
    data = broken / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:3])
    assert refusal(broken).code in (grpc.StatusCode.DATA_LOSS, grpc.StatusCode.OUT_OF_RANGE)


def test_the_threads_of_a_session_can_be_chosen(half):
    given = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=3, inter_op_parallelism_threads=2)
    used = load_saved_model(half, given)._session._config
    assert (used.intra_op_parallelism_threads, used.inter_op_parallelism_threads) == (3, 2)
    assert used.allow_soft_placement


def test_missing_variables_are_noticed_when_they_are_read(broken):
    """TensorFlow's loader takes a model without a checkpoint for one without variables."""
    shutil.rmtree(broken / "variables")
    model = load_saved_model(broken)
    with pytest.raises(ServingError, match="uninitialized") as caught:
        answer(model, "serving_default", np.float32([1]))
    assert caught.value.code is grpc.StatusCode.FAILED_PRECONDITION


def test_a_missing_asset(broken):
    (broken / "assets" / "foo.txt").unlink()
    asset = str(broken / "assets" / "foo.txt")
    assert re.match(f"NOT_FOUND: .*{asset}", str(refusal(broken)), re.DOTALL)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda graph: graph.graph_def.node.add(name="strange", op="NoSuchOperation"),
            ".*NoSuchOperation",
        ),
        (
            lambda graph: setattr(graph.saver_def, "restore_op_name", "nowhere:0"),
            "INVALID_ARGUMENT: .*nowhere",
        ),
        (
            lambda graph: setattr(graph.saver_def, "filename_tensor_name", "nowhere:0"),
            "INVALID_ARGUMENT: .*nowhere",
        ),
        (
            lambda graph: setattr(
                graph.signature_def["serving_default"].defaults["x"], "dtype", 99
            ),
            "INVALID_ARGUMENT: ",
        ),
        (
            lambda graph: graph.collection_def["saved_model_main_op"].node_list.value.append("b"),
            "FAILED_PRECONDITION: Expected exactly one main op in : .*/broken$",
        ),
    ],
)
def test_a_graph_that_cannot_be_set_up(broken, change, message):
    rewrite(broken, change)
    assert re.match(message, str(refusal(broken)), re.DOTALL)
