"""Finds the model that a candidate has to beat."""

from __future__ import annotations

import ml_metadata
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.types import Artifact


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
        found = super().resolve_artifacts(
            store,
            {
                "model": [model for model in input_dict["model"] if model.id not in known],
                "model_blessing": input_dict["model_blessing"],
            },
        )
        return None if found is None else {**found, "candidate": candidate}
