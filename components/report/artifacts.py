"""The artifact that holds the report."""

from __future__ import annotations

from tfx import types


class ReportArtifact(types.Artifact):
    """A folder with the page (`names.REPORT_PAGE_FILE`) and what it is made from.

    `names.REPORT_FILE` holds every figure of the page, `names.REPORT_LABELS_FILE` the table of
    all labels.
    """

    # Kubeflow Pipelines takes a custom type only under a name with a dot.
    TYPE_NAME = "arxiv_tagger.Report"
