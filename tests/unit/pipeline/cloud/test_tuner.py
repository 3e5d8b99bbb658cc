"""The Tuner in a cloud: TFX's own for Vertex AI, and a step like any other on Kubeflow."""

from __future__ import annotations

import copy
import json

from google.cloud.aiplatform_v1.types.custom_job import CustomJob
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components.tuner import executor as stock_tuner
from tfx.extensions.google_cloud_ai_platform import runner, training_clients
from tfx.extensions.google_cloud_ai_platform.tuner import executor as vertex_tuner
from tfx.types.standard_component_specs import TrainerSpec, TunerSpec

from tests.support.cloud_steps import (
    IMAGE,
    TARGETS,
    CloudSteps,
    compiled,
    containers,
    given_parameters,
    given_to_executor,
    pipeline_spec,
)

TUNED = ("tuner.enabled=true", "deploy.parallel_trials=3")
SETTINGS = (*TUNED, "deploy.project=p", "deploy.region=r", "deploy.service_account=me@here")


def test_both_platforms_get_what_tfx_specifies():
    executors = {"vertex": vertex_tuner, "kubeflow": stock_tuner}
    for target in TARGETS:
        spec = compiled(target, *TUNED)
        message = pipeline_spec_pb2.PipelineSpec()
        json_format.ParseDict(pipeline_spec(spec), message)
        container = containers(spec)["Tuner"]
        assert container["args"][1] == f"{executors[target].__name__}.Executor"
        assert set(given_to_executor(spec, "Tuner")) <= set(TunerSpec.PARAMETERS)
        component, tasks = message.components["Tuner"], message.root.dag.tasks
        assert set(component.input_definitions.artifacts) <= set(TunerSpec.INPUTS)
        assert set(component.output_definitions.artifacts) == set(TunerSpec.OUTPUTS)
        (key,) = (
            key
            for key, entry in tasks["Trainer"].inputs.artifacts.items()
            if entry.task_output_artifact.producer_task == "Tuner"
        )
        assert key in TrainerSpec.INPUTS
        # A run may change the settings of both.
        for node in ("Tuner", "Trainer"):
            source = tasks[node].inputs.parameters["custom_config"]
            assert source.component_input_parameter == "custom_config"
        # On Vertex AI the GPUs are the job's: the container only waits for it.
        assert ("accelerator" in container["resources"]) == (target == "kubeflow")
        assert "Tuner" not in containers(compiled(target))


def test_vertex_ai_gets_a_job_whose_machines_search_together(tmp_path, monkeypatch):
    sent = {}
    monkeypatch.setattr(training_clients.VertexJobClient, "create_client", lambda self: None)
    monkeypatch.setattr(
        runner, "_launch_cloud_training", lambda **request: sent.update(copy.deepcopy(request))
    )
    spec = compiled("vertex", *SETTINGS)
    steps = CloudSteps(spec, tmp_path / "run")
    inputs = {
        "examples": steps.artifact("Transform", "transformed_examples"),
        "transform_graph": steps.artifact("Transform", "transform_graph"),
    }
    steps.step("Tuner", inputs)
    assert (sent["project"], sent["vertex_region"], sent["enable_vertex"]) == ("p", "r", True)
    job = CustomJob(sent["training_job"])
    assert job.job_spec.service_account == "me@here"
    chief, others = job.job_spec.worker_pool_specs
    assert (chief.replica_count, others.replica_count) == (1, 2)
    for pool in (chief, others):
        assert pool.machine_spec.accelerator_count == 1
        assert pool.container_spec.image_uri == IMAGE
        command = list(pool.container_spec.command)
        assert command[:3] == ["python", "-m", "tfx.scripts.run_executor"]
        flags = dict(zip(command[3::2], command[4::2], strict=True))
        assert flags["--executor_class_path"] == f"{vertex_tuner.__name__}._WorkerExecutor"
        given = json.loads(flags["--exec-properties"])
        custom, expected = (
            json.loads(each["custom_config"]) for each in (given, given_parameters(spec, "Tuner"))
        )
        assert custom["tuner"] == expected["tuner"]
        assert custom["settings"] == expected["settings"]


def test_one_trial_at_a_time_needs_one_machine():
    custom = json.loads(given_parameters(compiled("vertex", TUNED[0]), "Tuner")["custom_config"])
    (pool,) = custom["ai_platform_tuning_args"]["job_spec"]["worker_pool_specs"]
    assert pool["replica_count"] == 1
