"""Requests a second and latencies of the local model server.

    python -m benchmarks.serving --model out

One abstract a request from 1, 8 and 64 gRPC clients, against an empty echo server on the same
library, the model server with batching off, and with batching on. Then the SavedModel called in a
loop, without a server.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import click

from benchmarks.load import Load, ask
from benchmarks.processes import echo_server, model_server, serves
from benchmarks.speed.tables import table
from pipeline.sample.generator import generate
from schema import names
from serving.client.grpc_transport import make_request
from serving.client.transport import Target
from serving.predict import find_model

_CLIENTS: Final = (1, 8, 64)
_SWAP: Final = "batching on, a version swapped"
_WARM_UP_SECONDS: Final = 1.0
_TEXTS: Final = 256


@click.command()
@click.option("--model", default="out", show_default=True, help="As `arxiv-tagger predict` has it.")
@click.option("--seconds", default=5.0, show_default=True, help="Length of each round.")
@click.option("--rounds", default=3, show_default=True, help="The medians are shown.")
def main(model: str, seconds: float, rounds: int) -> None:
    """Measures the local model server on a pushed model."""
    version = find_model(model)
    click.echo(table("load", measure_load(version, rounds, seconds)))
    for batch, rate in measure_model_alone(version)["texts_per_second"].items():
        click.echo(f"The model alone, {batch}: {rate:,.0f} texts/s")


def measure_load(version: Path, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Asks the echo server and the model server: batching off, on, and while a version is swapped.

    Args:
        version: The folder of a pushed version.
        rounds: Each server takes its turn in every round, so a slow spell of the machine meets
            them all.
        seconds: Length of each turn.

    Returns:
        For each server and number of clients the medians over the rounds: `server`, `clients`,
        `rate` (requests a second), `p50_ms`, `p99_ms`; and the sum of `failures`.
    """
    payloads = [predict_request(each) for each in abstracts(_TEXTS)]
    loads: dict[tuple[str, int], list[Load]] = {}
    with (
        TemporaryDirectory() as folder,
        echo_server() as echo,
        model_server(names.MODEL_NAME, version.parent) as (single, _, _),
        model_server(
            names.MODEL_NAME, add_version(version, Path(folder), 1), ["--enable_batching"]
        ) as batched,
    ):
        servers = {"echo": echo, "batching off": single, "batching on": batched[0]}
        for turn in range(rounds):
            for clients in _CLIENTS:
                for name, address in servers.items():
                    asyncio.run(ask(address, payloads, clients, _WARM_UP_SECONDS))
                    load = asyncio.run(ask(address, payloads, clients, seconds))
                    loads.setdefault((name, clients), []).append(load)
            # The server notices it within a second.
            add_version(version, Path(folder), turn + 2)
            load = asyncio.run(ask(batched[0], payloads, clients, seconds))
            if not serves(batched[1], names.MODEL_NAME, turn + 2):
                raise RuntimeError(
                    f"A version was not swapped in {seconds:g} s: measure longer rounds."
                )
            loads.setdefault((_SWAP, clients), []).append(load)
    return [
        {
            "server": name,
            "clients": clients,
            "rate": statistics.median(each.rate for each in found),
            "p50_ms": statistics.median(each.percentile(50) for each in found),
            "p99_ms": statistics.median(each.percentile(99) for each in found),
            "failures": sum(len(each.failures) for each in found),
        }
        for (name, clients), found in loads.items()
    ]


def add_version(version: Path, base: Path, number: int) -> Path:
    """Adds a copy of a version to a base path at once, and returns the base path."""
    shutil.copytree(version, base / "_coming").rename(base / str(number))
    return base


def measure_model_alone(version: Path) -> dict[str, Any]:
    """Returns what `benchmarks.model_alone` prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.model_alone", str(version)],
        input=json.dumps(abstracts(_TEXTS)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def abstracts(count: int) -> list[str]:
    """Returns this many invented abstracts of the usual length, always the same."""
    return [row.summaries for row in islice(generate(count, seed=7), count)]


def predict_request(text: str) -> bytes:
    """Returns the serialized Predict request of one text."""
    return bytes(make_request(Target(names.MODEL_NAME), [text]).SerializeToString())


if __name__ == "__main__":
    main()
