"""Requests whose time is up before they are computed: TF Serving stops them.

On servers of their own, which computations that are not stopped would keep busy.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
import pytest

from tests.support.contract import targets
from tests.support.contract.api import Client, array, floats, predict_request
from tests.support.contract.served_models import Library, config, listing, write_config

# Minutes of counting.
ENDLESS = 1e7
# More than a server has threads: were they not stopped, the next request would wait for them.
MANY = 40
BATCHING = """
max_batch_size { value: 4 }
batch_timeout_micros { value: 0 }
max_enqueued_batches { value: 1000 }
num_batch_threads { value: 1 }
"""


@pytest.fixture(scope="module", params=["alone", "in batches"])
def limited(
    startable: targets.Target, library: Library, request: pytest.FixtureRequest
) -> Iterator[Client]:
    """A server that gives requests over REST half a second."""
    base = library.folder / f"limited {request.param}"
    library.publish("slow", base / "slow", 123)
    flags = {
        "model_config_file": write_config(base / "models.config", listing(config(base, "slow"))),
        "rest_api_timeout_in_ms": 500,
    }
    if request.param == "in batches":
        parameters = base / "batching_parameters.txt"
        parameters.write_text(BATCHING)
        flags |= {"enable_batching": True, "batching_parameters_file": parameters}
    with targets.run_server(startable, library.folder, ["slow"], flags) as server:
        client = Client(server.address)
        yield client
        client.close()


def test_the_rest_timeout(limited):
    """--rest_api_timeout_in_ms in main.cc; http_server.cc ToHTTPStatusCode: 504."""
    got = limited.post("slow:predict", {"instances": [ENDLESS]})
    assert got.status == 504
    assert got.error


def test_late_requests_are_stopped(limited):
    """prediction_service_impl.cc: what is left of the deadline is the time of the run.

    batching_session.cc ProcessBatch: for a batch, the last of its deadlines. What is late when its
    batch comes is refused there; where less than a millisecond is left, TF Serving 2.16 runs it
    without a limit, so the deadlines differ here.
    """
    request = predict_request("slow", {"x": floats(ENDLESS)})
    calls = [limited.prediction.Predict.future(request, timeout=1)]
    time.sleep(0.2)
    calls += [limited.prediction.Predict.future(request, timeout=0.4) for _ in range(MANY)]
    late = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert {call.code() for call in calls} <= late
    response = limited.predict("slow", {"x": floats(3)}, timeout=30)
    assert list(array(response.outputs["y"])) == [3]
