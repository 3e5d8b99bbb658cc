"""Runs ExampleGen and Transform alone, with any Beam arguments."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tfx import types
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from components.artifacts import CurationArtifact
from pipeline.config import Config
from pipeline.graph import create_pipeline
from pipeline.places import Places

_SCHEMA: Final = Path(__file__).resolve().parents[1] / "schema" / "schema.pbtxt"

Artifacts = Mapping[str, types.Artifact]


class Nodes:
    """ExampleGen and Transform as the graph makes them, with their outputs in one folder.

    Args:
        config: Their settings.
        input_base: The folder of the CSV files.
        pattern: Pattern of the files to read.
        folder: Folder of all outputs.
        beam: Beam's arguments.
    """

    def __init__(
        self, config: Config, input_base: Path, pattern: str, folder: Path, beam: Sequence[str]
    ) -> None:
        (folder / "schema").mkdir(parents=True, exist_ok=True)
        shutil.copy(_SCHEMA, folder / "schema")
        places = Places(str(input_base), pattern, str(folder), str(folder), str(folder))
        self._components = {each.id: each for each in create_pipeline(config, places).components}
        self._folder = folder
        self._beam = list(beam)
        self.examples = self._artifact(standard_artifacts.Examples, "examples")
        self.curation = self._artifact(CurationArtifact, "curation")
        self.graph = self._artifact(standard_artifacts.TransformGraph, "graph")
        self.transformed = self._artifact(standard_artifacts.Examples, "transformed")

    def run_example_gen(self) -> None:
        """Reads, curates and splits the files."""
        outputs = {"examples": self.examples, "curation": self.curation}
        self._run("CsvExampleGen", {}, outputs)

    def run_transform(self) -> None:
        """Analyses the training examples and transforms all."""
        schema = self._artifact(standard_artifacts.Schema, "schema")
        inputs = {"examples": self.examples, "schema": schema}
        outputs = {"transform_graph": self.graph, "transformed_examples": self.transformed}
        self._run("Transform", inputs, outputs)

    def _artifact(self, kind: Any, name: str) -> Any:
        artifact = kind()
        artifact.uri = str(self._folder / name)
        return artifact

    def _run(self, node: str, inputs: Artifacts, outputs: Artifacts) -> None:
        component = self._components[node]
        executor = component.executor_spec.executor_class
        context = executor.Context(
            beam_pipeline_args=self._beam, tmp_dir=str(self._folder / "temp"), unique_id=node
        )
        properties = {
            key: proto_utils.proto_to_json(value) if hasattr(value, "DESCRIPTOR") else value
            for key, value in component.exec_properties.items()
        }
        executor(context).Do(
            {key: [artifact] for key, artifact in inputs.items()},
            {key: [artifact] for key, artifact in outputs.items()},
            properties,
        )
