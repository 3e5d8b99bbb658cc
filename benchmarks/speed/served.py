"""Section `serving`: from a pushed model's files to answers."""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final

import grpc

from benchmarks.load import PREDICT
from benchmarks.processes import model_server, resident_bytes
from benchmarks.serving import predict_request
from benchmarks.speed.observe import observe
from benchmarks.speed.pipeline_run import folder_bytes, run_pipeline
from benchmarks.texts import abstracts
from schema import names
from serving.predict import find_model

_TEXTS: Final = 1_000


def measure_serving(data: Path, work: Path, rounds: int, seconds: float) -> dict[str, Any]:
    """Measures the default profile's model, as a file and as it is served.

    Args:
        data: The CSV file.
        work: The output folder of a run; what is in it already comes from the cache.
        rounds: Of everything; medians count.
        seconds: Of each round of requests.

    Returns:
        `model_bytes`; the medians `import_seconds`, `load_seconds`, `first_answer_seconds` in
        fresh processes and `available_seconds` of the server; `memory_bytes` of the server after
        1,000 texts; and `load`, what `python -m benchmarks.serving` measures.

    Raises:
        CommandError: Something failed.
    """
    run_pipeline(data, work, "default")
    version = find_model(str(work))
    starts = [_first_answer(version) for _ in range(rounds)]
    return {
        "model_bytes": folder_bytes(version),
        **{name: statistics.median(each[name] for each in starts) for name in starts[0]},
        "available_seconds": statistics.median(_server_start(version) for _ in range(rounds)),
        "memory_bytes": server_memory(version),
        "load": _load(version, work / "serving.json", rounds, seconds),
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


def _first_answer(version: Path) -> dict[str, float]:
    seen = observe([sys.executable, "-m", "benchmarks.speed.first_answer", str(version)])
    found: dict[str, float] = json.loads(seen.printed)
    return found


def _server_start(version: Path) -> float:
    began = time.perf_counter()
    with model_server(names.MODEL_NAME, version.parent):
        return time.perf_counter() - began


def _load(version: Path, output: Path, rounds: int, seconds: float) -> dict[str, Any]:
    observe(
        [
            *(sys.executable, "-m", "benchmarks.serving", "--model", str(version)),
            *("--rounds", str(rounds), "--seconds", str(seconds), "--output", str(output)),
        ]
    )
    found: dict[str, Any] = json.loads(output.read_text("utf-8"))
    return {key: found[key] for key in ("seconds", "rounds", "servers")} | {
        "texts_per_second_alone": found["model_in_a_loop_texts_per_second"]
    }
