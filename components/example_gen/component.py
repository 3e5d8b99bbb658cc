"""The ExampleGen component: files of data in, curated examples and a curation report out."""

from __future__ import annotations

from tfx import types
from tfx.components.example_gen import component as stock
from tfx.components.example_gen import utils
from tfx.dsl.components.base import executor_spec
from tfx.orchestration import data_types
from tfx.proto import example_gen_pb2
from tfx.types import component_spec, standard_artifacts, standard_component_specs

from components.artifacts import CurationArtifact
from components.example_gen.driver import DATA_SETTINGS_KEY, PATTERN_KEY, SpanDriver
from components.example_gen.executor import (
    CURATION_KEY,
    SOURCE_DIGEST_KEY,
    CsvExampleGenExecutor,
)
from schema import names


class CsvExampleGenSpec(component_spec.ComponentSpec):
    """That of FileBasedExampleGen, with our settings, source digest and report.

    The pattern is in it twice, since TFX replaces the `{SPAN}` in `input_config` by a number.
    """

    PARAMETERS = {  # noqa: RUF012
        **standard_component_specs.FileBasedExampleGenSpec.PARAMETERS,
        PATTERN_KEY: component_spec.ExecutionParameter(type=str),
        DATA_SETTINGS_KEY: component_spec.ExecutionParameter(type=str),
        SOURCE_DIGEST_KEY: component_spec.ExecutionParameter(type=str),
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
