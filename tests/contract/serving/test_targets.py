"""The suite always has a server to run on; the summary names those that were not tested."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.contract import targets


def test_the_local_server_is_always_there_unless_an_address_is_given():
    assert not targets.find_targets(None, None)[0].missing
    given = targets.find_targets("host:1", "host:2")
    assert [target.name for target in given if not target.missing] == ["address"]


def test_two_targets_are_tested_in_one_run(tmp_path, request):
    """The binary's place is taken by a script that starts the local server."""
    script = tmp_path / targets.BINARY
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m serving.server "$@"\n')
    script.chmod(0o755)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k"]
    command += [f"health_service and ({targets.LOCAL} or {targets.BINARY})"]
    done = subprocess.run(
        [*command, "tests/contract/serving/test_start.py"],
        cwd=request.config.rootpath,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert "2 passed" in done.stdout, done.stdout
