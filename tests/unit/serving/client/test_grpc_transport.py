"""gRPC requests and answers, with a server that answers whatever a test wants."""

from __future__ import annotations

import itertools
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from schema.errors import TaggerError, UsageError
from serving.client import Retry, Suggestion, TaggerClient
from serving.client.grpc_transport import make_request
from serving.client.messages import PREDICT_METHOD, PredictResponse, TensorProto, read_tensor
from serving.client.transport import Target
from serving.suggestion import Why
from tests.support.little_server import closed_port


@pytest.fixture
def serve():
    """Starts servers that answer every Predict with what a function makes, and counts."""
    servers, asked = [], []

    def start(answer: Callable[[grpc.ServicerContext], bytes], port: int = 0) -> str:
        def predict(request, context):
            asked.append(request)
            return answer(context)

        handler = grpc.unary_unary_rpc_method_handler(predict)
        service, method = PREDICT_METHOD[1:].split("/")
        server = grpc.server(ThreadPoolExecutor(1))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield start, asked
    for server in servers:
        server.stop(None).wait()


def tensor(kind: int, shape: tuple[int, ...], **values: object) -> object:
    dims = [{"size": size} for size in shape]
    return TensorProto(dtype=kind, tensor_shape={"dim": dims}, **values)


GOOD = {
    "labels": tensor(7, (1, 2), string_val=[b"x", b"y"]),
    "scores": tensor(1, (1, 2), float_val=[0.5, 0.25]),
    "suggested": tensor(10, (1, 2), bool_val=[True, False]),
}


def ask(start: Callable[..., str], **tensors: object) -> list[list[Suggestion]]:
    """What the client makes of an answer with these tensors, the others good."""
    outputs = {name: made for name, made in {**GOOD, **tensors}.items() if made is not None}
    response = PredictResponse(outputs=outputs).SerializeToString()
    with TaggerClient(start(lambda _: response), protocol="grpc") as client:
        return client.suggest(["a"])


def test_request_names_the_signature_and_the_version():
    request = make_request(Target("m", version=0), ["x", "ü"])
    assert request.model_spec.signature_name == "serving_default"
    # Version 0 is a version, and not the same as none.
    assert request.model_spec.WhichOneof("version_choice") == "version"
    assert make_request(Target("m"), ["x"]).model_spec.WhichOneof("version_choice") is None
    made = request.inputs["text"]
    assert [dim.size for dim in made.tensor_shape.dim] == [2]
    assert list(made.string_val) == [b"x", "ü".encode()]


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (grpc.StatusCode.NOT_FOUND, UsageError, "has no arxiv_tagger label stable: what"),
        (grpc.StatusCode.INVALID_ARGUMENT, UsageError, "'serving_default'"),
        (grpc.StatusCode.FAILED_PRECONDITION, UsageError, "'serving_default'"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, TaggerError, "no answer in 30 s"),
        (grpc.StatusCode.INTERNAL, TaggerError, "failed: what it said"),
        (grpc.StatusCode.UNIMPLEMENTED, TaggerError, "not that of a model"),
    ],
)
def test_other_failures_are_explained_and_not_retried(serve, code, kind, said):
    """Not those of a busy server: test_busy_server.py."""
    start, asked = serve
    address = start(lambda context: context.abort(code, "what it said."))
    with (
        TaggerClient(address, protocol="grpc", sleep=lambda _: None) as client,
        pytest.raises(TaggerError) as raised,
    ):
        client.suggest(["a"])
    assert type(raised.value) is kind
    assert said in str(raised.value)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "tensors",
    [
        {"scores": None},
        {"scores": tensor(1, (2,), float_val=[0.5, 0.25])},
        {"scores": tensor(1, (1, 2))},
        {"scores": tensor(1, (1, 2), float_val=[0.5, 0.2, 0.1])},
        {"scores": tensor(1, (1, 2), tensor_content=b"12345")},
        {"scores": tensor(1, (-1, -2), float_val=[0.5, 0.25])},
        {"scores": tensor(2, (1, 2), float_val=[0.5, 0.25])},
        {"labels": tensor(7, (1, 2), string_val=[b"x", b"\xff"])},
        {"labels": tensor(1, (1, 2), float_val=[0.5, 0.25])},
        {"suggested": tensor(10, (2, 1), bool_val=[True, False])},
    ],
)
def test_other_tensors_are_refused(serve, tensors):
    start, asked = serve
    with pytest.raises(TaggerError, match="--model"):
        ask(start, **tensors)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {
            "scores": tensor(1, (1, 2), tensor_content=struct.pack("<2f", 0.5, 0.25)),
            "suggested": tensor(10, (1, 2), tensor_content=b"\x01\x00"),
        },
    ],
    ids=["values", "content"],
)
def test_tensors_are_read_in_both_forms(serve, tensors):
    assert ask(serve[0], **tensors) == [[Suggestion("x", 0.5, True), Suggestion("y", 0.25, False)]]


def test_last_value_repeats_to_the_end():
    assert read_tensor(tensor(1, (2, 2), float_val=[1.0, 0.5])) == [[1.0, 0.5], [0.5, 0.5]]
    assert read_tensor(tensor(1, (0, 3))) == []
    assert read_tensor(tensor(7, (2, 0))) == [[], []]


def test_known_share_and_reasons_are_read(serve):
    """A model of an earlier version has neither: see above."""
    (labels,) = ask(
        serve[0],
        known_share=tensor(1, (1,), float_val=[0.75]),
        ngrams=tensor(7, (1, 2, 2), string_val=[b"deep nets", b"a", b"", b"a"]),
        contributions=tensor(1, (1, 2, 2), float_val=[1.5, -0.5, 0, -0.25]),
        rest=tensor(1, (1, 2), float_val=[0.125, 0.5]),
        bias=tensor(1, (1, 2), float_val=[-1, -2]),
    )
    assert labels.known_share == 0.75
    assert [each.why for each in labels] == [
        Why({"deep nets": 1.5, "a": -0.5}, rest=0.125, bias=-1.0),
        Why({"a": -0.25}, rest=0.5, bias=-2.0),
    ]
    why = {"ngrams": {"deep nets": 1.5, "a": -0.5}, "rest": 0.125, "bias": -1.0}
    (best,) = labels.as_dict(top=1)["suggestions"]
    assert best == {"label": "x", "score": 0.5, "suggested": True, "why": why}


def test_answer_over_grpcs_own_limit_is_read(serve):
    label = "x" * 5 * 2**20
    found = ask(serve[0], labels=tensor(7, (1, 2), string_val=[label.encode()]))
    assert [each.label for each in found[0]] == [label, label]


def test_request_over_the_servers_limit_is_not_sent_again(serve):
    start, asked = serve
    waits: list[float] = []
    address = start(lambda _: b"")
    with (
        TaggerClient(address, protocol="grpc", sleep=waits.append) as client,
        pytest.raises(TaggerError, match=r"no request of this size: .*larger than max.*--batch"),
    ):
        client.suggest(["x" * 5 * 2**20])
    assert (asked, waits) == ([], [])


def test_server_that_starts_between_tries_is_found(serve):
    """The channel reconnects as often as the client tries, not at its own pace (1 s)."""
    start, asked = serve
    port = closed_port()
    response = PredictResponse(outputs=GOOD).SerializeToString()
    tries = itertools.count(1)

    def start_at_the_second_wait(_: float) -> None:
        if next(tries) == 2:
            start(lambda _: response, port=port)
        time.sleep(0.12)

    options = {"retry": Retry(times=5), "sleep": start_at_the_second_wait}
    with TaggerClient(f"127.0.0.1:{port}", protocol="grpc", **options) as client:
        assert len(client.suggest(["a"])[0]) == 2
    assert len(asked) == 1
