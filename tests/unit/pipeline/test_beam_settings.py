"""The arguments that Beam gets."""

from __future__ import annotations

import pytest
from apache_beam.options.pipeline_options import (
    DirectOptions,
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
    TypeOptions,
    WorkerOptions,
)
from pydantic import ValidationError
from tfx.utils import dependency_utils

from pipeline.beam_settings import BeamSettings
from pipeline.config import load_config


def options(*overrides):
    return PipelineOptions(load_config("default", overrides).beam.pipeline_args())


@pytest.mark.parametrize(
    ("overrides", "mode", "workers"),
    [
        ([], "in_memory", 1),
        (["beam.workers=3"], "multi_processing", 3),
        (["beam.workers=0"], "multi_processing", 0),
        (["beam.workers=2", "beam.mode=multi_threading"], "multi_threading", 2),
        (["beam.mode=multi_processing"], "multi_processing", 1),
    ],
)
def test_workers_of_the_direct_runner(overrides, mode, workers):
    found = options(*overrides)
    assert found.view_as(StandardOptions).runner == "DirectRunner"
    assert found.view_as(DirectOptions).direct_running_mode == mode
    assert found.view_as(DirectOptions).direct_num_workers == workers


@pytest.mark.parametrize(
    ("runner", "name"),
    [("dataflow", "DataflowRunner"), ("flink", "FlinkRunner"), ("spark", "SparkRunner")],
)
def test_a_cluster_gets_its_name_and_its_arguments(runner, name):
    arguments = "[--project=papers, --num_workers=7, --sdk_container_image=image:1]"
    found = options(f"beam.runner={runner}", f"beam.arguments={arguments}")
    assert found.view_as(StandardOptions).runner == name
    assert found.view_as(GoogleCloudOptions).project == "papers"
    assert found.view_as(WorkerOptions).num_workers == 7
    assert found.view_as(WorkerOptions).sdk_container_image == "image:1"


def test_any_argument_reaches_the_direct_runner_and_outdoes_ours():
    given = "[--runtime_type_check, --direct_num_workers=5]"
    found = options(f"beam.arguments={given}")
    assert found.view_as(TypeOptions).runtime_type_check
    assert found.view_as(DirectOptions).direct_num_workers == 5


def test_tfx_builds_no_package_of_itself_for_the_direct_runner():
    arguments = BeamSettings(workers=2).pipeline_args()
    assert dependency_utils.make_beam_dependency_flags(arguments) == arguments


@pytest.mark.parametrize("other", [{"workers": 4}, {"mode": "multi_threading"}])
def test_a_cluster_does_not_take_the_direct_runners_settings(other):
    with pytest.raises(ValidationError, match="flink takes its own arguments"):
        BeamSettings(runner="flink", **other)


def test_one_process_has_one_worker():
    with pytest.raises(ValidationError, match="one worker"):
        BeamSettings(mode="in_memory", workers=2)
