"""The runtime parameters of a compiled pipeline: each is a whole property of a component.

TFX silently freezes a RuntimeParameter inside a dictionary at compile time.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tfx.utils import json_utils, proto_utils

from components.evaluator.eval_config import make_eval_config
from pipeline.code_version import CodeVersion
from pipeline.config import Config
from pipeline.places import CloudOptions, Places
from pipeline.source_digest import own_source_digest, source_digest

RUN_FN: Final = "components.trainer.run_fn.run_fn"
TUNER_FN: Final = "components.tuner.tuner_fn.tuner_fn"


def run_parameters(
    config: Config, places: Places, code: CodeVersion, cloud: CloudOptions
) -> dict[str, str]:
    """Returns the value of each runtime parameter, as the component's executor reads it.

    They have the names of the properties of CsvExampleGen, Trainer (and Tuner), Evaluator and
    Report.

    Args:
        config: The whole configuration.
        places: Where the run reads.
        code: The version of the code.
        cloud: What differs in the cloud.
    """
    return {
        "input_base": places.input_base,
        "custom_config": json_utils.dumps(trainer_config(config, cloud)),
        "eval_config": proto_utils.proto_to_json(make_eval_config(config.gate)),
        "provenance": provenance(config, f"{places.input_base}/{places.pattern}", code),
    }


def trainer_config(config: Config, cloud: CloudOptions | None) -> dict[str, Any]:
    """Returns the `custom_config` of Trainer and of the Tuner."""
    own = {
        "settings": config.trainer.model_dump_json(),
        "top_k": config.serving.top_k,
        "source_digest": source_digest(RUN_FN.rpartition(".")[0]),
        "own_digest": own_source_digest(config.trainer.build_model),
    }
    if config.tuner.enabled:
        own["tuner"] = config.tuner.model_dump_json()
        own["tuner_digest"] = source_digest(TUNER_FN.rpartition(".")[0])
    jobs = (cloud.training_job, cloud.tuning_job) if cloud else ()
    return {key: value for part in (own, *jobs) if part for key, value in part.items()}


def provenance(config: Config, data: str, code: CodeVersion) -> str:
    """Returns data, code and settings as the report names them, in JSON.

    Args:
        config: The whole configuration.
        data: The name of the data.
        code: The version of the code.
    """
    # Where and how it runs changes no result, so the report stays cached.
    settings = config.model_dump(mode="json", exclude={"beam", "deploy"})
    return json.dumps(
        {"data": data, "commit": code.commit, "changed": code.changed, "settings": settings}
    )
