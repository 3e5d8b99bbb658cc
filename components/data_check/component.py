"""The DataCheck component: what depends on it only runs on data that matches the schema.

Stock TFX continues after anomalies, and may run Transform before ExampleValidator. Make this
component an upstream node of whatever must wait for it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from absl import logging
from tfx import types
from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base import base_executor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.artifacts import Artifacts, DataCheckReport
from components.data_check.anomalies import (
    ANOMALIES_FILE,
    describe,
    error_message,
    parse_anomalies,
)
from schema import names
from schema.errors import DataAnomalyError

ANOMALIES_KEY: Final = "anomalies"
DATA_CHECK_KEY: Final = "data_check"


class Executor(base_executor.BaseExecutor):
    """Stops the run when ExampleValidator found an error, and logs warnings."""

    def Do(  # noqa: N802 - TFX calls it by this name.
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Checks the anomalies of every split that ExampleValidator looked at.

        Args:
            input_dict: `anomalies`, one ExampleAnomalies artifact.
            output_dict: `data_check`, one DataCheckReport artifact; gets the warnings as JSON.
            exec_properties: Only `source_digest`, for TFX's cache.

        Raises:
            DataAnomalyError: A split doesn't match the schema.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        source = artifact_utils.get_single_instance(input_dict[ANOMALIES_KEY])
        report = artifact_utils.get_single_instance(output_dict[DATA_CHECK_KEY])
        found = [
            anomaly
            for split in artifact_utils.decode_split_names(source.split_names)
            for anomaly in parse_anomalies(split, _read_split(source, split))
        ]
        errors = [anomaly for anomaly in found if anomaly.severity == "error"]
        if errors:
            raise DataAnomalyError(error_message(errors))
        for line in describe(found):
            logging.warning("The data passes the check with a warning: %s", line)
        fileio.makedirs(report.uri)
        with fileio.open(f"{report.uri}/{names.DATA_CHECK_FILE}", "w") as file:
            warnings = [asdict(anomaly) for anomaly in found]
            file.write(json.dumps({"passed": True, "errors": [], "warnings": warnings}, indent=2))
        report.set_int_custom_property("warnings", len(found))


def _read_split(source: types.Artifact, split: str) -> bytes:
    folder = artifact_utils.get_split_uri([source], split)
    with fileio.open(f"{folder}/{ANOMALIES_FILE}", "rb") as file:
        return bytes(file.read())


DataCheck = create_tfx_component_class(
    "DataCheck",
    ExecutorClassSpec(Executor),
    # ExampleValidator's.
    input_channel_parameters={ANOMALIES_KEY: ChannelParameter(standard_artifacts.ExampleAnomalies)},
    output_channel_parameters={DATA_CHECK_KEY: ChannelParameter(DataCheckReport)},
    # Digest of this component's source, so that edited code runs again.
    execution_parameters={"source_digest": ExecutionParameter(str)},
)
