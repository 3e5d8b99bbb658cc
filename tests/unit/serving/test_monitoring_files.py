"""The alert rules and the dashboard in serving/deploy/monitoring."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import grpc
import pytest
import yaml

from serving.server.monitoring import Monitoring

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "serving" / "deploy" / "monitoring"
# What others than the local server have, and what a panel has to say of it.
ELSEWHERE = {
    ":tensorflow:serving:batching_session:": "TensorFlow Serving only",
    ":tensorflow:cc:saved_model:load_attempt_count": "TensorFlow Serving only",
    "arxiv_tagger_drift_": "Textfile of arxiv-tagger drift",
}


def unknown_metrics(query):
    """The metrics in a query that the local server has not."""
    monitoring = Monitoring(lambda: ["m"])
    monitoring.record("m", "Predict", "GRPC", grpc.StatusCode.OK, 0.001)
    own = {"up", *re.findall(r"^[\w:]+", monitoring.text(), re.M)}
    found = re.findall(r"(?<![\w$\"])(?!group_left)(:?[a-z]\w*[:_][\w:]+)(?=[\[{ ]|$)", query, re.M)
    assert found or "up{" in query
    return set(found) - own


def test_a_panel_says_what_is_not_on_every_server():
    for panel in json.loads((FOLDER / "grafana.json").read_text())["panels"]:
        for target in panel.get("targets", ()):
            for metric in unknown_metrics(target["expr"]):
                (mark,) = (ELSEWHERE[each] for each in ELSEWHERE if metric.startswith(each))
                assert mark in panel["description"], panel["title"]


def test_an_alert_asks_for_metrics_that_exist():
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for query in (rule["expr"] for group in groups for rule in group["rules"]):
        for metric in unknown_metrics(query):
            assert metric.startswith((*ELSEWHERE, "node_textfile_mtime_seconds")), metric


@pytest.mark.parametrize(
    "check", ["check rules alerts.yml", "test rules alerts_test.yml", "check config prometheus.yml"]
)
def test_prometheus_takes_the_files(check):
    program = shutil.which("promtool") or ROOT / "build" / "promtool"
    if not Path(program).exists():
        pytest.skip("no promtool: `make promtool` fetches Debian's")
    done = subprocess.run([program, *check.split()], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
