"""The notebook, run by a kernel on the papers of a finished run."""

from __future__ import annotations

import json
import shutil

import nbformat
import pytest
from nbclient import NotebookClient
from tfx.orchestration.metadata import sqlite_metadata_connection_config

from components.evaluator.paper_slices import SLICES
from pipeline.local.index import mend_index
from pipeline.local.output_folder import OutputFolder
from schema.names import SPLITS
from tests.support import runs

NOTEBOOK = runs.REPOSITORY / "examples" / "explore.ipynb"
FIGURES = """
print(json.dumps({
    "papers": table.loc["titles", "papers"].to_dict(),
    "slices": slices.groupby(level="slice")["examples"].sum().to_dict(),
    "epochs": len(epochs),
    "vocabulary": [spec["labels"].size[0], len(labels)],
}))
"""


@pytest.fixture(scope="module")
def output(first_run, tmp_path_factory):
    """A copy of the finished run, whose index names its own files: others run in the first one."""
    output = tmp_path_factory.mktemp("finished") / "out"
    shutil.copytree(first_run.output, output)
    folder = OutputFolder(output)
    assert mend_index(sqlite_metadata_connection_config(str(folder.metadata)), folder)
    return output


@pytest.fixture(scope="module")
def executed(output):
    """The notebook after its run, with a last cell that prints what the tables say."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "clear the outputs"
    notebook.cells.append(nbformat.v4.new_code_cell(FIGURES))
    place = output.with_name("examples")
    place.mkdir()
    resources = {"metadata": {"path": str(place)}}
    return NotebookClient(notebook, timeout=600, resources=resources).execute()


def test_its_tables_agree_with_the_run(executed, output):
    figures = json.loads(executed.cells[-1].outputs[0].text)
    curation = json.loads((output / "curation.json").read_text())
    assert figures["papers"] == {split: curation[split] for split in SPLITS}
    assert figures["slices"] == dict.fromkeys(SLICES, curation["test"])
    assert figures["vocabulary"] == [curation["labels"]] * 2
    assert figures["epochs"] == 4


def test_a_reader_sees_tables_and_no_noise(executed):
    outputs = [output for cell in executed.cells[:-1] for output in cell.get("outputs", ())]
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}
    shown = "".join(output.data.get("text/html", "") for output in outputs)
    assert shown.count("No anomalies found.") == len(SPLITS)
    assert "papers with" in shown


def test_the_finished_run_stays_as_it_was(executed, output):
    assert runs.executions(output)["Trainer"] == {"COMPLETE": 1}
