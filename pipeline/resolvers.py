"""What a run looks up of earlier runs, and how: a first run finds nothing, and that is no error."""

from __future__ import annotations

import ml_metadata
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.types import Artifact, Channel
from tfx.types.standard_artifacts import ExampleStatistics, Model, ModelBlessing


class LastOtherBlessedModelStrategy(LatestBlessedModelStrategy):
    """Resolves the latest blessed model other than the candidate.

    So a run that trains nothing new finds what it found before, and its evaluation in the cache.
    The clouds know TFX's own strategy only.
    """

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]] | None:
        """Returns at most one artifact each of `model` and `model_blessing`, beside `candidate`."""
        candidate = input_dict["candidate"]
        known = {artifact.id for artifact in candidate}
        models = [model for model in input_dict["model"] if model.id not in known]
        found = super().resolve_artifacts(
            store, {"model": models, "model_blessing": input_dict["model_blessing"]}
        )
        return None if found is None else {**found, "candidate": candidate}


class LatestIfAnyStrategy(LatestArtifactStrategy):
    """Resolves the latest artifact, or none.

    Where there is none, TFX's own strategy fails, and its stack trace is in the log of every first
    run. The clouds know that one only.
    """

    def resolve_artifacts(
        self, store: ml_metadata.MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        """Returns at most one artifact for each key."""
        found = super().resolve_artifacts(store, input_dict)
        return {key: [] for key in input_dict} if found is None else found


def last_blessed(strategy: type[LatestBlessedModelStrategy], **candidate: Channel) -> Resolver:
    """Finds the model that is being served."""
    return Resolver(
        strategy_class=strategy,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
        **candidate,
    ).with_id("LastBlessedModel")


def last_statistics(strategy: type[LatestArtifactStrategy]) -> Resolver:
    """Finds the statistics of the last run's data."""
    return Resolver(
        strategy_class=strategy,
        statistics=Channel(type=ExampleStatistics),
    ).with_id("LastStatistics")
