"""The artifacts of our own; each is a folder."""

from __future__ import annotations

from typing import TypeAlias

from tfx import types

# As TFX gives a component's inputs and outputs.
Artifacts: TypeAlias = dict[str, list[types.Artifact]]

# Kubeflow Pipelines takes a custom type only under a name with a dot.


class CurationArtifact(types.Artifact):
    """What became of the rows: the counts, the labels left out, and the malformed rows."""

    TYPE_NAME = "arxiv_tagger.CurationReport"


class DataCheckReport(types.Artifact):
    """The summary of a passed check of the data, with its warnings."""

    TYPE_NAME = "arxiv_tagger.DataCheck"


class BaselinesArtifact(types.Artifact):
    """The baselines' metrics and scores; `components.baselines.results` reads both."""

    TYPE_NAME = "arxiv_tagger.Baselines"


class ReportArtifact(types.Artifact):
    """The page, and as JSON and a table of all labels what it is made from."""

    TYPE_NAME = "arxiv_tagger.Report"
