"""Where a run reads and writes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Places:
    """Where a run reads and writes.

    Attributes:
        input_base: The folder of the CSV file.
        pattern: The file's name in it, or a pattern of several.
        schema_dir: The folder that holds the curated schema.
        pipeline_root: Where TFX keeps its artifacts.
        serving_dir: The parent of the pushed versions.
    """

    input_base: str
    pattern: str
    schema_dir: str
    pipeline_root: str
    serving_dir: str
