"""Counts and times the requests, for Prometheus, under TF Serving's names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator
from typing import Final

import grpc
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.metrics_core import Metric

_PREFIX: Final = ":tensorflow:serving:"
# From 10 microseconds to about 20 minutes, as in servables/tensorflow/util.cc.
_MICROSECONDS: Final = tuple(float(f"{10 * 1.8**power:.6g}") for power in range(33))
_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Monitoring:
    """The metrics of one server.

    Source: TF Serving's servables/tensorflow/util.cc for the names and
    model_servers/prediction_service_impl.cc and http_server.cc for what is counted: each request
    by its status, and the time of successful ones. Of the model service only REST's are.
    """

    def __init__(self, model_names: Callable[[], Collection[str]]) -> None:
        """Makes metrics that are all zero.

        Args:
            model_names: Returns the names of the served models. A request for any other is counted
                under an empty name, or clients could create series without end.
        """
        self._model_names = model_names
        self._registry = CollectorRegistry()
        # Memory and CPU time of the process.
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            f"{_PREFIX}request_count",
            "Requests by status.",
            ("model_name", "status"),
            registry=self._registry,
        )
        self._latency = Histogram(
            f"{_PREFIX}request_latency",
            "Wall time in microseconds of successful requests.",
            ("model_name", "API", "entrypoint"),
            buckets=_MICROSECONDS,
            registry=self._registry,
        )
        # To find a series takes prometheus_client longer than to count in it.
        self._count = functools.cache(self._requests.labels)
        self._time = functools.cache(self._latency.labels)

    def record(
        self, model: str, api: str, entrypoint: str, status: grpc.StatusCode, seconds: float
    ) -> None:
        """Counts a request.

        Args:
            model: The model's name, as the request has it.
            api: What was asked for: `Predict` over gRPC, `predict` over REST; there empty for a
                model's status and metadata.
            entrypoint: `GRPC` or `REST`.
            status: How it ended.
            seconds: How long it took.
        """
        name = model if model in self._model_names() else ""
        self._count(name, status.name).inc()
        if status is grpc.StatusCode.OK:
            self._time(name, api, entrypoint).observe(seconds * 1e6)

    def text(self) -> str:
        """Returns the metrics as text, as util/prometheus_exporter.cc writes it.

        Prometheus's own writer appends `_total` to the name of a counter and a `.0` to numbers.
        """
        return "".join(
            f"{line}\n" for metric in self._registry.collect() for line in _lines(metric)
        )


def _lines(metric: Metric) -> Iterator[str]:
    own = metric.name.startswith(_PREFIX)
    name = f"{metric.name}_total" if metric.type == "counter" and not own else metric.name
    yield f"# TYPE {name} {metric.type}"
    for sample in metric.samples:
        if sample.name.endswith("_created"):
            continue
        name = sample.name.removesuffix("_total") if own else sample.name
        labels = ",".join(
            f'{label}="{value.removesuffix(".0") if label == "le" else value.translate(_ESCAPES)}"'
            for label, value in sample.labels.items()
        )
        number = repr(sample.value)
        if own:
            number = f"{sample.value:g}" if name.endswith("_sum") else f"{sample.value:.0f}"
        yield f"{name}{{{labels}}} {number}"
