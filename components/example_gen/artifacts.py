"""The artifact that keeps what the curation counted and rejected."""

from __future__ import annotations

from tfx import types


class CurationArtifact(types.Artifact):
    """A folder with the counts (`names.CURATION_FILE`) and the malformed rows.

    The malformed rows stand in `names.DEAD_LETTERS_FILE`, one JSON object a line.
    """

    # Kubeflow Pipelines takes a custom type only under a name with a dot.
    TYPE_NAME = "arxiv_tagger.CurationReport"
