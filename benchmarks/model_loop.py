"""Calls a SavedModel in a loop, without a server: texts a second at batch 1 and 64.

It takes the model's folder as its argument and a JSON list of texts on standard input.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

from schema import names
from serving.server.model.saved_model import load_saved_model

SECONDS = 5.0


def main() -> None:
    """Prints a JSON object: texts a second by batch size."""
    texts = [text.encode("utf-8") for text in json.loads(sys.stdin.read())]
    model = load_saved_model(Path(sys.argv[1]))
    signature = model.signatures[names.SIGNATURE_DEFAULT]
    given = signature.inputs[names.INPUT_TEXT].name
    wanted = [signature.outputs[name].name for name in sorted(signature.outputs)]

    def call(batch: list[bytes]) -> None:
        model.run({given: np.array(batch, dtype=object)}, wanted)

    rates = {f"batch {size}": size * calls_per_second(call, texts, size) for size in (1, 64)}
    click.echo(json.dumps(rates))


def calls_per_second(call: Callable[[list[bytes]], None], texts: list[bytes], size: int) -> float:
    """Measures calls of one batch size after a few to warm up."""
    batches = [texts[start : start + size] for start in range(0, len(texts), size)]
    for batch in batches[:4]:
        call(batch)
    calls = 0
    start = time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        call(batches[calls % len(batches)])
        calls += 1
    return calls / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
