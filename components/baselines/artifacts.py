"""The artifact with the baselines' scores for the test papers."""

from __future__ import annotations

from tfx import types


class BaselinesArtifact(types.Artifact):
    """A folder with the metrics (`names.BASELINES_FILE`) and scores for the test papers.

    The scores are in `names.BASELINE_SCORES_FILE`. `components.baselines.results` reads both.
    """

    TYPE_NAME = "arxiv_tagger.Baselines"
