"""Loads a SavedModel as the server does and calls it, without a server.

It takes the version's folder as its argument and a JSON list of texts on standard input.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from schema import names

_SECONDS = 5.0
_BATCH_SIZES = (1, 64)


def main() -> None:
    """Prints a JSON object: seconds of the start, and texts a second by batch size."""
    texts = [text.encode("utf-8") for text in json.loads(sys.stdin.read())]
    began = time.perf_counter()
    import numpy as np

    from serving.server.model.saved_model import load_saved_model

    imported = time.perf_counter()
    model = load_saved_model(Path(sys.argv[1]))
    loaded = time.perf_counter()
    signature = model.signatures[names.SIGNATURE_DEFAULT]
    given = signature.inputs[names.INPUT_TEXT].name
    wanted = [signature.outputs[name].name for name in sorted(signature.outputs)]

    def call(batch: list[bytes]) -> None:
        model.run({given: np.array(batch, dtype=object)}, wanted)

    def texts_per_second(size: int) -> float:
        batches = [texts[start : start + size] for start in range(0, len(texts), size)]
        for batch in batches[:4]:
            call(batch)
        calls, start = 0, time.perf_counter()
        while time.perf_counter() - start < _SECONDS:
            call(batches[calls % len(batches)])
            calls += 1
        return size * calls / (time.perf_counter() - start)

    call(texts[:1])
    answered = time.perf_counter()
    found = {
        "import_seconds": imported - began,
        "load_seconds": loaded - imported,
        "first_answer_seconds": answered - imported,
        "texts_per_second": {f"batch {size}": texts_per_second(size) for size in _BATCH_SIZES},
    }
    click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
