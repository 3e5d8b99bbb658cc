"""The metrics, read back by Prometheus's own parser."""

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.server.monitoring import Monitoring

OK, BAD = grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT
COUNT = ":tensorflow:serving:request_count"
LATENCY = ":tensorflow:serving:request_latency"


def samples(monitoring: Monitoring) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every sample of the page by its name and labels; the parser adds `_total` to counters."""
    return {
        (sample.name.removesuffix("_total"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(monitoring.text())
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


@pytest.fixture
def monitoring() -> Monitoring:
    return Monitoring(lambda: ["m", 'odd"\\\nname'])


def test_requests_are_counted_by_model_and_status(monitoring):
    for status in (OK, BAD, OK):
        monitoring.record("m", "Predict", "GRPC", status, 0.001)
    found = samples(monitoring)
    assert found[key(COUNT, model_name="m", status="OK")] == 2
    assert found[key(COUNT, model_name="m", status="INVALID_ARGUMENT")] == 1
    assert f"# TYPE {COUNT} counter\n" in monitoring.text()
    assert f"{COUNT}_total" not in monitoring.text()
    assert "_created" not in monitoring.text()


def test_the_time_of_good_requests_is_a_histogram_in_microseconds(monitoring):
    for seconds in (0.000_005, 0.000_020, 3.0, 10_000.0):
        monitoring.record("m", "predict", "REST", OK, seconds)
    monitoring.record("m", "predict", "REST", BAD, 1.0)
    found = samples(monitoring)
    labels = {"model_name": "m", "API": "predict", "entrypoint": "REST"}
    buckets = {
        dict(pairs)["le"]: value
        for (name, pairs), value in found.items()
        if name == f"{LATENCY}_bucket"
    }
    # Buckets::Exponential(10, 1.8, 33) of servables/tensorflow/util.cc.
    assert len(buckets) == 34
    assert [float(limit) for limit in list(buckets)[:4]] == [10, 18, 32.4, 58.32]
    assert buckets["10"] == 1
    assert buckets["32.4"] == 2
    assert buckets["+Inf"] == 4
    assert max(value for limit, value in buckets.items() if limit != "+Inf") == 3
    assert found[key(f"{LATENCY}_count", **labels)] == 4
    assert found[key(f"{LATENCY}_sum", **labels)] == pytest.approx(10_003_000_025)


def test_names_that_no_model_has_make_no_series(monitoring):
    for name in ("a", "b", "c"):
        monitoring.record(name, "predict", "REST", grpc.StatusCode.NOT_FOUND, 0.1)
    found = {name: value for name, value in samples(monitoring).items() if name[0] == COUNT}
    assert found == {key(COUNT, model_name="", status="NOT_FOUND"): 3}


def test_labels_are_escaped(monitoring):
    monitoring.record('odd"\\\nname', "predict", "REST", OK, 0.1)
    assert samples(monitoring)[key(COUNT, model_name='odd"\\\nname', status="OK")] == 1


def test_servers_do_not_share_metrics(monitoring):
    monitoring.record("m", "Predict", "GRPC", OK, 0.001)
    assert COUNT + "{" not in Monitoring(lambda: ["m"]).text()
    assert "process_resident_memory_bytes" in monitoring.text()
    assert "process_cpu_seconds_total" in monitoring.text()
