"""What stops a run before a model is trained, and how a person is told."""

from __future__ import annotations

from tests.support import runs
from tests.support.command_line import invoke

HEADER = "titles,summaries,terms\n"


def test_data_that_breaks_the_schema_stops_before_transform(sample, tmp_path):
    """A schema that allows one label: the sample's papers have several."""
    code = runs.copy_code(tmp_path / "code")
    schema = code / "schema" / "schema.pbtxt"
    text = schema.read_text()
    strict = text.replace("value_count { min: 0 }", "value_count { min: 0 max: 1 }")
    assert strict != text
    schema.write_text(strict)
    output = tmp_path / "out"

    run = runs.run_pipeline(sample, output, root=code)

    assert run.code == 4, run.output
    assert "terms" in run
    assert "Traceback" not in run.output
    executions = runs.executions(output)
    assert executions["DataCheck"] == {"FAILED": 1}
    assert "Transform" not in executions
    assert "Trainer" not in executions


def test_a_broken_file_stops_the_run_in_the_same_words(tmp_path):
    data = tmp_path / "papers.csv"
    data.write_bytes(HEADER.encode() + b'A,b,"[\'a\']"\nB,"an open quote\n' * 3)
    checked = invoke("check", "--data", data)
    run = runs.run_pipeline(data, tmp_path / "out")
    assert run.code == checked.exit_code == 3
    message = checked.output.partition("Error: ")[2].strip()
    assert message
    assert message in run.output
    assert "Traceback" not in run.output
