"""Runs the command line as `python -m pipeline`."""

from __future__ import annotations

from pipeline.cli.main import main

main(prog_name="arxiv-tagger")
