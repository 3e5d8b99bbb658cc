"""Steps of a compiled pipeline, run by the spec's own commands as Vertex AI calls them."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.dsl.compiler import compiler
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils

from pipeline.cloud import container_driver, container_main
from pipeline.cloud.compile import COMMAND, DRIVER_COMMAND, compile_pipeline
from pipeline.cloud.parameters import cloud_places
from pipeline.code_version import CodeVersion
from pipeline.config import load_config
from pipeline.graph import create_pipeline

CODE = CodeVersion("c0ffee", changed=False)
TARGETS = ("vertex", "kubeflow")
IMAGE = "example-registry/arxiv-tagger:0.1.0-cuda"
RESOLVERS = {"LastStatistics", "LastBlessedModel"}
NUMBER = "projects/1/locations/nowhere/metadataStores/default/artifacts"


@functools.cache
def compiled(target: str, *overrides: str, profile: str = "cloud_example") -> dict[str, Any]:
    """The spec by the example's settings; whoever changes it must copy it first."""
    return compile_pipeline(load_config(profile, overrides), target, CODE)


def pipeline_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    return spec.get("pipelineSpec", spec)


def containers(spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The containers by the node's id; resolvers have none."""
    executors = pipeline_spec(spec)["deploymentSpec"]["executors"]
    return {
        label.removesuffix("_executor"): executor["container"]
        for label, executor in executors.items()
        if "container" in executor
    }


def given_parameters(spec: Mapping[str, Any], node: str) -> dict[str, Any]:
    """What a step is given: constants, and the defaults of what may change from run to run."""
    root = pipeline_spec(spec)["root"]
    declared = root["inputDefinitions"]["parameters"]
    found = {}
    for name, source in root["dag"]["tasks"][node]["inputs"].get("parameters", {}).items():
        if "componentInputParameter" in source:
            found[name] = declared[source["componentInputParameter"]]["defaultValue"]
        else:
            found[name] = source["runtimeValue"]["constant"]
    return found


@functools.cache
def local_pipeline():
    config = load_config("cloud_example")
    return create_pipeline(config, cloud_places(config.deploy), code=CODE)


@functools.cache
def local_nodes():
    graph = compiler.Compiler().compile(local_pipeline())
    nodes = [entry.pipeline_node for entry in graph.nodes]
    return {node.node_info.id: node for node in nodes}


@functools.cache
def parsed(target: str):
    """The spec as a message: no field is unknown to it."""
    spec = pipeline_spec_pb2.PipelineSpec()
    json_format.ParseDict(pipeline_spec(compiled(target)), spec)
    return spec


def deployment(target: str):
    config = pipeline_spec_pb2.PipelineDeploymentConfig()
    json_format.ParseDict(json_format.MessageToDict(parsed(target).deployment_spec), config)
    return config


def given_to_executor(spec, node: str) -> dict[str, object]:
    """What TFX's entry point makes of a step's parameters, by the flags of its own command."""
    args = containers(spec)[node]["args"]
    inputs = pipeline_spec_pb2.ComponentInputsSpec()
    json_format.Parse(args[args.index("--json_serialized_inputs_spec_args") + 1], inputs)
    execution = pipeline_spec_pb2.ExecutorInput()
    json_format.ParseDict({"inputs": {"parameterValues": given_parameters(spec, node)}}, execution)
    return kubeflow_v2_entrypoint_utils.parse_execution_properties(
        execution.inputs.parameter_values, execution.inputs.parameters, inputs
    )


class CloudSteps:
    """One run of a pipeline: what a step has written, a later one may be given."""

    def __init__(self, spec: Mapping[str, Any], root: Path, *, titles: bool = False) -> None:
        """Starts a run.

        Args:
            spec: The compiled pipeline.
            root: Where the artifacts go.
            titles: Whether a type is told by its title alone, as some services do.
        """
        self.spec = pipeline_spec(spec)
        self.root = root
        self.titles = titles

    def artifact(self, node: str, key: str, uri: Path | None = None, **metadata: Any) -> Any:
        """An output of a node, as a service that has made no execution of it would hand it over."""
        uri = uri or self.root / node / key
        uri.mkdir(parents=True, exist_ok=True)
        kind = self.spec["components"][node]["outputDefinitions"]["artifacts"][key]["artifactType"]
        if self.titles:
            kind = {
                "schemaTitle": kind["instanceSchema"].partition("\n")[0].removeprefix("title: ")
            }
        return {
            "name": f"{NUMBER}/{node}-{key}",
            "type": kind,
            "uri": str(uri),
            "metadata": metadata,
        }

    def drive(self, node: str, **parameters: Any) -> dict[str, Any]:
        """Runs the driver; returns what it wrote."""
        hook = containers(self.spec)[node]["lifecycle"]["preCacheCheck"]
        assert tuple(hook["command"]) == DRIVER_COMMAND
        return self._run(container_driver.main, hook["args"], node, {}, parameters)

    def step(
        self, node: str, inputs: Mapping[str, Any] | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """Runs a step; returns its outputs by key."""
        container = containers(self.spec)[node]
        assert tuple(container["command"]) == COMMAND
        args = container["args"]
        written = self._run(container_main.main, args, node, inputs or {}, parameters)
        outputs = {}
        for key, found in written["artifacts"].items():
            (artifact,) = found["artifacts"]
            outputs[key] = {**self.artifact(node, key), **artifact}
        return outputs

    def _run(
        self,
        main: Any,
        args: list[str],
        node: str,
        inputs: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> dict[str, Any]:
        given = {**given_parameters({"pipelineSpec": self.spec}, node), **parameters}
        declared = self.spec["components"][node]["outputDefinitions"]["artifacts"]
        output_file = self.root / node / "executor_output.json"
        execution = {
            "inputs": {
                "parameterValues": given,
                "artifacts": {key: {"artifacts": [each]} for key, each in inputs.items()},
            },
            "outputs": {
                "artifacts": {key: {"artifacts": [self.artifact(node, key)]} for key in declared},
                "outputFile": str(output_file),
            },
        }
        command = [json.dumps(execution) if each == "{{$}}" else each for each in args]
        # Each is the whole of a process.
        with pytest.raises(SystemExit) as end:
            main(["program", *command])
        assert not end.value.code
        return json.loads(output_file.read_text())
