"""Runs the pipeline with TFX's LocalDagRunner: the file for the `tfx` command, see docs/tfx.md."""

from __future__ import annotations

from pathlib import Path

from absl import logging
from tfx import v1 as tfx

from pipeline.config import resolve
from pipeline.local.output_folder import OutputFolder, full_path, plain_path
from pipeline.local.run import local_pipeline
from pipeline.own_parts import check_own_parts
from pipeline.sample.generator import DEFAULT_ROWS, DEFAULT_SEED, write_sample

# The command has no options for these: change them, best in a copy of this file.
PROFILE = "sample"
DATA: Path | None = None  # None writes and takes the embedded sample.
OUTPUT = Path("out")


def run() -> None:
    """Runs the whole pipeline."""
    config, settings = resolve(PROFILE)
    check_own_parts(config, settings)
    folder = OutputFolder(plain_path(full_path(OUTPUT)))
    with folder.locked():
        data = DATA or write_sample(DEFAULT_ROWS, DEFAULT_SEED, folder.data / "sample.csv")
        tfx.orchestration.LocalDagRunner().run(local_pipeline(config, data, folder))


if __name__ == "__main__":
    logging.set_verbosity(logging.INFO)
    run()
