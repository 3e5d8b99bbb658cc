"""A small compiled pipeline, in the form that TFX's compiler gives."""

from __future__ import annotations

import copy
from typing import Any

from pipeline.deploy_settings import DeploySettings
from tests.support.vertex_stand_in import PROJECT, REGION

_TASKS: dict[str, dict[str, Any]] = {
    "CsvExampleGen": {
        "taskInfo": {"name": "CsvExampleGen"},
        "componentRef": {"name": "CsvExampleGen"},
        "cachingOptions": {"enableCache": True},
        "inputs": {"parameters": {"input_base": {"componentInputParameter": "input_base"}}},
    },
    # The compiler gives a resolver no cache: it would find the same for ever.
    "LastBlessedModel": {
        "taskInfo": {"name": "LastBlessedModel"},
        "componentRef": {"name": "LastBlessedModel"},
    },
}

_SPEC: dict[str, Any] = {
    "pipelineInfo": {"name": "arxiv-tagger"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "tfx-1.16.0",
    "root": {
        "dag": {"tasks": _TASKS},
        "inputDefinitions": {
            "parameters": {
                "input_base": {"parameterType": "STRING", "defaultValue": "gs://bucket/papers"},
                "custom_config": {"parameterType": "STRING", "defaultValue": '{"epochs": 2}'},
            }
        },
    },
    "components": {
        name: {"executorLabel": f"{name}_executor"}
        for name in ("CsvExampleGen", "LastBlessedModel")
    },
    "deploymentSpec": {
        "executors": {"CsvExampleGen_executor": {"container": {"image": "image:1"}}}
    },
}


def pipeline_spec() -> dict[str, Any]:
    """As for Kubeflow."""
    return copy.deepcopy({**_SPEC, "defaultPipelineRoot": "gs://bucket/tagger/pipeline"})


def pipeline_job() -> dict[str, Any]:
    """As for Vertex AI."""
    return copy.deepcopy(
        {
            "displayName": "arxiv-tagger",
            "labels": {"tfx_runner": "kubeflow_v2", "team": "papers"},
            "pipelineSpec": _SPEC,
            "runtimeConfig": {"gcsOutputDirectory": "gs://bucket/tagger/pipeline"},
        }
    )


def deploy_settings(**changes: Any) -> DeploySettings:
    """Settings without a placeholder."""
    settings = {
        "project": PROJECT,
        "region": REGION,
        "bucket": "gs://bucket/tagger",
        "data": "gs://bucket/papers",
        "image": "image:1",
        "service_account": "runner@my-project.iam.gserviceaccount.com",
        "labels": {"team": "papers"},
        "host": "http://127.0.0.1:9",
    }
    return DeploySettings.model_validate({**settings, **changes})
