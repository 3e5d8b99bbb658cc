"""The deployment files agree with each other, with the server and with `release`.

Their own formats are checked by `make lint`.
"""

from __future__ import annotations

import functools
import re
import subprocess
import threading
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import yaml

from schema import names
from serving.models_config import config_path_of, read_config
from serving.releases import write_release
from serving.server.__main__ import serve
from serving.server.config import (
    MONITORING_PATH,
    read_batching_file,
    read_model_config_file,
    read_monitoring_file,
)

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "serving" / "deploy"
CONFIG = DEPLOY / "config"
BASE = DEPLOY / "kubernetes" / "base"
GPU = DEPLOY / "kubernetes" / "overlays" / "gpu"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


COMPOSE = load(DEPLOY / "compose.yaml")["services"]["serving"]
DEPLOYMENT = load(BASE / "deployment.yaml")
POD = DEPLOYMENT["spec"]["template"]
(CONTAINER,) = POD["spec"]["containers"]


def test_both_ways_start_the_server_with_flags_that_it_knows() -> None:
    compose = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", flag) for flag in COMPOSE["command"]]
    assert compose == CONTAINER["args"]
    given = serve.make_context("serve", list(CONTAINER["args"])).params
    assert (given["port"], given["rest_api_port"]) == (8500, 8501)
    for name in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
        assert (CONFIG / given[name].relative_to("/config")).is_file()


def test_configuration_is_what_the_server_reads_and_release_writes(tmp_path: Path) -> None:
    for name in ("models.config", "models.labels.config"):
        (model,) = read_model_config_file(CONFIG / name)
        assert (model.name, model.base_path) == (names.MODEL_NAME, "/models/arxiv_tagger")
    base = tmp_path / names.MODEL_NAME
    for version in (1, 2):
        (base / str(version)).mkdir(parents=True)
        (base / str(version) / "saved_model.pb").touch()
    write_release(base, 1, 2, f"/models/{names.MODEL_NAME}")
    assert read_config(CONFIG / "models.labels.config") == read_config(config_path_of(base))
    batching = read_batching_file(CONFIG / "batching.config")
    assert str(batching.num_batch_threads) == CONTAINER["resources"]["limits"]["cpu"]
    # Single texts over gRPC can fill a batch while another one is computed.
    assert f"--grpc_max_threads={2 * batching.max_batch_size}" in CONTAINER["args"]
    assert read_monitoring_file(CONFIG / "monitoring.config") == MONITORING_PATH
    assert POD["metadata"]["annotations"]["prometheus.io/path"] == MONITORING_PATH


def test_kubernetes_has_the_server_of_compose() -> None:
    image = load(ROOT / "serving/deploy/compose.yaml")["services"]["serving"]["image"]
    version = image.partition(":-")[2].removesuffix("}")
    for folder, tag in ((BASE, version), (GPU, f"{version}-gpu")):
        images = load(folder / "kustomization.yaml")["images"]
        assert images == [{"name": CONTAINER["image"], "newTag": tag}]


def test_manifests_select_the_same_pods() -> None:
    name = DEPLOYMENT["metadata"]["name"]
    (spread,) = POD["spec"]["topologySpreadConstraints"]
    selectors = [
        load(BASE / "service.yaml")["spec"]["selector"],
        DEPLOYMENT["spec"]["selector"]["matchLabels"],
        load(BASE / "pdb.yaml")["spec"]["selector"]["matchLabels"],
        spread["labelSelector"]["matchLabels"],
    ]
    assert selectors == [POD["metadata"]["labels"]] * len(selectors)
    assert load(BASE / "hpa.yaml")["spec"]["scaleTargetRef"]["name"] == name
    patch = load(GPU / "deployment.yaml")
    assert patch["metadata"]["name"] == name
    assert patch["spec"]["template"]["spec"]["containers"][0]["name"] == CONTAINER["name"]
    volumes = {each["name"]: each for each in POD["spec"]["volumes"]}
    claim = volumes["models"]["persistentVolumeClaim"]["claimName"]
    assert claim == load(BASE / "models-claim.yaml")["metadata"]["name"]
    (generator,) = load(CONFIG / "kustomization.yaml")["configMapGenerator"]
    assert volumes["config"]["configMap"]["name"] == generator["name"]
    assert all((CONFIG / file).is_file() for file in generator["files"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{\n "model_version_status": [{"state": "AVAILABLE"}]\n}', 0),
        ('{"model_version_status":[{"state":"END"},{"state":"AVAILABLE"}]}', 0),
        ('{\n "model_version_status": [{"state": "LOADING"}]\n}', 1),
        ('{"error": "Could not find any versions of model arxiv_tagger"}', 1),
        (None, 1),
    ],
)
def test_ready_script_wants_an_available_version(
    tmp_path: Path, body: str | None, status: int
) -> None:
    if body:
        path = tmp_path / "v1" / "models" / names.MODEL_NAME
        path.parent.mkdir(parents=True)
        path.write_text(body)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        command = ["bash", str(CONFIG / "ready.sh"), str(server.server_port)]
        assert subprocess.run(command, capture_output=True, timeout=30).returncode == status
        server.shutdown()
    assert subprocess.run(command, capture_output=True, timeout=30).returncode == 1
