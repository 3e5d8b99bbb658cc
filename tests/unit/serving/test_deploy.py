"""What can be checked of the deployment files without Docker, a cluster or the image."""

from __future__ import annotations

import inspect
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from schema import names
from serving.client.bulk import suggest_file
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
KUSTOMIZATIONS = (CONFIG, BASE, GPU)
STATUS_PATH = f"/v1/models/{names.MODEL_NAME}"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def model_config(path: Path) -> ModelServerConfig:
    return text_format.Parse(path.read_text(), ModelServerConfig())


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return load(DEPLOY / "compose.yaml")["services"]["serving"]


@pytest.fixture(scope="module")
def manifests() -> dict[str, dict[str, Any]]:
    """The base's resources by kind."""
    paths = (BASE / name for name in load(BASE / "kustomization.yaml")["resources"])
    loaded = [load(path) for path in paths if path.suffix == ".yaml"]
    return {manifest["kind"]: manifest for manifest in loaded}


@pytest.fixture(scope="module")
def pod(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return manifests["Deployment"]["spec"]["template"]


@pytest.fixture(scope="module")
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["spec"]["containers"]
    return only


def without_variables(text: str) -> str:
    """A compose value with the default of each variable in its place."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


class TestConfiguration:
    def test_newest_version_is_served(self) -> None:
        (model,) = model_config(CONFIG / "models.config").model_config_list.config
        assert model.name == names.MODEL_NAME
        assert model.base_path == f"/models/{names.MODEL_NAME}"
        assert model.model_version_policy.latest.num_versions == 1
        assert not model.version_labels

    def test_labels_are_written_as_release_does(self, tmp_path: Path) -> None:
        base = tmp_path / names.MODEL_NAME
        for version in (1, 2, 3):
            (base / str(version)).mkdir(parents=True)
            (base / str(version) / "saved_model.pb").touch()
        written = tmp_path / "models.config"
        write_release(base, 1, 2, written, base_path=f"/models/{names.MODEL_NAME}")
        assert model_config(CONFIG / "models.labels.config") == model_config(written)

    @pytest.mark.parametrize("name", ["models.config", "models.labels.config"])
    def test_local_server_reads_the_models(self, name: str) -> None:
        (model,) = read_model_config_file(CONFIG / name)
        assert model.name == names.MODEL_NAME

    def test_batching_suits_the_pod_and_the_client(
        self, container: dict[str, Any], compose: dict[str, Any]
    ) -> None:
        options = read_batching_file(CONFIG / "batching.config")
        cores = int(container["resources"]["limits"]["cpu"])
        assert options.num_batch_threads == cores
        assert float(compose["deploy"]["resources"]["limits"]["cpus"]) == cores
        sent_at_once = inspect.signature(suggest_file).parameters["batch_size"].default
        assert options.max_batch_size == 2 * sent_at_once
        assert (options.batch_timeout_micros, options.max_enqueued_batches) == (0, 16)

    def test_metrics_are_on(self, pod: dict[str, Any]) -> None:
        monitoring = read_monitoring_file(CONFIG / "monitoring.config")
        assert monitoring.enabled
        assert monitoring.path == MONITORING_PATH
        annotations = pod["metadata"]["annotations"]
        assert annotations["prometheus.io/path"] == MONITORING_PATH
        assert annotations["prometheus.io/port"] == "8501"


class TestFlags:
    def test_local_server_takes_them(self, container: dict[str, Any]) -> None:
        given = serve.make_context("serve", list(container["args"])).params
        assert given["allow_version_labels_for_unavailable_models"]
        assert (given["port"], given["rest_api_port"]) == (8500, 8501)
        assert given["enable_batching"]
        assert given["enable_grpc_healthcheck_service"]
        for name in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
            assert given[name].parent == Path("/config")
            assert (CONFIG / given[name].name).is_file()

    def test_compose_and_kubernetes_give_the_same(
        self, compose: dict[str, Any], container: dict[str, Any]
    ) -> None:
        assert [without_variables(flag) for flag in compose["command"]] == container["args"]
        assert compose["entrypoint"] == container["command"] == ["tensorflow_model_server"]


def test_one_image_version_that_of_the_lock(
    compose: dict[str, Any], container: dict[str, Any]
) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    (version,) = re.findall(r"^tensorflow-serving-api==(\S+)", lock, re.M)
    (tensorflow,) = re.findall(r"^tensorflow==(\S+)", lock, re.M)
    assert tensorflow.split(".")[:2] == version.split(".")[:2]
    assert without_variables(compose["image"]) == f"tensorflow/serving:{version}"
    assert "${TF_SERVING_VERSION" in compose["image"]
    assert container["image"] == "tensorflow/serving"
    for folder, tag in ((BASE, version), (GPU, f"{version}-gpu")):
        images = load(folder / "kustomization.yaml")["images"]
        assert images == [{"name": "tensorflow/serving", "newTag": tag}]
    everything = "".join(path.read_text() for path in DEPLOY.rglob("*") if path.is_file())
    assert set(re.findall(r"(?<![\d.])\d+\.\d+\.\d+(?![\d.])", everything)) == {version}


class TestCompose:
    def test_ports_are_for_this_machine_only(self, compose: dict[str, Any]) -> None:
        assert compose["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]

    def test_folders_are_mounted_whole_and_read_only(self, compose: dict[str, Any]) -> None:
        mounts = {mount["target"]: mount for mount in compose["volumes"]}
        assert set(mounts) == {"/models", "/config"}
        assert all(mount["read_only"] is True for mount in mounts.values())
        sources = {
            target: (DEPLOY / without_variables(mount["source"])).resolve()
            for target, mount in mounts.items()
        }
        assert sources == {"/models": ROOT / "out" / "serving", "/config": CONFIG}

    def test_a_signal_stops_it(self, compose: dict[str, Any]) -> None:
        assert compose["init"] is True

    def test_health_is_the_script(self, compose: dict[str, Any]) -> None:
        assert compose["healthcheck"]["test"] == ["CMD", "bash", "/config/ready.sh"]
        assert STATUS_PATH in (CONFIG / "ready.sh").read_text()

    def test_it_gets_little(self, compose: dict[str, Any]) -> None:
        assert compose["read_only"] is True
        assert compose["cap_drop"] == ["ALL"]
        assert compose["user"].split(":")[0] != "0"
        assert set(compose["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


class TestKubernetes:
    def test_manifests_fit_the_schemas(self, manifests: dict[str, dict[str, Any]]) -> None:
        assert set(manifests) == {
            "Deployment",
            "Service",
            "HorizontalPodAutoscaler",
            "PodDisruptionBudget",
            "PersistentVolumeClaim",
        }
        for manifest in manifests.values():
            kubernetes_validate.validate(
                manifest, kubernetes_validate.latest_version(), strict=True
            )

    def test_schemas_are_strict(self, manifests: dict[str, dict[str, Any]]) -> None:
        wrong = {**manifests["Service"], "spec": {**manifests["Service"]["spec"], "prots": []}}
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)

    @pytest.mark.parametrize("folder", KUSTOMIZATIONS, ids=lambda folder: folder.name)
    def test_references_exist(self, folder: Path) -> None:
        kustomization = load(folder / "kustomization.yaml")
        resources = [folder / name for name in kustomization.get("resources", [])]
        for resource in resources:
            is_base = (resource / "kustomization.yaml").is_file()
            assert resource.is_file() or is_base, resource
        patches = [folder / patch["path"] for patch in kustomization.get("patches", [])]
        used = {path.resolve() for path in (*resources, *patches)}
        manifests = {path for path in folder.glob("*.yaml") if path.stem != "kustomization"}
        assert manifests == {path for path in used if path.is_file()}

    def test_configuration_is_that_of_compose(self, pod: dict[str, Any]) -> None:
        (generator,) = load(CONFIG / "kustomization.yaml")["configMapGenerator"]
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        assert volumes["config"]["configMap"]["name"] == generator["name"]
        there = {path.name for path in CONFIG.iterdir()}
        assert set(generator["files"]) == there - {"kustomization.yaml", "models.labels.config"}

    def test_gpu_patch_hits_what_is_there(self, manifests: dict[str, dict[str, Any]]) -> None:
        patch, deployment = load(GPU / "deployment.yaml"), manifests["Deployment"]
        assert load(GPU / "kustomization.yaml")["resources"] == ["../../base"]
        for key in ("apiVersion", "kind"):
            assert patch[key] == deployment[key]
        assert patch["metadata"]["name"] == deployment["metadata"]["name"]
        (patched,) = patch["spec"]["template"]["spec"]["containers"]
        assert patched["name"] == deployment["spec"]["template"]["spec"]["containers"][0]["name"]
        assert patched["resources"]["limits"] == {"nvidia.com/gpu": "1"}
        (toleration,) = patch["spec"]["template"]["spec"]["tolerations"]
        assert toleration["key"] == "nvidia.com/gpu"

    @pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on the PATH")
    @pytest.mark.parametrize(("folder", "suffix"), [(BASE, ""), (GPU, "-gpu")])
    def test_kustomize_builds_it(self, folder: Path, suffix: str) -> None:
        command = ["kubectl", "kustomize", str(folder)]
        built = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        resources = {resource["kind"]: resource for resource in yaml.safe_load_all(built)}
        for resource in resources.values():
            kubernetes_validate.validate(
                resource, kubernetes_validate.latest_version(), strict=True
            )
        spec = resources["Deployment"]["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        assert re.fullmatch(rf"tensorflow/serving:[\d.]+{suffix}", container["image"])
        assert ("nvidia.com/gpu" in container["resources"]["limits"]) == bool(suffix)
        assert container["resources"]["limits"]["cpu"] == "4"
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        config_map = resources["ConfigMap"]
        assert volumes["config"]["configMap"]["name"] == config_map["metadata"]["name"]
        assert config_map["data"]["ready.sh"] == (CONFIG / "ready.sh").read_text()

    def test_all_select_the_pods(
        self, manifests: dict[str, dict[str, Any]], pod: dict[str, Any]
    ) -> None:
        (spread,) = pod["spec"]["topologySpreadConstraints"]
        selectors = [
            manifests["Service"]["spec"]["selector"],
            manifests["Deployment"]["spec"]["selector"]["matchLabels"],
            manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
            spread["labelSelector"]["matchLabels"],
        ]
        assert selectors == [pod["metadata"]["labels"]] * len(selectors)

    def test_autoscaler_owns_the_number_of_pods(self, manifests: dict[str, dict[str, Any]]) -> None:
        deployment, autoscaler = manifests["Deployment"], manifests["HorizontalPodAutoscaler"]
        assert autoscaler["spec"]["scaleTargetRef"] == {
            "apiVersion": deployment["apiVersion"],
            "kind": "Deployment",
            "name": deployment["metadata"]["name"],
        }
        assert "replicas" not in deployment["spec"]
        # A drained node must leave a pod that answers.
        budget = manifests["PodDisruptionBudget"]["spec"]
        assert autoscaler["spec"]["minReplicas"] > budget["maxUnavailable"]

    def test_ports_agree(
        self, manifests: dict[str, dict[str, Any]], container: dict[str, Any]
    ) -> None:
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        assert ports == {"grpc": 8500, "rest": 8501}
        service = manifests["Service"]["spec"]["ports"]
        assert {port["targetPort"]: port["port"] for port in service} == ports

    def test_probes_ask_for_the_model(self, container: dict[str, Any]) -> None:
        for name in ("startupProbe", "livenessProbe"):
            assert container[name]["httpGet"] == {"path": STATUS_PATH, "port": "rest"}
        assert container["readinessProbe"]["exec"]["command"] == ["bash", "/config/ready.sh"]

    def test_slow_load_is_not_killed(self, container: dict[str, Any]) -> None:
        startup = container["startupProbe"]
        assert startup["periodSeconds"] * startup["failureThreshold"] >= 300

    def test_pod_leaves_the_service_before_it_stops(
        self, pod: dict[str, Any], container: dict[str, Any]
    ) -> None:
        command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
        assert command == "sleep"
        assert pod["spec"]["terminationGracePeriodSeconds"] > int(seconds)
        assert pod["spec"]["shareProcessNamespace"] is True

    def test_mounts_are_read_only(
        self,
        manifests: dict[str, dict[str, Any]],
        pod: dict[str, Any],
        container: dict[str, Any],
    ) -> None:
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        assert {mount["name"] for mount in mounts.values()} == set(volumes)
        assert mounts["/models"]["readOnly"] is True
        assert mounts["/config"]["readOnly"] is True
        claim = volumes["models"]["persistentVolumeClaim"]
        assert claim["claimName"] == manifests["PersistentVolumeClaim"]["metadata"]["name"]
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


class TestReadyScript:
    @pytest.mark.parametrize(
        ("body", "ready"),
        [
            ('{\n "model_version_status": [{"state": "AVAILABLE"}]\n}', True),
            ('{"model_version_status":[{"state":"END"},{"state":"AVAILABLE"}]}', True),
            ('{\n "model_version_status": [{"state": "LOADING"}]\n}', False),
            ('{\n "model_version_status": [{"state": "END"}]\n}', False),
            ('{"error": "Could not find any versions of model arxiv_tagger"}', False),
        ],
    )
    def test_version_must_be_available(self, body: str, ready: bool) -> None:
        with answering(body) as port:
            assert (run_ready(port) == 0) is ready

    def test_no_server_is_not_ready(self) -> None:
        with answering("") as port:
            pass
        assert run_ready(port) != 0


def run_ready(port: int) -> int:
    command = ["bash", str(CONFIG / "ready.sh"), str(port)]
    return subprocess.run(command, capture_output=True, timeout=30).returncode


@contextmanager
def answering(body: str) -> Iterator[int]:
    """A server that gives that answer to a question for the model's status."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = body.encode() if self.path == STATUS_PATH else b""
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
