"""The Baselines component: simpler methods on the model's own splits, to compare it with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

from absl import logging
from tfx.dsl.component.experimental.component_utils import create_tfx_component_class
from tfx.dsl.components.base import base_executor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from components.artifacts import Artifacts, BaselinesArtifact
from components.baselines.results import write_baselines
from components.baselines.scoring import score_baselines
from components.baselines.settings import BaselineSettings
from components.papers.examples import read_papers
from components.papers.raw_paper import RawPaper
from components.transform.settings import ModelInput
from schema import names
from schema.errors import BadInputError

BASELINES_KEY: Final = "baselines"
SETTINGS_KEY: Final = "settings"
INPUT_KEY: Final = "model_input"


class Executor(base_executor.BaseExecutor):
    """Scores the test papers with the baselines."""

    def Do(  # noqa: N802 - TFX calls it by this name.
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Trains, tunes and scores the enabled baselines.

        Args:
            input_dict: `examples`, the raw Examples.
            output_dict: `baselines`, one BaselinesArtifact, for the scores and metrics.
            exec_properties: `settings`, BaselineSettings as JSON; `model_input`, what the model
                reads.

        Raises:
            BadInputError: A split is empty, or holds no words.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = BaselineSettings.model_validate_json(exec_properties[SETTINGS_KEY])
        model_input: ModelInput = exec_properties[INPUT_KEY]
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        papers = {
            split: _read(artifact_utils.get_split_uri(examples, split), split, model_input)
            for split in names.SPLITS
        }
        results = score_baselines(
            papers[names.TRAIN],
            list(papers[names.VALIDATION]),
            list(papers[names.TEST]),
            settings,
        )
        target = artifact_utils.get_single_instance(output_dict[BASELINES_KEY])
        write_baselines(target.uri, results)
        for each in results:
            logging.info("baseline %s: %s", each.name, each.figures)


def _read(folder: str, split: str, model_input: ModelInput) -> Iterator[RawPaper]:
    """Reads the papers of a split, without their titles if the model reads none.

    Raises:
        BadInputError: There is no paper.
    """
    paper = None
    for paper in read_papers(folder):
        yield dataclasses.replace(paper, title="") if model_input == "abstract" else paper
    if paper is None:
        raise BadInputError(
            f"The {split} split holds no papers, so baselines can't be computed. "
            "Add papers or change data.test_share and data.validation_share."
        )


Baselines = create_tfx_component_class(
    "Baselines",
    ExecutorClassSpec(Executor),
    input_channel_parameters={
        # The raw ones, with all three splits.
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(standard_artifacts.Examples)
    },
    output_channel_parameters={BASELINES_KEY: ChannelParameter(BaselinesArtifact)},
    execution_parameters={
        # BaselineSettings as JSON.
        SETTINGS_KEY: ExecutionParameter(str),
        # What the model, and so the baselines, read: `title_and_abstract` or `abstract`.
        INPUT_KEY: ExecutionParameter(str),
        # Digest of this component's source, so that edited code runs again.
        "source_digest": ExecutionParameter(str),
    },
)
