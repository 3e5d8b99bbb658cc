"""The InfraValidator component: a model that can't be served is never pushed.

TFX's own needs Docker or Kubernetes, and its Kubeflow runner refuses it.
"""

from __future__ import annotations

import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from absl import logging
from tfx import types
from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base import base_executor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils

from components.artifacts import Artifacts
from components.infra_validator.settings import InfraSettings
from components.infra_validator.trial import try_candidate
from components.papers.examples import read_papers
from components.papers.raw_paper import RawPaper
from schema import names
from schema.errors import BadInputError

SETTINGS_KEY: Final = "settings"

# As TFX's InfraValidator names them, so that TFX's Pusher understands the blessing.
_BLESSED_PROPERTY: Final = "blessed"
_BLESSED_FILE: Final = "INFRA_BLESSED"
_NOT_BLESSED_FILE: Final = "INFRA_NOT_BLESSED"


class Executor(base_executor.BaseExecutor):
    """Blesses a model that a real server loads and answers with correctly, over gRPC and REST.

    A fault of the model is a verdict: it is published, and stands. A fault of the machine is an
    error: nothing is published, and the next run tries again.
    """

    def Do(  # noqa: N802 - TFX calls it by this name.
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Tries the model on a server.

        Args:
            input_dict: `model`, one Model artifact; `examples`, the raw Examples.
            output_dict: `blessing`, one InfraBlessing artifact; gets the report and the server's
                log.
            exec_properties: `settings`, InfraSettings as JSON.

        Raises:
            BadInputError: The validation split is empty.
            TaggerError: No server could be started, or it gave no answer in time.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        start = time.monotonic()
        settings = InfraSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        model = artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY])
        blessing = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.BLESSING_KEY]
        )
        papers = _read_validation(
            input_dict[standard_component_specs.EXAMPLES_KEY], settings.examples
        )
        with tempfile.TemporaryDirectory(prefix="infra-validator-") as folder:
            log = Path(folder) / names.SERVER_LOG_FILE
            log.touch()
            report = try_candidate(model, papers, settings, Path(folder), log)
            _bless(blessing, report.passed)
            fileio.copy(str(log), f"{blessing.uri}/{names.SERVER_LOG_FILE}", overwrite=True)
        seconds = round(time.monotonic() - start, 1)
        content = json.dumps(
            {"passed": report.passed, **vars(report), "seconds": seconds}, indent=2
        )
        io_utils.write_string_file(f"{blessing.uri}/{names.INFRA_REPORT_FILE}", content + "\n")
        for check in report.checks:
            logging.info("%(name)s: %(result)s %(message)s", check)


def _read_validation(examples: list[types.Artifact], count: int) -> list[RawPaper]:
    split_dir = artifact_utils.get_split_uri(examples, names.VALIDATION)
    papers = list(itertools.islice(read_papers(split_dir), count))
    if not papers:
        raise BadInputError(
            "The validation split is empty, so there is nothing to ask the server about. "
            "Add papers, or raise data.validation_share."
        )
    return papers


def _bless(blessing: types.Artifact, passed: bool) -> None:
    name = _BLESSED_FILE if passed else _NOT_BLESSED_FILE
    io_utils.write_string_file(f"{blessing.uri}/{name}", "")
    blessing.set_int_custom_property(_BLESSED_PROPERTY, int(passed))


InfraValidator = create_tfx_component_class(
    "InfraValidator",
    ExecutorClassSpec(Executor),
    input_channel_parameters={
        standard_component_specs.MODEL_KEY: ChannelParameter(standard_artifacts.Model),
        # The raw ones; their validation split is read.
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(standard_artifacts.Examples),
    },
    output_channel_parameters={
        standard_component_specs.BLESSING_KEY: ChannelParameter(standard_artifacts.InfraBlessing)
    },
    execution_parameters={
        # InfraSettings as JSON.
        SETTINGS_KEY: ExecutionParameter(str),
        # Digest of the source of this component and the local model server, so that edited code
        # runs again.
        "source_digest": ExecutionParameter(str),
    },
)
