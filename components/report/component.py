"""The Report component: the last one of a run, it writes a page about it."""

from __future__ import annotations

import json
from typing import Any, Final

import pandas as pd
from absl import logging
from tfx.components.evaluator import constants
from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base import base_executor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.utils import io_utils

from components.artifacts import Artifacts, BaselinesArtifact, CurationArtifact, ReportArtifact
from components.report.facts import gather
from components.report.page import render
from components.report.settings import ReportSettings
from schema import names

REPORT_KEY: Final = "report"
SETTINGS_KEY: Final = "settings"
PROVENANCE_KEY: Final = "provenance"


class Executor(base_executor.BaseExecutor):
    """Writes the report of a run, also if its model was refused."""

    def Do(  # noqa: N802 - TFX calls it by this name.
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Writes the page, its numbers as JSON, and the table of all labels.

        Args:
            input_dict: The component's inputs; `last_statistics` and `tuner_results` may be
                empty.
            output_dict: `report`, one ReportArtifact.
            exec_properties: `settings`, ReportSettings as JSON; `provenance`, as `gather` takes
                it, as JSON.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = ReportSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        provenance = json.loads(exec_properties[PROVENANCE_KEY])
        inputs = {
            key: artifact_utils.get_single_instance(each)
            for key, each in input_dict.items()
            if each
        }
        blessing = inputs[standard_component_specs.MODEL_BLESSING_KEY]
        pushed = inputs[standard_component_specs.PUSHED_MODEL_KEY]
        folders = {key: each.uri for key, each in inputs.items()}
        last_model = blessing.get_string_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY
        )
        facts = gather(
            {**folders, "last_model": last_model} if last_model else folders,
            bool(blessing.get_int_custom_property("blessed")),
            pushed.get_string_custom_property("pushed_version") or None,
            provenance,
            settings,
        )
        report = artifact_utils.get_single_instance(output_dict[REPORT_KEY])
        files = {
            names.REPORT_FILE: json.dumps(facts, indent=1, allow_nan=False) + "\n",
            names.REPORT_PAGE_FILE: render(facts),
        }
        if "labels" in facts:
            table = pd.DataFrame(facts["labels"])
            files[names.REPORT_LABELS_FILE] = table.to_csv(
                sep="\t", index=False, float_format="%.6f"
            )
        for name, content in files.items():
            # UTF-8, whatever the machine's locale.
            io_utils.write_bytes_file(f"{report.uri}/{name}", content.encode())
        logging.info("The report is %s/%s", report.uri, names.REPORT_PAGE_FILE)


Report = create_tfx_component_class(
    "Report",
    ExecutorClassSpec(Executor),
    input_channel_parameters={
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(standard_artifacts.Examples),
        "curation": ChannelParameter(CurationArtifact),
        standard_component_specs.STATISTICS_KEY: ChannelParameter(
            standard_artifacts.ExampleStatistics
        ),
        # May be empty: the first run has no earlier one.
        "last_statistics": ChannelParameter(standard_artifacts.ExampleStatistics, optional=True),
        standard_component_specs.MODEL_KEY: ChannelParameter(standard_artifacts.Model),
        standard_component_specs.MODEL_RUN_KEY: ChannelParameter(standard_artifacts.ModelRun),
        # Empty unless the tuner is enabled.
        "tuner_results": ChannelParameter(standard_artifacts.TunerResults, optional=True),
        "baselines": ChannelParameter(BaselinesArtifact),
        standard_component_specs.INFRA_BLESSING_KEY: ChannelParameter(
            standard_artifacts.InfraBlessing
        ),
        standard_component_specs.EVALUATION_KEY: ChannelParameter(
            standard_artifacts.ModelEvaluation
        ),
        standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(
            standard_artifacts.ModelBlessing
        ),
        standard_component_specs.PUSHED_MODEL_KEY: ChannelParameter(standard_artifacts.PushedModel),
    },
    output_channel_parameters={REPORT_KEY: ChannelParameter(ReportArtifact)},
    execution_parameters={
        # ReportSettings as JSON.
        SETTINGS_KEY: ExecutionParameter(str),
        # As `components.report.facts.gather` takes it, as JSON.
        PROVENANCE_KEY: ExecutionParameter(str),
        # Digest of this component's source, so that edited code runs again.
        "source_digest": ExecutionParameter(str),
    },
)
