"""The Tuner in a cloud: TFX's own for Vertex AI, and a step like any other on Kubeflow."""

from __future__ import annotations

import copy
import json

import pytest
from google.cloud.aiplatform_v1.types.custom_job import CustomJob
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components.tuner import executor as stock_tuner
from tfx.extensions.google_cloud_ai_platform import runner, training_clients
from tfx.extensions.google_cloud_ai_platform.tuner import executor as vertex_tuner
from tfx.types.standard_component_specs import TrainerSpec, TunerSpec

from tests.support.cloud_steps import (
    IMAGE,
    CloudSteps,
    compiled,
    containers,
    given_parameters,
    given_to_executor,
    pipeline_spec,
)

TUNED = ("tuner.enabled=true", "deploy.parallel_trials=3")


@pytest.mark.parametrize(
    ("target", "executor"), [("vertex", vertex_tuner), ("kubeflow", stock_tuner)]
)
def test_both_platforms_get_what_tfx_specifies(target, executor):
    spec = compiled(target, *TUNED)
    message = pipeline_spec_pb2.PipelineSpec()
    json_format.ParseDict(pipeline_spec(spec), message)
    container = containers(spec)["Tuner"]
    assert container["args"][1] == f"{executor.__name__}.Executor"
    # On Vertex AI the GPUs are the job's: the container only waits for it.
    assert ("accelerator" in container["resources"]) == (target == "kubeflow")
    assert set(given_to_executor(spec, "Tuner")) <= set(TunerSpec.PARAMETERS)
    component, tasks = message.components["Tuner"], message.root.dag.tasks
    assert set(component.input_definitions.artifacts) == {"examples", "transform_graph"}
    assert set(component.output_definitions.artifacts) == set(TunerSpec.OUTPUTS)
    best = tasks["Trainer"].inputs.artifacts["hyperparameters"].task_output_artifact
    assert (best.producer_task, best.output_artifact_key) == ("Tuner", "best_hyperparameters")
    assert "hyperparameters" in TrainerSpec.INPUTS
    # A run may change the settings of both.
    for node in ("Tuner", "Trainer"):
        source = tasks[node].inputs.parameters["custom_config"]
        assert source.component_input_parameter == "custom_config"


def test_vertex_ai_gets_a_job_whose_machines_search_together(tmp_path, monkeypatch):
    sent = {}
    monkeypatch.setattr(training_clients.VertexJobClient, "create_client", lambda self: None)
    monkeypatch.setattr(
        runner, "_launch_cloud_training", lambda **request: sent.update(copy.deepcopy(request))
    )
    spec = compiled("vertex", *TUNED, "deploy.service_account=me@here")
    steps = CloudSteps(spec, tmp_path / "run")
    names = {"examples": "transformed_examples", "transform_graph": "transform_graph"}
    steps.step("Tuner", {key: steps.artifact("Transform", name) for key, name in names.items()})
    assert (sent["project"], sent["vertex_region"]) == ("example-project", "us-central1")
    job = CustomJob(sent["training_job"])
    assert job.job_spec.service_account == "me@here"
    pools = job.job_spec.worker_pool_specs
    assert [pool.replica_count for pool in pools] == [1, 2]
    expected = json.loads(given_parameters(spec, "Tuner")["custom_config"])
    for pool in pools:
        assert pool.machine_spec.accelerator_count == 1
        assert pool.container_spec.image_uri == IMAGE
        command = list(pool.container_spec.command)
        assert command[:3] == ["python", "-m", "tfx.scripts.run_executor"]
        flags = dict(zip(command[3::2], command[4::2], strict=True))
        assert flags["--executor_class_path"] == f"{vertex_tuner.__name__}._WorkerExecutor"
        custom = json.loads(json.loads(flags["--exec-properties"])["custom_config"])
        assert {custom[key] == expected[key] for key in ("tuner", "settings")} == {True}
