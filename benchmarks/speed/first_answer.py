"""Loads a SavedModel as the server does and asks it once; takes the version's folder.

It prints a JSON object: seconds of the imports, of loading, and from the call that loads to the
first answer.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from schema import names


def main() -> None:
    """Measures one start."""
    began = time.perf_counter()
    import numpy as np

    from benchmarks.texts import abstracts
    from serving.server.model.saved_model import load_saved_model

    text = np.array([abstracts(1)[0].encode("utf-8")], dtype=object)
    imported = time.perf_counter()
    model = load_saved_model(Path(sys.argv[1]))
    loaded = time.perf_counter()
    signature = model.signatures[names.SIGNATURE_DEFAULT]
    wanted = [signature.outputs[name].name for name in sorted(signature.outputs)]
    model.run({signature.inputs[names.INPUT_TEXT].name: text}, wanted)
    answered = time.perf_counter()
    seconds = {
        "import_seconds": imported - began,
        "load_seconds": loaded - imported,
        "first_answer_seconds": answered - imported,
    }
    click.echo(json.dumps(seconds))


if __name__ == "__main__":
    main()
