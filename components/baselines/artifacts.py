"""The artifact that keeps the baselines' scores of the test papers."""

from __future__ import annotations

from tfx import types


class BaselinesArtifact(types.Artifact):
    """A folder with the figures (`names.BASELINES_FILE`) and the scores of the test papers.

    The scores stand in `names.BASELINE_SCORES_FILE`. `components.baselines.results` reads both.
    """

    TYPE_NAME = "arxiv_tagger.Baselines"
