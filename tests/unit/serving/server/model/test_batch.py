"""Requests joined into one run of a model, and its outputs cut apart again."""

from __future__ import annotations

from collections.abc import Callable

import grpc
import numpy as np
import pytest

from serving.server.errors import ServingError, deadline_exceeded
from serving.server.model.batch import count_rows, run_batch
from serving.server.model.saved_model import load_saved_model
from tests.support.saved_models import feature_example, half_plus_two


class Computing:
    """Computes by a function, and keeps the number of rows of every run."""

    def __init__(self, compute: Callable[[np.ndarray], np.ndarray] = lambda x: x * 2) -> None:
        self._compute = compute
        self.rows: list[int] = []

    def run(self, inputs, outputs, deadline):
        self.rows.append(len(inputs["x"]))
        return [self._compute(inputs["x"])]


def request(*rows, dtype=np.float32) -> dict[str, np.ndarray]:
    return {"x": np.array(rows, dtype)}


def answers(model, *requests, sizes=()) -> list[object]:
    """For each request its rows, or the error it met."""
    found = run_batch(model, requests, ("y",), sizes)
    return [each if isinstance(each, ServingError) else each[0].tolist() for each in found]


def test_requests_of_unequal_shapes_are_filled_up_with_their_first_value():
    model = Computing()
    assert answers(model, request([1, 2]), request([1, 2, 3]), request([4, 5])) == [
        [[2, 4, 2]],
        [[2, 4, 6]],
        [[8, 10, 8]],
    ]
    assert model.rows == [3]
    texts = (
        request([b"a"], dtype=object),
        request([b"b", b"c"], dtype=object),
        {"x": np.empty((0, 3), object)},
    )
    assert answers(model, *texts) == [[[b"aa"] * 3], [[b"bb", b"cc", b"bb"]], []]


def test_a_batch_is_filled_up_to_an_allowed_size():
    model = Computing()
    assert answers(model, request(1, 2), request(3), sizes=(2, 4, 8)) == [[2, 4], [6]]
    assert answers(model, request(1, 2), sizes=(2, 4, 8)) == [[2, 4]]
    assert answers(model, request(), sizes=(2, 4, 8)) == [[]]
    assert model.rows == [4, 2, 0]


def test_a_request_without_inputs_is_refused():
    """The contract tests show which inputs are refused."""
    with pytest.raises(ServingError) as caught:
        count_rows({})
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.message == "Batching Run() must have at least one input tensor"


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (np.sum, "Batched output tensor has 0 dimensions"),
        (
            lambda x: x[:1],
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
            "sizes of the input tensors",
        ),
    ],
)
def test_outputs_that_cannot_be_cut_apart_fail_every_request(compute, message):
    for error in answers(Computing(compute), request(1), request(2, 3)):
        assert error.code is grpc.StatusCode.FAILED_PRECONDITION
        assert error.message == message


def test_bad_input_fails_its_own_request_alone(tmp_path):
    half_plus_two(tmp_path / "1")
    model = load_saved_model(tmp_path / "1")
    good = [feature_example(x=[float(n)]) for n in range(30)]
    fed = [[each] for each in good]
    fed[10] = [good[0], feature_example(x=[b"no number"])]
    requests = [{"tf_example:0": np.array(each, object)} for each in fed]
    found = run_batch(model, requests, ("y:0",))
    error = found.pop(10)
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "Data types don't match" in error.message
    numbers = [n for n in range(30) if n != 10]
    assert [each[0].tolist() for each in found] == [[[n / 2 + 2]] for n in numbers]


def test_a_batch_whose_time_is_up_is_not_tried_again_in_halves():
    def late(x):
        raise deadline_exceeded("too late")

    model = Computing(late)
    found = answers(model, *(request(n) for n in range(8)))
    assert [each.code for each in found] == [grpc.StatusCode.DEADLINE_EXCEEDED] * 8
    assert model.rows == [8]
