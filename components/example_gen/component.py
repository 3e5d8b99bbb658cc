"""The ExampleGen component: files of data in, curated examples and a curation report out."""

from __future__ import annotations

import glob
import json
import posixpath
from typing import Any

from absl import logging
from tfx import types
from tfx.components.example_gen import component as stock
from tfx.components.example_gen import utils
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.orchestration import data_types
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts, standard_component_specs
from tfx.utils import io_utils, proto_utils

from components.artifacts import Artifacts, CurationArtifact
from components.example_gen.curation import curate
from components.example_gen.curation_report import CurationReport, stop_reason
from components.example_gen.driver import DATA_SETTINGS_KEY, PATTERN_KEY, SpanDriver, read_window
from components.example_gen.outputs import UNFINISHED_DIR, Destination, read_outcome
from components.example_gen.rows import DeadLetter
from components.example_gen.settings import DataSettings
from schema import names
from schema.errors import BadInputError

CURATION_KEY = "curation"
# Property of the curation artifact: the spans that were read.
SPANS_PROPERTY = "spans"


class CsvExampleGenExecutor(base_beam_executor.BaseBeamExecutor):
    """Turns files into train, val and test examples and a report of what became of the rows."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Runs the curation.

        Args:
            input_dict: Empty.
            output_dict: `examples` and `curation`.
            exec_properties: Those of `CsvExampleGenSpec`; the driver has put the files' pattern
                into `input_config`, with the latest span's number in the place of `{SPAN}`.

        Raises:
            BadInputError: No file matches, a span is missing, a file is broken, too many rows are
                malformed, or nothing is left for one of the splits.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = DataSettings.model_validate_json(exec_properties[DATA_SETTINGS_KEY])
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        curation = artifact_utils.get_single_instance(output_dict[CURATION_KEY])
        examples.split_names = artifact_utils.encode_split_names(list(names.SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        destination = Destination(examples.uri, curation.uri)
        fileio.makedirs(curation.uri)
        paths, spans = _find_files(exec_properties)
        if spans:
            curation.set_string_custom_property(SPANS_PROPERTY, spans)
            logging.info("Reading the spans %s", spans)

        with self._make_beam_pipeline() as pipeline:
            curate(pipeline, paths, settings, destination)

        report = _publish(paths, settings, destination)
        logging.info("Curated %d files: %s", len(paths), report)


def _find_files(exec_properties: dict[str, Any]) -> tuple[list[str], str]:
    """Lists the input files, and the spans that they are of; there may be none."""
    base = exec_properties[standard_component_specs.INPUT_BASE_KEY]
    input_config = example_gen_pb2.Input()
    proto_utils.json_to_proto(
        exec_properties[standard_component_specs.INPUT_CONFIG_KEY], input_config
    )
    (split,) = input_config.splits
    # Bounded by what the driver saw: a span that came since belongs to the next run.
    window = read_window(exec_properties, split.pattern)
    if window is not None:
        return window.paths, ", ".join(map(str, window.spans))
    paths = sorted(fileio.glob(posixpath.join(glob.escape(base), split.pattern)))
    if not paths:
        # The driver lets this pass.
        sought = posixpath.join(base, split.pattern)
        raise BadInputError(f"no file matches {sought}; give the path of a file of data")
    return paths, ""


def _publish(paths: list[str], settings: DataSettings, destination: Destination) -> CurationReport:
    """Judges the outcome, and leaves the report and the malformed rows in their final form."""
    outcome = read_outcome(destination)
    if outcome["faults"]:
        raise BadInputError("\n".join(outcome["faults"]))
    report = CurationReport.from_counts(outcome["counts"])
    # The parts come in file order, so the same input gives the same bytes.
    first: list[DeadLetter] = []
    with fileio.open(posixpath.join(destination.curation, names.DEAD_LETTERS_FILE), "w") as file:
        # Some file systems make no file where nothing is written.
        file.write("")
        for part in map(destination.dead_letters, range(len(paths))):
            if not fileio.exists(part):
                continue
            with fileio.open(part) as lines:
                for line in lines:
                    file.write(line)
                    if len(first) < 3:
                        first.append(DeadLetter.from_json(line))
            fileio.remove(part)
    reason = stop_reason(report, first, settings)
    if reason is not None:
        told = "; `arxiv-tagger check` with the same --profile and --set lists all malformed rows"
        raise BadInputError(reason + (told if report.dead_letters else ""))
    left_out = json.dumps(outcome["left_out"], indent=1)
    for name, text in ((names.CURATION_FILE, report.to_json()), (names.LEFT_OUT_FILE, left_out)):
        io_utils.write_string_file(posixpath.join(destination.curation, name), text + "\n")
    fileio.remove(destination.outcome)
    for root in (destination.examples, destination.curation):
        unfinished = posixpath.join(root, UNFINISHED_DIR)
        if fileio.exists(unfinished):
            fileio.rmtree(unfinished)
    return report


class CsvExampleGenSpec(component_spec.ComponentSpec):
    """That of FileBasedExampleGen, with our settings, source digest and report.

    The pattern is in it twice, since TFX replaces the `{SPAN}` in `input_config` by a number.
    """

    PARAMETERS = {  # noqa: RUF012
        **standard_component_specs.FileBasedExampleGenSpec.PARAMETERS,
        PATTERN_KEY: component_spec.ExecutionParameter(type=str),
        DATA_SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        "source_digest": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        **standard_component_specs.FileBasedExampleGenSpec.OUTPUTS,
        CURATION_KEY: component_spec.ChannelParameter(type=CurationArtifact),
    }


class CsvExampleGen(stock.FileBasedExampleGen):
    """Reads, curates and splits files of data; a subclass because Kubeflow's driver requires it.

    Outputs:
        examples: Splits train, val and test of tf.Examples with `names.TITLES`,
            `names.SUMMARIES` (one bytes value each) and `names.TERMS` (at least one), in file
            order.
        curation: A `CurationArtifact`.
    """

    SPEC_CLASS = CsvExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(CsvExampleGenExecutor)
    DRIVER_CLASS = SpanDriver

    def __init__(
        self,
        input_base: str | data_types.RuntimeParameter,
        pattern: str,
        data_settings: str,
        source_digest: str,
    ) -> None:
        """Makes the component.

        Args:
            input_base: The folder of the files, local or remote; in a cloud a parameter that
                holds it.
            pattern: Glob of the `.csv` or `.csv.gz` files in it; `{SPAN}` stands for the number
                of a span, see `spans`.
            data_settings: `DataSettings` as JSON.
            source_digest: Digest of this component's source, so that edited code runs again.
        """
        # These only name the splits; the executor has its own rule.
        splits = [
            example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=1) for name in names.SPLITS
        ]
        spec = CsvExampleGenSpec(
            input_base=input_base,
            input_config=utils.make_default_input_config(pattern),
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(splits=splits)
            ),
            output_data_format=example_gen_pb2.FORMAT_TF_EXAMPLE,
            output_file_format=example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            pattern=pattern,
            data_settings=data_settings,
            source_digest=source_digest,
            examples=types.Channel(type=standard_artifacts.Examples),
            curation=types.Channel(type=CurationArtifact),
        )
        # FileBasedExampleGen's own constructor has no place for our parameters.
        super(stock.FileBasedExampleGen, self).__init__(spec=spec)
