"""What the settings come to in a cloud, and what is refused."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline.cloud.parameters import cloud_places, make_cloud
from pipeline.config import load_config
from pipeline.platform import Cloud
from schema.errors import UsageError

GIVEN = (
    "deploy.image=image:1",
    "deploy.bucket=gs://a-bucket/folder",
    "deploy.data=gs://a-bucket/papers",
)


def cloud(*overrides: str, target: str = "vertex", profile: str = "default") -> Cloud:
    return make_cloud(load_config(profile, [*GIVEN, *overrides]), target)


def test_nothing_is_asked_for_that_is_not_said():
    made = cloud()
    assert dataclasses.asdict(made) == {
        "image": "image:1",
        "trainer": None,
        "others": None,
        "training_job": None,
        "endpoint": "",
        "beam_arguments": tuple(load_config("default").beam.pipeline_args()),
        "earlier_runs": True,
    }


def test_where_it_reads_and_writes():
    places = cloud_places(load_config("default", [*GIVEN, "deploy.data=gs://b/papers/"]).deploy)
    assert places.input_base == "gs://b/papers"
    assert places.pattern == "*.csv*"
    assert places.pipeline_root == "gs://a-bucket/folder/pipeline"
    assert places.serving_dir == "gs://a-bucket/folder/serving/arxiv_tagger"
    assert places.schema_dir == "/opt/arxiv-tagger/schema"


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("deploy.image=''", ["deploy.image"]),
        ("deploy.bucket=''", ["deploy.bucket"]),
        ("deploy.data=''", ["deploy.data"]),
        ("deploy.trainer.workers=2", ["deploy.project", "deploy.region"]),
        ("beam.runner=dataflow", ["deploy.project", "deploy.region", "deploy.beam_image"]),
        (
            "deploy.push_to=endpoint",
            ["deploy.project", "deploy.region", "deploy.endpoint.container"],
        ),
    ],
)
def test_each_gap_is_named(override, named):
    with pytest.raises(UsageError) as error:
        cloud(override)
    lines = str(error.value).splitlines()[1:]
    assert [line.strip().partition(":")[0] for line in lines] == named
    assert all(line.partition(":")[2].strip() for line in lines)


def test_a_gpu_must_have_a_name():
    with pytest.raises(UsageError, match=r"deploy\.trainer\.accelerator is empty"):
        cloud("deploy.trainer.accelerators=1")


def test_kubeflow_starts_no_job_of_vertex_ai():
    with pytest.raises(UsageError, match=r"deploy\.trainer\.workers is 2"):
        cloud(
            "deploy.trainer.workers=2",
            "deploy.project=p",
            "deploy.region=r",
            target="kubeflow",
        )


def test_kubernetes_knows_another_vendor_by_its_own_name():
    gpu = ("deploy.trainer.accelerator=amd.com/gpu", "deploy.trainer.accelerators=2")
    asked = cloud(*gpu, target="kubeflow").trainer
    assert (asked.accelerator.type, asked.accelerator.count) == ("amd.com/gpu", 2)


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_any_cluster_takes_the_image_and_no_setting_of_google_cloud(runner):
    arguments = cloud(f"beam.runner={runner}", "deploy.beam_image=workers:1").beam_arguments
    assert arguments[0] == "--sdk_container_image=workers:1"
    assert arguments[1:] == (f"--runner={runner.capitalize()}Runner",)


def test_the_examples_settings_are_the_defaults():
    """Beside its deployment: what was found best is best there too."""
    example, default = load_config("cloud_example"), load_config("default")
    assert example.model_dump(exclude={"deploy"}) == default.model_dump(exclude={"deploy"})
    assert example.deploy.trainer.accelerators == 1
