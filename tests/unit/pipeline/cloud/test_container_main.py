"""The commands of the containers, run for real on what Vertex AI would hand them."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from google.cloud.aiplatform_v1.types import CustomJob
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.evaluator import executor as stock_evaluator
from tfx.components.trainer import executor as stock_trainer
from tfx.extensions.google_cloud_ai_platform import runner, training_clients

from components.baselines.results import read_baselines
from components.evaluator.component import Executor as EvaluatorExecutor
from pipeline.sample.generator import write_sample
from schema.errors import DataAnomalyError
from tests.support.cloud_steps import NUMBER, CloudSteps, compiled, given_parameters

# The sample's settings are those that a few hundred papers do with.
DEPLOYED = (
    "deploy.image=image:1",
    "deploy.bucket=gs://a-bucket",
    "deploy.data=gs://a-bucket/papers",
    "baselines.enabled=[none, frequent]",
)


@pytest.fixture
def steps(tmp_path) -> CloudSteps:
    return CloudSteps(compiled("vertex", *DEPLOYED, profile="sample"), tmp_path / "run")


def anomalies(steps: CloudSteps, short: str = ""):
    found = anomalies_pb2.Anomalies()
    if short:
        info = found.anomaly_info["terms"]
        info.severity = anomalies_pb2.AnomalyInfo.ERROR
        info.short_description = info.description = short
        info.reason.add(
            type=anomalies_pb2.AnomalyInfo.SCHEMA_MISSING_COLUMN, short_description=short
        )
    artifact = steps.artifact("ExampleValidator", "anomalies", split_names='["train"]')
    folder = Path(artifact["uri"]) / "Split-train"
    folder.mkdir(exist_ok=True)
    (folder / "SchemaDiff.pb").write_bytes(found.SerializeToString())
    return artifact


@pytest.mark.parametrize("titles", [False, True])
def test_data_check_runs_and_says_what_it_wrote(steps, titles):
    steps.titles = titles
    outputs = steps.step("DataCheck", {"anomalies": anomalies(steps)})
    report = outputs["data_check"]
    assert report["name"] == f"{NUMBER}/DataCheck-data_check"
    assert report["metadata"]["warnings"] == 0
    assert json.loads((Path(report["uri"]) / "data_check.json").read_text())["passed"] is True


def test_an_error_ends_the_step(steps):
    with pytest.raises(DataAnomalyError, match="missing from all papers"):
        steps.step("DataCheck", {"anomalies": anomalies(steps, "gone")})


def test_from_a_folder_to_the_baselines(steps, tmp_path):
    """Driver, ExampleGen, and a step that is given its artifact as ML Metadata would keep it."""
    papers = tmp_path / "papers"
    write_sample(400, 1, papers / "papers.csv")
    found = steps.drive("CsvExampleGen", input_base=str(papers))
    values = found["parameterValues"]
    assert values["span"] == 0
    assert "papers.csv" not in json.dumps(found["artifacts"]["examples"])
    assert "num_files:1" in values["input_fingerprint"]
    assert json.loads(values["input_config"])["splits"][0]["pattern"] == "*.csv*"
    outputs = steps.step("CsvExampleGen", input_base=str(papers))
    counts = json.loads((Path(outputs["curation"]["uri"]) / "curation.json").read_text())
    assert counts["rows_read"] == 400
    assert json.loads(outputs["examples"]["metadata"]["split_names"]) == ["train", "val", "test"]
    baselines = steps.step("Baselines", {"examples": outputs["examples"]})["baselines"]
    assert set(read_baselines(baselines["uri"])) == {"none", "frequent"}


def test_spans_are_found_by_the_driver_and_read_by_the_executor(tmp_path):
    archive = tmp_path / "archive"
    for span in (1, 2, 3):
        write_sample(200 + span, span, archive / f"span-{span}" / "papers.csv")
    spec = compiled(
        "vertex", *DEPLOYED, "deploy.pattern=span-{SPAN}/*.csv", "data.spans=2", profile="sample"
    )
    steps = CloudSteps(spec, tmp_path / "run")

    found = steps.drive("CsvExampleGen", input_base=str(archive))["parameterValues"]
    assert found["span"] == 3
    assert json.loads(found["input_config"])["splits"][0]["pattern"] == "span-3/*.csv"
    assert found["window"].startswith("2, 3: ")
    # What came since is the next run's.
    outputs = steps.step("CsvExampleGen", input_base=str(archive))
    counts = json.loads((Path(outputs["curation"]["uri"]) / "curation.json").read_text())
    assert counts["rows_read"] == 202 + 203


def test_a_blessing_names_its_models_as_the_service_does(steps):
    """TFX turns numbers into names for its own Evaluator's subclasses only."""
    assert issubclass(EvaluatorExecutor, stock_evaluator.Executor)
    model = steps.artifact("Trainer", "model")
    last = {**model, "name": f"{NUMBER}/the-last-model"}
    refused = steps.artifact("InfraValidator", "blessing", blessed=0.0)
    inputs = {
        "examples": steps.artifact("CsvExampleGen", "examples", split_names='["test"]'),
        "model": model,
        "baseline_model": last,
        "schema": steps.artifact("ImportSchemaGen", "schema"),
        "infra_blessing": refused,
    }
    blessing = steps.step("Evaluator", inputs)["blessing"]
    assert blessing["metadata"]["blessed"] == 0
    assert blessing["metadata"]["current_model_id"] == model["name"]
    assert blessing["metadata"]["baseline_model_id"] == last["name"]


def test_several_machines_get_what_trainer_alone_would_get(tmp_path, monkeypatch):
    """The step asks Vertex AI for a job, whose machines run TFX's Trainer on the same inputs."""
    sent = {}
    monkeypatch.setattr(training_clients.VertexJobClient, "create_client", lambda self: None)
    monkeypatch.setattr(
        runner, "_launch_cloud_training", lambda **request: sent.update(copy.deepcopy(request))
    )
    settings = (*DEPLOYED, "deploy.project=p", "deploy.region=r", "deploy.labels={team: text}")
    alone, several = (
        compiled("vertex", *settings, f"deploy.trainer.workers={workers}", profile="sample")
        for workers in (1, 3)
    )
    steps = CloudSteps(several, tmp_path / "run")
    inputs = {
        "examples": steps.artifact("Transform", "transformed_examples"),
        "transform_graph": steps.artifact("Transform", "transform_graph"),
    }
    steps.step("Trainer", inputs)
    assert (sent["project"], sent["vertex_region"], sent["enable_vertex"]) == ("p", "r", True)
    # It is what the API takes.
    job = CustomJob(sent["training_job"])
    assert job.labels["team"] == "text"
    # TF_CONFIG calls the first pool the chief.
    chief, workers = job.job_spec.worker_pool_specs
    assert (chief.replica_count, workers.replica_count) == (1, 2)
    for pool in (chief, workers):
        command = list(pool.container_spec.command)
        assert command[:3] == ["python", "-m", "tfx.scripts.run_executor"]
        flags = dict(zip(command[3::2], command[4::2], strict=True))
        path = f"{stock_trainer.__name__}.GenericExecutor"
        assert flags["--executor_class_path"] == path
        given = json.loads(flags["--exec-properties"])
        expected = given_parameters(alone, "Trainer")
        custom = json.loads(given.pop("custom_config"))
        assert json.loads(expected.pop("custom_config")).items() <= custom.items()
        assert given == expected
