"""Sends a compiled pipeline to Vertex AI Pipelines or Kubeflow Pipelines."""

from pipeline.submission.dispatch import submit
from pipeline.submission.placeholders import placeholders
from pipeline.submission.request import Submission

__all__ = ["Submission", "placeholders", "submit"]
