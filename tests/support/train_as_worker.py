"""Calls `run_fn` in a process of its own, as one of several machines that train together.

Usage: python -m tests.support.train_as_worker ARGUMENTS

ARGUMENTS is a JSON file with the arguments of `run_fn`. Which machine this is stands in the
environment's TF_CONFIG.
"""

import json
import sys
from pathlib import Path

from components.trainer.run_fn import run_fn
from tests.support.run_arguments import as_namespace

if __name__ == "__main__":
    run_fn(as_namespace(json.loads(Path(sys.argv[1]).read_text())))
