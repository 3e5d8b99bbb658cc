"""The runners, by the `tfx` command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from pipeline.cloud.compile import compile_pipeline
from pipeline.code_version import code_version
from pipeline.config import load_config
from pipeline.sample.generator import write_sample
from tests.support import runs

RUNNERS = runs.REPOSITORY / "pipeline"
TINY = """
extends: sample
features: {max_tokens: 1000}
trainer: {hidden_units: [16], ensemble_size: 1, epochs: 2}
baselines: {enabled: []}
gate: {floors: {micro_f1: 0.01}, max_drop: {}}
"""


def tfx(engine: str, home: Path, *arguments: object) -> runs.Run:
    """Runs `tfx` in an environment whose `pip` it finds, as an activated one's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["tfx", *map(str, arguments), "--engine", engine],
        cwd=home,
        env={**runs.environment(), "PATH": path, f"{engine.upper()}_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    return runs.Run(done.returncode, done.stdout + done.stderr)


def test_a_local_run_pushes_a_model(tmp_path):
    write_sample(300, 7, tmp_path / "papers.csv")
    (tmp_path / "tiny.yaml").write_text(TINY)
    own = (RUNNERS / "local_runner.py").read_text()
    own = own.replace('PROFILE = "sample"', 'PROFILE = "tiny.yaml"')
    own = own.replace("Path | None = None", 'Path | None = Path("papers.csv")')
    (tmp_path / "my_runner.py").write_text(own)
    created = tfx("local", tmp_path, "pipeline", "create", "--pipeline_path", "my_runner.py")
    assert 'Pipeline "arxiv_tagger" created successfully.' in created
    assert not runs.versions(tmp_path / "out")
    run = tfx("local", tmp_path, "run", "create", "--pipeline_name", "arxiv_tagger")
    assert run.code == 0, run.output
    assert "Component Report is finished." in run
    counts = runs.executions(tmp_path / "out")
    assert {state for each in counts.values() for state in each} == {"COMPLETE"}
    (version,) = runs.versions(tmp_path / "out")
    assert (version / "saved_model.pb").exists()


def test_vertex_gets_what_compile_writes(tmp_path):
    runner = RUNNERS / "kubeflow_v2_runner.py"
    created = tfx("vertex", tmp_path, "pipeline", "create", "--pipeline_path", runner)
    assert 'Pipeline "arxiv-tagger" created successfully.' in created
    assert "Still placeholders: deploy.project, deploy.bucket" in created
    written = json.loads((tmp_path / "arxiv-tagger" / "pipeline.json").read_text())
    assert written == compile_pipeline(load_config("cloud_example"), "vertex", code_version())
