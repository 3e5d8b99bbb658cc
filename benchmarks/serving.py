"""Requests a second and latencies of the local model server, beside what bounds them.

    python -m benchmarks.serving --model out

One abstract a request, 1, 8 and 64 gRPC clients in a process of their own, against: an empty
echo server on the same library, the model server with batching off, and with batching on. Then
the SavedModel called in a loop, without a server, at batch 1 and 64.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks.load import Load, ask
from benchmarks.machine import describe_machine
from benchmarks.processes import echo_server, model_server, resident_bytes
from benchmarks.texts import abstracts
from schema import names
from serving.client.messages import PredictRequest
from serving.predict import find_model

CLIENTS = (1, 8, 64)
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Figures:
    """What one number of clients saw of one server, over several rounds: medians."""

    server: str
    clients: int
    rate: float
    p50_ms: float
    p99_ms: float
    failures: int


@click.command()
@click.option("--model", default="out", show_default=True, help="As `arxiv-tagger predict` has it.")
@click.option("--seconds", default=5.0, show_default=True, help="Of each round.")
@click.option("--rounds", default=3, show_default=True, help="The medians are shown.")
@click.option("--output", type=click.Path(path_type=Path), help="JSON file for the figures.")
def main(model: str, seconds: float, rounds: int, output: Path | None) -> None:
    """Measures the local model server on a pushed model."""
    version = find_model(model)
    texts = abstracts(256)
    payloads = [predict_request(each) for each in texts]
    batching = ["--enable_batching"]
    rounds_of: dict[tuple[str, int], list[Load]] = {}
    memory = 0
    with (
        echo_server() as echo,
        model_server(names.MODEL_NAME, version.parent) as (single, _, _),
        model_server(names.MODEL_NAME, version.parent, batching) as (batched, _, pid),
    ):
        servers = {"echo": echo, "batching off": single, "batching on": batched}
        # Every server in every round, so that a slow spell of the machine meets them all.
        for _ in range(rounds):
            for clients in CLIENTS:
                for name, address in servers.items():
                    asyncio.run(ask(address, payloads, clients, WARM_UP_SECONDS))
                    load = asyncio.run(ask(address, payloads, clients, seconds))
                    rounds_of.setdefault((name, clients), []).append(load)
        memory = resident_bytes(pid)
    figures = [summarize(name, clients, loads) for (name, clients), loads in rounds_of.items()]
    loop = model_loop(version, texts)
    show(figures, loop, memory)
    if output:
        report = {
            "machine": describe_machine(),
            "command": "python -m benchmarks.serving",
            "seconds": seconds,
            "rounds": rounds,
            "model_bytes": sum(each.stat().st_size for each in version.rglob("*")),
            "servers": [vars(each) for each in figures],
            "model_in_a_loop_texts_per_second": loop,
            "server_memory_bytes": memory,
        }
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def predict_request(text: str, alias: str = names.INPUT_TEXT) -> bytes:
    """Returns the serialized Predict request of one text."""
    request = PredictRequest()
    request.model_spec.name = names.MODEL_NAME
    tensor = request.inputs[alias]
    tensor.dtype = 7  # DT_STRING
    tensor.tensor_shape.dim.add().size = 1
    tensor.string_val.append(text.encode("utf-8"))
    return bytes(request.SerializeToString())


def summarize(server: str, clients: int, loads: list[Load]) -> Figures:
    """Returns the medians over the rounds."""
    middle = len(loads) // 2
    return Figures(
        server,
        clients,
        rate=sorted(each.rate for each in loads)[middle],
        p50_ms=sorted(each.percentile(0.5) for each in loads)[middle],
        p99_ms=sorted(each.percentile(0.99) for each in loads)[middle],
        failures=sum(len(each.failures) for each in loads),
    )


def model_loop(version: Path, texts: list[str]) -> dict[str, float]:
    """Measures the model alone, in a process of its own: texts a second by batch size."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.model_loop", str(version)]
    done = subprocess.run(
        command,
        input=json.dumps(texts),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def show(figures: list[Figures], loop: dict[str, float], memory: int) -> None:
    """Prints the tables."""
    console = Console()
    table = Table("server", "clients", "requests/s", "of the echo", "p50 ms", "p99 ms", "failed")
    echo = {each.clients: each.rate for each in figures if each.server == "echo"}
    for each in sorted(figures, key=lambda row: (row.clients, row.server != "echo", row.server)):
        row: list[Any] = [each.server, each.clients, f"{each.rate:,.0f}"]
        row += [f"{each.rate / echo[each.clients]:.0%}", f"{each.p50_ms:.1f}"]
        row += [f"{each.p99_ms:.1f}", each.failures]
        table.add_row(*map(str, row))
    console.print(table)
    for batch, rate in loop.items():
        console.print(f"The model alone, {batch}: {rate:,.0f} texts/s")
    console.print(f"Memory of the server with batching: {memory / 2**20:,.0f} MiB")


if __name__ == "__main__":
    main()
