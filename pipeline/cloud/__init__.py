"""Compiles the pipeline for Vertex AI or Kubeflow Pipelines, and runs it there."""
