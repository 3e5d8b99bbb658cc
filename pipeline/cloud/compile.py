"""Compiles the graph for Vertex AI or Kubeflow Pipelines: offline, and reproducibly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from google.protobuf import json_format
from tfx import v1 as tfx

from pipeline.cloud.parameters import cloud_places, make_cloud
from pipeline.code_version import CodeVersion
from pipeline.config import Config
from pipeline.deploy_settings import Target
from pipeline.graph import create_pipeline
from pipeline.places import CloudOptions
from pipeline.run_parameters import run_parameters

# The command of every step's container.
COMMAND: Final = ("python", "-m", "pipeline.cloud.container_main")
DRIVER_COMMAND: Final = ("python", "-m", "pipeline.cloud.container_driver")

_EXAMPLE_GEN: Final = "CsvExampleGen"


def compile_pipeline(
    config: Config, target: Target, code: CodeVersion, *, write_out: bool = False
) -> dict[str, Any]:
    """Compiles the graph.

    Args:
        config: The whole configuration, which `check_required` has let pass.
        target: The platform.
        code: The version of the code, for the report.
        write_out: Whether KubeflowV2DagRunner's file is written, for the `tfx` command.

    Returns:
        For Vertex AI a PipelineJob, for Kubeflow a PipelineSpec, as the JSON of these messages
        (kfp-pipeline-spec, `pipeline_spec.proto`).
    """
    cloud = make_cloud(config, target)
    places = cloud_places(config.deploy)
    graph = create_pipeline(config, places, code=code, cloud=cloud)
    settings = tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
        display_name=graph.pipeline_info.pipeline_name,
        default_image=cloud.image,
        default_commands=list(COMMAND),
        # Open-source Kubeflow takes no older one. On Vertex AI, an older one makes TFX's entry
        # point drop what ExampleGen's driver found: the span and the file pattern.
        use_pipeline_spec_2_1=True,
    )
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(config=settings)
    job: dict[str, Any] = runner.run(graph, write_out=False)
    _complete(job["pipelineSpec"], cloud, run_parameters(config, places, code, cloud))
    if target == "kubeflow":
        spec = job["pipelineSpec"]
        # The open-source backend runs no driver, so its cache would not notice changed files.
        del spec["root"]["dag"]["tasks"][_EXAMPLE_GEN]["cachingOptions"]
        return {**spec, "defaultPipelineRoot": places.pipeline_root}
    job["labels"] = {**job.get("labels", {}), **config.deploy.labels}
    if write_out:
        # TFX would write it incomplete. Its command line sets both to where it keeps pipelines.
        path = Path(runner._output_dir, runner._output_filename)
        path.write_text(json.dumps(job, sort_keys=True), "utf-8")
    return job


def _complete(spec: dict[str, Any], cloud: CloudOptions, defaults: dict[str, str]) -> None:
    """Adds what TFX's compiler leaves out."""
    declared = spec["root"]["inputDefinitions"]["parameters"]
    if set(declared) != set(defaults):
        raise AssertionError(f"parameters {sorted(declared)}, expected {sorted(defaults)}")
    for name, value in defaults.items():
        declared[name]["defaultValue"] = value
    container = spec["deploymentSpec"]["executors"][f"{_EXAMPLE_GEN}_executor"]["container"]
    container["lifecycle"]["preCacheCheck"]["command"] = list(DRIVER_COMMAND)
    if cloud.others:
        container["resources"] = json_format.MessageToDict(cloud.others)
