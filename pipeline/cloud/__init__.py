"""Compiles the pipeline for Vertex AI or Kubeflow, and runs it there."""
