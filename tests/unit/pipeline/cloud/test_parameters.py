"""What the graph is given of the settings."""

from __future__ import annotations

import dataclasses

import pytest

from pipeline.cloud.parameters import cloud_places, make_cloud
from pipeline.config import load_config
from pipeline.places import CloudOptions

GIVEN = (
    "deploy.image=image:1",
    "deploy.bucket=gs://a-bucket/folder",
    "deploy.data=gs://a-bucket/papers",
)


def cloud(*overrides: str, target: str = "vertex", profile: str = "default") -> CloudOptions:
    return make_cloud(load_config(profile, [*GIVEN, *overrides]), target)


def test_nothing_is_asked_for_by_default():
    made = cloud()
    assert dataclasses.asdict(made) == {
        "image": "image:1",
        "trainer": None,
        "others": None,
        "training_job": None,
        "tuning_job": None,
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


def test_kubernetes_knows_another_vendor_by_its_own_name():
    gpu = ("deploy.trainer.accelerator=amd.com/gpu", "deploy.trainer.accelerators=2")
    asked = cloud(*gpu, target="kubeflow").trainer
    assert (asked.accelerator.type, asked.accelerator.count) == ("amd.com/gpu", 2)


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_any_cluster_takes_the_image_and_no_setting_of_google_cloud(runner):
    arguments = cloud(f"beam.runner={runner}", "deploy.beam_image=workers:1").beam_arguments
    assert arguments[0] == "--sdk_container_image=workers:1"
    assert arguments[1:] == (f"--runner={runner.capitalize()}Runner",)
