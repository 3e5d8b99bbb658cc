"""Compiles the pipeline with TFX's KubeflowV2DagRunner: the file for `tfx --engine vertex`.

See docs/tfx.md.
"""

from __future__ import annotations

from absl import logging

from pipeline.cloud.compile import compile_pipeline
from pipeline.cloud.required_settings import check_required, missing_settings
from pipeline.code_version import code_version
from pipeline.config import resolve
from pipeline.own_parts import check_own_parts

# The command has no option for it: change it, best in a copy of this file.
PROFILE = "cloud_example"


def run() -> None:
    """Writes pipeline.json where the command keeps it, or else to the working folder."""
    config, settings = resolve(PROFILE)
    check_own_parts(config, settings)
    check_required(config, "vertex")
    compile_pipeline(config, "vertex", code_version(), write_out=True)
    if left := missing_settings(config, "vertex"):
        logging.warning("Still placeholders: %s. Fill them in before a run.", ", ".join(left))


if __name__ == "__main__":
    run()
