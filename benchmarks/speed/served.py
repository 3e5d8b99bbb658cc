"""Section `serving`: from a pushed model's files to answers."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Any, Final

import grpc

from benchmarks.load import PREDICT
from benchmarks.processes import model_server, resident_bytes
from benchmarks.serving import abstracts, measure_load, measure_model_alone, predict_request
from benchmarks.speed.pipeline_run import folder_bytes, run_pipeline
from schema import names
from serving.predict import find_model

_TEXTS: Final = 1_000


def measure_serving(data: Path, work: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Measures the default profile's model, as a file and as it is served.

    Args:
        data: The CSV file.
        work: The output folder of a run; what is in it already comes from the cache.
        rounds: Of everything; medians count.
        seconds: Length of each round of requests.

    Returns:
        `model_bytes`; the medians `import_seconds`, `load_seconds`, `first_answer_seconds` in
        fresh processes and `available_seconds` of the server; `memory_bytes` of the server after
        1,000 texts; and `load`: `seconds`, `rounds`, the `servers` of `measure_load`, and
        `texts_per_second_alone` by batch size.

    Raises:
        CommandError: The run failed.
    """
    run_pipeline(data, work, "default")
    version = find_model(str(work))
    alone = [measure_model_alone(version) for _ in range(rounds)]
    rates = [each.pop("texts_per_second") for each in alone]
    return {
        "model_bytes": folder_bytes(version),
        **_medians(alone),
        "available_seconds": statistics.median(_server_start(version) for _ in range(rounds)),
        "memory_bytes": server_memory(version),
        "load": {
            "seconds": seconds,
            "rounds": rounds,
            "servers": measure_load(version, rounds, seconds),
            "texts_per_second_alone": _medians(rates),
        },
    }


def server_memory(version: Path) -> int:
    """Returns the resident bytes of a server that has answered 1,000 texts, one by one."""
    with (
        model_server(names.MODEL_NAME, version.parent) as (address, _, pid),
        grpc.insecure_channel(address) as channel,
    ):
        predict = channel.unary_unary(PREDICT)
        for text in abstracts(_TEXTS):
            predict(predict_request(text))
        return resident_bytes(pid)


def _server_start(version: Path) -> float:
    began = time.perf_counter()
    with model_server(names.MODEL_NAME, version.parent):
        return time.perf_counter() - began


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
