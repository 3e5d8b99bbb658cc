"""Steady mixed load on the local model server, with a version swapped in the middle.

    python -m benchmarks.soak --model out --seconds 60

gRPC and REST clients send single abstracts and small batches, read status and metadata, and send
bad requests; half-way a new version appears in the base path. Every good request must be answered
and every bad one refused. The server's memory is sampled throughout.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
import grpc
import httpx
from rich.console import Console

from benchmarks.serving import abstracts, add_version, model_server, predict_request
from benchmarks.speed.observe import resident_bytes
from schema import names
from serving.client.messages import PREDICT_METHOD, PredictRequest, PredictResponse
from serving.predict import find_model

_FIRST, _SECOND = 1, 2


def _expect(is_right: bool, message: str) -> None:
    if not is_right:
        raise ValueError(message)


async def _load(address: str, url: str, pid: int, base: Path, seconds: float) -> bool:
    """Says whether every request was answered as it should be, by both versions."""
    answered: Counter[str] = Counter()
    failures: list[str] = []
    # In the order of their first answer.
    versions: list[int] = []
    # Seconds since the start, and the bytes that the server held then.
    memory: list[tuple[float, int]] = []
    texts = abstracts(128)
    start = time.monotonic()
    model = f"{url}/v1/models/{names.MODEL_NAME}"

    async def repeat(kind: str, request: Callable[[int], Awaitable[None]]) -> None:
        for turn in itertools.count():
            if time.monotonic() >= start + seconds:
                return
            try:
                await request(turn)
            except (grpc.aio.AioRpcError, httpx.HTTPError, ValueError) as error:
                failures.append(f"{kind}: {type(error).__name__}: {error}")
            else:
                answered[kind] += 1

    async def grpc_predict(turn: int) -> None:
        answer = PredictResponse.FromString(
            await predict(predict_request(texts[turn % len(texts)]), timeout=30)
        )
        labels, scores = answer.outputs["labels"].string_val, answer.outputs["scores"].float_val
        _expect(len(labels) == len(scores) > 0, f"{len(labels)} labels, {len(scores)} scores")
        if (served := answer.model_spec.version.value) not in versions:
            versions.append(served)

    async def post(verb: str, body: dict[str, Any], results: str, count: int) -> None:
        answer = await http.post(f"{model}:{verb}", json=body)
        answer.raise_for_status()
        _expect(len(answer.json()[results]) == count, answer.text)

    async def rest_predict(turn: int) -> None:
        batch = [texts[(turn + step) % len(texts)] for step in range(1 + turn % 8)]
        await post("predict", {"instances": batch}, "predictions", len(batch))

    async def rest_classify(turn: int) -> None:
        examples = [{"summaries": texts[turn % len(texts)]}]
        body = {"signature_name": "classify", "examples": examples}
        await post("classify", body, "results", 1)

    async def rest_status(turn: int) -> None:
        answer = await http.get(model if turn % 2 else f"{model}/metadata")
        answer.raise_for_status()

    async def bad_rest(turn: int) -> None:
        body = [b"{", b'{"instances": [1.5]}', b'{"inputs": {"nothing": ["x"]}}'][turn % 3]
        answer = await http.post(f"{model}:predict", content=body)
        _expect(answer.status_code == 400 and "error" in answer.json(), answer.text)
        await asyncio.sleep(0.05)

    bad = PredictRequest.FromString(predict_request("x"))
    bad.inputs["nothing"].CopyFrom(bad.inputs[names.INPUT_TEXT])

    async def bad_grpc(_: int) -> None:
        code = grpc.StatusCode.OK
        try:
            await predict(bad.SerializeToString(), timeout=30)
        except grpc.aio.AioRpcError as error:
            code = error.code()
        _expect(code is grpc.StatusCode.INVALID_ARGUMENT, f"an unknown input got {code}")
        await asyncio.sleep(0.05)

    async def watch_memory() -> None:
        while (passed := time.monotonic() - start) < seconds:
            memory.append((passed, resident_bytes(pid)))
            await asyncio.sleep(0.5)

    async def swap() -> None:
        await asyncio.sleep(seconds / 2)
        await asyncio.to_thread(add_version, base / str(_FIRST), base, _SECOND)

    async with (
        grpc.aio.insecure_channel(address) as channel,
        httpx.AsyncClient(timeout=30, trust_env=False) as http,
    ):
        predict = channel.unary_unary(PREDICT_METHOD)
        await asyncio.gather(
            *(repeat("gRPC Predict", grpc_predict) for _ in range(4)),
            *(repeat("REST predict", rest_predict) for _ in range(2)),
            repeat("REST classify", rest_classify),
            repeat("REST status", rest_status),
            repeat("bad REST", bad_rest),
            repeat("bad gRPC", bad_grpc),
            watch_memory(),
            swap(),
        )
    console = Console()
    for kind, count in answered.items():
        console.print(f"{kind:<14} {count:>8,}")
    console.print(f"failed         {len(failures):>8,}")
    for failure in failures[:5]:
        console.print(f"  {failure}", markup=False)
    console.print(f"versions that answered: {versions}")
    last = len(memory) - 1
    marks = [memory[int(share * last)] for share in (0.05, 0.25, 0.5, 0.75, 1)]
    found = ", ".join(f"{size / 2**20:,.0f} MiB at {at:.0f} s" for at, size in marks)
    console.print(f"memory: {found}")
    return not failures and versions == [_FIRST, _SECOND]


@click.command()
@click.option("--model", default="out", show_default=True, help="As `arxiv-tagger predict` has it.")
@click.option("--seconds", default=60.0, show_default=True)
def main(model: str, seconds: float) -> None:
    """Loads the local model server and says what happened; exits 1 where anything failed."""
    with tempfile.TemporaryDirectory() as folder:
        base = add_version(find_model(model), Path(folder), _FIRST)
        with model_server(base, "--enable_batching") as (address, url, pid):
            is_good = asyncio.run(_load(address, url, pid, base, seconds))
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
