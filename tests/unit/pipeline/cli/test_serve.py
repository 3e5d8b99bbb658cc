"""`arxiv-tagger serve`."""

from __future__ import annotations

from pathlib import Path

from pipeline.cli import serve as serve_module
from serving.models_config import config_path_of
from tests.support.command_line import flat, invoke


def test_serve_takes_what_is_released_or_else_the_latest_version(run_dir, monkeypatch):
    served = []
    monkeypatch.setattr(serve_module, "serve_models", lambda **flags: served.append(flags))
    base = run_dir / "serving" / "arxiv_tagger"
    assert invoke("serve", "--model", run_dir).exit_code == 0
    assert (served[-1]["model_name"], served[-1]["model_base_path"]) == ("arxiv_tagger", base)
    assert served[-1]["model_config_file"] is None
    invoke("release", "--stable", 1700000000, "--serving", run_dir)
    assert invoke("serve", "--model", run_dir).exit_code == 0
    assert served[-1]["model_config_file"] == config_path_of(base)
    assert served[-1]["model_config_file_poll_wait_seconds"] == 1
    assert served[-1]["model_base_path"] is None
    assert served[-1]["allow_version_labels_for_unavailable_models"] is True
    done = invoke("serve", "--model_base_path", "here", "--model_name", "mine", "--host", "0.0.0.0")
    assert "http://localhost:8501/" in done.output
    assert done.exit_code == 0
    assert (served[-1]["model_name"], served[-1]["model_config_file"]) == ("mine", None)
    assert served[-1]["model_base_path"] == Path.cwd() / "here"


def test_serve_refuses_a_release_for_another_machine(run_dir):
    release = ("release", "--stable", 1700000000, "--serving", run_dir)
    invoke(*release, "--base-path", "/models/nowhere")
    done = invoke("serve", "--model", run_dir)
    assert done.exit_code == 2
    assert "/models/nowhere, which is not here" in flat(done.output)
