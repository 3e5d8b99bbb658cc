"""The command of ExampleGen's driver in a cloud: TFX's, with our artifact types and span windows.

Vertex AI runs it before it looks into its cache, to see what the input files are now. It resolves
the type of every output, so it has to know ours; and TFX's own finds only the latest span.
"""

from __future__ import annotations

import argparse

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.dsl.io import fileio
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils
from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver

from components.example_gen.driver import PATTERN_KEY, WINDOW_KEY, describe_window, read_window
from pipeline.cloud.container_main import run_program


def main(arguments: list[str] | None = None) -> None:
    """Runs the driver and exits, as `container_main.main` runs an executor."""
    run_program(_drive, driver._parse_flags, arguments)


def _drive(flags: argparse.Namespace) -> None:
    """Lets TFX's driver write what it found, and adds the spans and digest of the window."""
    execution = pipeline_spec_pb2.ExecutorInput()
    json_format.Parse(flags.json_serialized_invocation_args, execution, ignore_unknown_fields=True)
    inputs = pipeline_spec_pb2.ComponentInputsSpec()
    json_format.Parse(flags.json_serialized_inputs_spec_args, inputs, ignore_unknown_fields=True)
    properties = kubeflow_v2_entrypoint_utils.parse_execution_properties(
        execution.inputs.parameter_values, execution.inputs.parameters, inputs
    )
    # First, since TFX's messages about wrong spans are hard to read.
    window = read_window(properties, properties[PATTERN_KEY])
    driver.main(flags)
    if window is None:
        return
    found = pipeline_spec_pb2.ExecutorOutput()
    with fileio.open(execution.outputs.output_file, "rb") as file:
        json_format.Parse(file.read(), found)
    found.parameter_values[WINDOW_KEY].string_value = describe_window(window)
    with fileio.open(execution.outputs.output_file, "wb") as file:
        file.write(json_format.MessageToJson(found, sort_keys=True).encode())


if __name__ == "__main__":
    main()
