"""What the executors are given by a compiled pipeline, and on which machines they run."""

from __future__ import annotations

import json

import pytest
from kfp.pipeline_spec import pipeline_spec_pb2
from tensorflow_model_analysis.proto import config_pb2
from tfx.components.trainer import fn_args_utils
from tfx.utils import json_utils, proto_utils

from components.evaluator.eval_config import make_eval_config
from components.trainer.settings import TrainerSettings
from pipeline.config import load_config
from tests.support.cloud_steps import (
    IMAGE,
    RESOLVERS,
    TARGETS,
    compiled,
    containers,
    deployment,
    given_to_executor,
    local_pipeline,
    parsed,
)

CHANGEABLE = {
    ("CsvExampleGen", "input_base"),
    ("Trainer", "custom_config"),
    ("Evaluator", "eval_config"),
    ("Report", "provenance"),
}
DATAFLOW = (
    "beam.runner=dataflow",
    "beam.arguments=[--max_num_workers=20]",
    "deploy.beam_image=example-registry/arxiv-tagger:0.1.0-beam",
    "deploy.service_account=me@example-project.iam.gserviceaccount.com",
)
BEAM_STAGES = ("CsvExampleGen", "StatisticsGen", "Transform", "Evaluator")


@pytest.mark.parametrize("target", TARGETS)
def test_what_changes_from_run_to_run_is_a_parameter_with_its_default(target):
    spec = parsed(target)
    asked = {
        (name, key): entry.component_input_parameter
        for name, task in spec.root.dag.tasks.items()
        for key, entry in task.inputs.parameters.items()
        if entry.WhichOneof("kind") == "component_input_parameter"
    }
    assert asked == {(node, key): key for node, key in CHANGEABLE}
    declared = spec.root.input_definitions.parameters
    assert set(declared) == {key for _, key in CHANGEABLE}
    string = pipeline_spec_pb2.ParameterType.STRING
    assert all(each.parameter_type == string for each in declared.values())
    assert declared["input_base"].default_value.string_value == "gs://example-bucket/papers"


@pytest.mark.parametrize("target", TARGETS)
def test_executors_are_given_what_they_are_given_locally(target):
    for component in local_pipeline().components:
        if component.id in RESOLVERS:
            continue
        local = {
            name: value for name, value in component.exec_properties.items() if value is not None
        }
        given = given_to_executor(compiled(target), component.id)
        if component.id == "Report":
            told, told_here = (json.loads(each.pop("provenance")) for each in (given, local))
            assert told["settings"] == told_here["settings"]
            assert told["commit"] == "c0ffee"
            assert told["data"] == "gs://example-bucket/papers/*.csv*"
        assert given == local, component.id
        assert {k: type(v) for k, v in given.items()} == {k: type(v) for k, v in local.items()}


def test_the_parameters_hold_what_the_executors_parse():
    config = load_config("cloud_example")
    trainer = given_to_executor(compiled("vertex"), "Trainer")
    custom = json_utils.loads(trainer["custom_config"])
    assert isinstance(custom, dict)
    assert TrainerSettings.model_validate_json(custom["settings"]) == config.trainer
    assert custom["top_k"] == config.serving.top_k
    # The fields that TFX's Trainer reads it through.
    assert fn_args_utils.FnArgs(custom_config=custom).custom_config["settings"]
    parsed_config = config_pb2.EvalConfig()
    evaluator = given_to_executor(compiled("vertex"), "Evaluator")
    proto_utils.json_to_proto(evaluator["eval_config"], parsed_config)
    assert parsed_config == make_eval_config(config.gate)


@pytest.mark.parametrize(
    ("target", "gpu"), [("vertex", "NVIDIA_TESLA_T4"), ("kubeflow", "nvidia.com/gpu")]
)
def test_trainer_alone_asks_for_a_gpu(target, gpu):
    resources = {
        label.removesuffix("_executor"): executor.container.resources
        for label, executor in deployment(target).executors.items()
        if executor.WhichOneof("spec") == "container"
    }
    trainer = resources.pop("Trainer")
    assert (trainer.accelerator.type, trainer.accelerator.count) == (gpu, 1)
    assert trainer.cpu_limit == 8
    # KFP counts memory in 10^9 bytes.
    assert trainer.memory_limit * 1e9 == pytest.approx(30 * 2**30)
    for node, asked in resources.items():
        assert not asked.HasField("accelerator"), node
        assert asked.cpu_limit == 4, node
        assert asked.memory_limit * 1e9 == pytest.approx(16 * 2**30), node


def test_a_step_asks_for_nothing_where_no_machine_is_named():
    nothing = "{cpus: 0, memory_gib: 0}"
    gpus = "deploy.trainer.accelerators=0"
    spec = compiled("vertex", f"deploy.machine={nothing}", f"deploy.trainer={nothing}", gpus)
    assert all("resources" not in container for container in containers(spec).values())


def test_several_machines_train_in_a_job_of_vertex_ai():
    spec = compiled("vertex", "deploy.trainer.workers=3", "deploy.service_account=me@here")
    container = containers(spec)["Trainer"]
    assert container["args"][1].startswith("tfx.extensions.google_cloud_ai_platform.trainer.")
    # The GPUs are the job's: this container only waits for it.
    assert "accelerator" not in container["resources"]
    custom = json_utils.loads(given_to_executor(spec, "Trainer")["custom_config"])
    job = custom["ai_platform_training_args"]["job_spec"]
    assert job["service_account"] == "me@here"
    for pool in job["worker_pool_specs"]:
        assert pool["machine_spec"] == {
            "machine_type": "n1-standard-8",
            "accelerator_type": "NVIDIA_TESLA_T4",
            "accelerator_count": 1,
        }
        assert pool["container_spec"] == {"image_uri": IMAGE}


@pytest.mark.parametrize("target", TARGETS)
def test_every_beam_stage_is_told_of_dataflow(target):
    spec = compiled(target, *DATAFLOW)
    expected = [
        "--sdk_container_image=example-registry/arxiv-tagger:0.1.0-beam",
        "--project=example-project",
        "--region=us-central1",
        "--temp_location=gs://example-bucket/arxiv-tagger/beam",
        "--sdk_location=container",
        "--service_account_email=me@example-project.iam.gserviceaccount.com",
        "--labels=application=arxiv-tagger",
        "--runner=DataflowRunner",
        "--max_num_workers=20",
    ]
    for node in BEAM_STAGES:
        assert containers(spec)[node]["args"][-len(expected) :] == expected, node
    beam = {
        each.id
        for each in local_pipeline().components
        if type(each.executor_spec).__name__ == "BeamExecutorSpec"
    }
    assert beam == set(BEAM_STAGES)


def test_a_model_is_pushed_to_the_bucket_or_deployed_to_an_endpoint():
    bucket = given_to_executor(compiled("vertex"), "Pusher")
    assert json.loads(bucket["push_destination"]) == {
        "filesystem": {"base_directory": "gs://example-bucket/arxiv-tagger/serving/arxiv_tagger"}
    }
    assert bucket["endpoint"] == ""
    spec = compiled("vertex", "deploy.push_to=endpoint", "deploy.endpoint.replicas=2")
    endpoint = json.loads(given_to_executor(spec, "Pusher")["endpoint"])
    assert endpoint["project"] == "example-project"
    assert endpoint["region"] == "us-central1"
    assert endpoint["name"] == "arxiv-tagger"
    assert endpoint["replicas"] == 2
