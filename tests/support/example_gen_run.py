"""Runs ExampleGen's executor in a folder, through artifacts as a pipeline does."""

from __future__ import annotations

import json

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from components.artifacts import CurationArtifact
from components.example_gen.component import CsvExampleGen, CsvExampleGenExecutor
from components.example_gen.curation_report import CurationReport
from components.example_gen.rows import DeadLetter
from components.example_gen.settings import DataSettings
from components.papers.examples import read_papers
from schema import names


class Run:
    """An executor's run in a folder."""

    def __init__(self, folder, settings=None, pattern="*", workers=1):
        self.folder = folder
        component = CsvExampleGen(
            str(folder / "data"), pattern, (settings or DataSettings()).model_dump_json(), "digest"
        )
        self.examples = standard_artifacts.Examples()
        self.examples.uri = str(folder / "examples")
        self.curation = CurationArtifact()
        self.curation.uri = str(folder / "curation")
        mode = "in_memory" if workers == 1 else "multi_threading"
        flags = [
            "--runner=DirectRunner",
            f"--direct_running_mode={mode}",
            f"--direct_num_workers={workers}",
        ]
        context = CsvExampleGenExecutor.Context(
            make_beam_pipeline_fn=lambda: beam.Pipeline(options=PipelineOptions(flags))
        )
        properties = {
            key: proto_utils.proto_to_json(value) if hasattr(value, "DESCRIPTOR") else value
            for key, value in component.exec_properties.items()
        }
        outputs = {"examples": [self.examples], "curation": [self.curation]}
        CsvExampleGenExecutor(context).Do({}, outputs, properties)

    def folder_of(self, split):
        """The folder with a split's examples."""
        return artifact_utils.get_split_uri([self.examples], split)

    def splits(self):
        """The papers of each split, in order, as (title, abstract, labels)."""
        papers = {name: read_papers(self.folder_of(name)) for name in names.SPLITS}
        return {
            name: [(paper.title, paper.abstract, paper.labels) for paper in each]
            for name, each in papers.items()
        }

    def report(self):
        return CurationReport(**json.loads((self.folder / "curation/curation.json").read_text()))

    def dead_letters(self):
        lines = (self.folder / "curation/dead_letters.jsonl").read_text().splitlines()
        return [DeadLetter.from_json(line) for line in lines]


def run(folder, files, settings=None, **options):
    (folder / "data").mkdir(parents=True)
    for name, content in files.items():
        (folder / "data" / name).write_bytes(content)
    return Run(folder, settings, **options)
