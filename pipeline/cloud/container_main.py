"""The command of every step's container in a cloud: TFX's entry point, with our artifact types.

Vertex AI and Kubeflow pass an artifact with the name of its type, such as `arxiv_tagger.Report`.
TFX takes a name that it doesn't know for an import path, and there is no such module.
"""

from __future__ import annotations

from typing import Any, Final

from absl import app
from tfx import types
from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor
from tfx.utils import name_utils

from components import artifacts

ARTIFACT_TYPES: Final[tuple[type[types.Artifact], ...]] = (
    artifacts.BaselinesArtifact,
    artifacts.CurationArtifact,
    artifacts.DataCheckReport,
    artifacts.ReportArtifact,
)


def register_artifact_types() -> None:
    """Tells TFX's entry point the classes of our artifact types."""
    compiler_utils.TITLE_TO_CLASS_PATH.update(
        {kind.TYPE_NAME: name_utils.get_full_name(kind) for kind in ARTIFACT_TYPES}
    )


def run_program(program: Any, parse_flags: Any, arguments: list[str] | None) -> None:
    """Runs one of TFX's programs, which knows our artifact types, and exits."""
    register_artifact_types()
    app.run(program, argv=arguments, flags_parser=parse_flags)


def main(arguments: list[str] | None = None) -> None:
    """Runs one executor and exits.

    Args:
        arguments: The program's name and TFX's own flags (`--executor_class_path`,
            `--json_serialized_invocation_args`, ...) followed by Beam's; the process's own where
            None.
    """
    run_program(kubeflow_v2_run_executor.main, kubeflow_v2_run_executor._parse_flags, arguments)


if __name__ == "__main__":
    main()
