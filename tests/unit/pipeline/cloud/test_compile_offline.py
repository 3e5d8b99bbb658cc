"""Compiling depends on nothing but settings and source, and leaves nothing of the machine."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from pipeline.cli.compile import write_spec
from tests.support.cloud_steps import (
    TARGETS,
    compiled,
)

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_of_this_machine_and_no_secret_is_inside(target, monkeypatch):
    secret = "s3cr3t-0f-th1s-m4ch1n3"
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "KF_PIPELINES_TOKEN"):
        monkeypatch.setenv(name, secret)
    text = json.dumps(compiled(target, "deploy.labels={secret: none}"))
    machine = (str(ROOT), str(Path.home()), tempfile.gettempdir(), sys.prefix, secret)
    assert [found for found in machine if found in text] == []


OFFLINE = """
import socket, sys

def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        raise SystemExit(f"{event} {arguments}")

sys.addaudithook(refuse)
from pipeline.cli.main import main
for command in sys.argv[1:]:
    main(command.split(), standalone_mode=False)
"""


def test_the_commands_need_no_network_and_write_the_same_bytes_again(tmp_path):
    """In another process, with other hashes, from another folder, and no credentials."""
    output = tmp_path / "far" / "pipeline.json"
    mine = {"project": "p", "region": "europe-west4", "image": "image:1"}
    deploy = {**mine, "bucket": "gs://a-bucket", "data": "gs://a-bucket/papers"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"deploy": deploy}))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": str(random.randrange(1, 2**32)),
    }
    commands = [
        "submit --target vertex --profile mine.yaml --dry-run",
        f"compile --target vertex --output {output}",
    ]
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, *commands],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    # Nothing of the libraries' chatter, either.
    assert (done.returncode, done.stderr) == (0, "")
    assert "Would send arxiv-tagger-" in done.stdout
    written = json.loads(output.read_text())
    here = copy.deepcopy(compiled("vertex"))
    # The code's version is asked of git there, and made up here.
    there, made_up = (
        spec["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]["provenance"]
        for spec in (written, here)
    )
    version = json.loads(there["defaultValue"])
    told = {**json.loads(made_up["defaultValue"]), "commit": version["commit"]}
    made_up["defaultValue"] = json.dumps({**told, "changed": version["changed"]})
    write_spec(here, tmp_path / "here.json")
    assert (tmp_path / "here.json").read_bytes() == output.read_bytes()
