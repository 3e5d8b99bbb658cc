"""The compiled pipeline, read as the messages of kfp-pipeline-spec, against the local graph."""

from __future__ import annotations

import pytest
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.utils import import_utils

from pipeline.cloud.compile import COMMAND, DRIVER_COMMAND
from pipeline.cloud.container_main import ARTIFACT_TYPES
from tests.support.cloud_steps import (
    IMAGE,
    RESOLVERS,
    TARGETS,
    compiled,
    deployment,
    local_nodes,
    local_pipeline,
    parsed,
)


def node_of(task: str) -> str:
    """The Resolver of a blessed model is two tasks there."""
    return task.partition("-model-")[0]


def titles(artifacts) -> dict[str, str]:
    return {
        key: yaml.safe_load(each.artifact_type.instance_schema)["title"]
        for key, each in artifacts.items()
    }


def test_vertex_gets_a_job_and_kubeflow_a_spec():
    job = pipeline_spec_pb2.PipelineJob()
    json_format.ParseDict(compiled("vertex"), job)
    assert job.display_name == "arxiv-tagger"
    assert job.runtime_config.gcs_output_directory == "gs://example-bucket/arxiv-tagger/pipeline"
    assert job.labels["application"] == "arxiv-tagger"
    # The open-source backend takes 2.1.0 alone.
    for target in TARGETS:
        assert parsed(target).schema_version == "2.1.0"
        assert parsed(target).pipeline_info.name == "arxiv-tagger"
    spec = parsed("kubeflow")
    assert spec.default_pipeline_root == "gs://example-bucket/arxiv-tagger/pipeline"


@pytest.mark.parametrize("target", TARGETS)
def test_every_component_is_there_with_image_and_command(target):
    spec, executors = parsed(target), deployment(target).executors
    nodes = {node_of(task) for task in spec.root.dag.tasks}
    assert nodes == (set(local_nodes()) if target == "vertex" else set(local_nodes()) - RESOLVERS)
    for name, task in spec.root.dag.tasks.items():
        component = spec.components[task.component_ref.name]
        executor = executors[component.executor_label]
        if node_of(name) in RESOLVERS:
            assert executor.WhichOneof("spec") == "resolver"
            continue
        assert executor.container.image == IMAGE
        assert tuple(executor.container.command) == COMMAND
        (local,) = (each for each in local_pipeline().components if each.id == name)
        path = executor.container.args[1]
        assert import_utils.import_class_by_path(path) is local.executor_spec.executor_class
    driver = executors["CsvExampleGen_executor"].container.lifecycle.pre_cache_check
    assert tuple(driver.command) == DRIVER_COMMAND


def local_data_edges() -> set[tuple[str, str, str, str]]:
    return {
        (node_id, key, channel.producer_node_query.id, channel.output_key)
        for node_id, node in local_nodes().items()
        if node_id not in RESOLVERS
        for key, entry in node.inputs.inputs.items()
        for channel in entry.channels
    }


def compiled_data_edges(target: str) -> set[tuple[str, str, str, str]]:
    return {
        (
            node_of(name),
            key,
            node_of(entry.task_output_artifact.producer_task),
            entry.task_output_artifact.output_artifact_key,
        )
        for name, task in parsed(target).root.dag.tasks.items()
        if node_of(name) not in RESOLVERS
        for key, entry in task.inputs.artifacts.items()
    }


def test_the_edges_are_those_of_the_local_graph():
    tasks = parsed("vertex").root.dag.tasks
    assert compiled_data_edges("vertex") == local_data_edges()
    for name, task in tasks.items():
        # What a resolver waits for here only orders listings: a cloud has no place for it.
        if node_of(name) in RESOLVERS:
            continue
        waits = {node_of(each) for each in task.dependent_tasks}
        assert waits == set(local_nodes()[name].upstream_nodes)
        assert set(task.dependent_tasks) <= set(tasks)
    first, second = (f"LastBlessedModel-model{part}-resolver" for part in ("-blessing", ""))
    assert tasks[second].inputs.artifacts["input"].task_output_artifact.producer_task == first


def test_kubeflow_gets_the_same_edges_without_what_its_backend_refuses():
    """It takes containers and importers only."""
    kept = {edge for edge in local_data_edges() if edge[2] not in RESOLVERS}
    assert compiled_data_edges("kubeflow") == kept
    for name, task in parsed("kubeflow").root.dag.tasks.items():
        waits = set(local_nodes()[name].upstream_nodes) - RESOLVERS
        assert set(task.dependent_tasks) == waits
    kinds = {each.WhichOneof("spec") for each in deployment("kubeflow").executors.values()}
    assert kinds == {"container"}


@pytest.mark.parametrize("target", TARGETS)
def test_artifacts_carry_the_names_of_their_types(target):
    spec = parsed(target)
    custom = set()
    for name, task in spec.root.dag.tasks.items():
        if node_of(name) in RESOLVERS:
            continue
        component = spec.components[task.component_ref.name]
        (local,) = (each for each in local_pipeline().components if each.id == name)
        assert titles(component.output_definitions.artifacts) == {
            key: title_of(channel.type) for key, channel in local.outputs.items()
        }
        custom |= {
            channel.type for channel in local.outputs.values() if "." in channel.type.TYPE_NAME
        }
    # Those that TFX's entry point could not import by their names.
    assert custom == set(ARTIFACT_TYPES)


def title_of(kind) -> str:
    return kind.TYPE_NAME if "." in kind.TYPE_NAME else f"tfx.{kind.TYPE_NAME}"


def test_kubeflow_does_not_cache_what_it_cannot_see_change():
    """It runs no driver that would look at the files."""
    tasks = parsed("kubeflow").root.dag.tasks
    assert {name for name, task in tasks.items() if not task.caching_options.enable_cache} == {
        "CsvExampleGen"
    }
    vertex = parsed("vertex").root.dag.tasks
    assert vertex["CsvExampleGen"].caching_options.enable_cache
