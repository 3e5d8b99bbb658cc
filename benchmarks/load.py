"""Clients that call a gRPC server in closed loops."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import numpy as np

PREDICT = "/tensorflow.serving.PredictionService/Predict"


@dataclass(frozen=True)
class Load:
    """The answers that a number of clients got.

    Attributes:
        seconds: How long they ran.
        latencies: Seconds of each answered request.
        failures: Requests that failed, by status code and message.
    """

    seconds: float
    latencies: Sequence[float]
    failures: Sequence[str]

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """Returns the latency, in milliseconds, that so many of the requests stayed under."""
        return 1e3 * float(np.percentile(self.latencies or [np.nan], percent))


async def ask(address: str, payloads: Sequence[bytes], clients: int, seconds: float) -> Load:
    """Lets clients call Predict until the time is over, one request at a time each.

    Requests and answers stay bytes, so that the clients cost as little as possible.

    Args:
        address: Host and port.
        payloads: Serialized requests; each client takes them in turn.
        clients: How many ask at the same time.
        seconds: How long.
    """
    latencies: list[float] = []
    failures: list[str] = []
    # Channels of equal arguments would share one connection.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(clients)]
    start = time.perf_counter()
    end = start + seconds

    async def client(number: int, channel: grpc.aio.Channel) -> None:
        call = channel.unary_unary(PREDICT)
        turns = itertools.count(number)
        while (before := time.perf_counter()) < end:
            try:
                await call(payloads[next(turns) % len(payloads)])
            except grpc.aio.AioRpcError as error:
                failures.append(f"{error.code().name}: {error.details()}")
            else:
                latencies.append(time.perf_counter() - before)

    try:
        await asyncio.gather(*(client(number, each) for number, each in enumerate(channels)))
    finally:
        for channel in channels:
            await channel.close()
    return Load(time.perf_counter() - start, latencies, failures)
