"""The settings of the model server. Imports nothing heavy: the command line reads them first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServerOptions:
    """The flags of `tensorflow_model_server` that this server has, and where it listens.

    Defaults are TF Serving's but for two: it listens on loopback, and REST is on.

    Attributes:
        model_name: What requests call the model at `model_base_path`.
        model_base_path: The folder with a folder for each version of the model.
        host: Address to listen on; 0.0.0.0 is every network.
        port: Port of gRPC; 0 takes a free one.
        rest_api_port: Port of REST; 0 takes a free one, None turns it off.
        rest_api_timeout_in_ms: How long a request over REST may take; 0 or less is no limit.
        model_config_file: Text file with a ModelServerConfig; the models in place of one model.
        model_config_file_poll_wait_seconds: Time between two readings of that file; 0 reads it
            once.
        file_system_poll_wait_seconds: Time between two looks for new versions; 0 looks once.
        allow_version_labels_for_unavailable_models: Whether a label may be given to a version that
            does not serve yet; requests for it fail until then.
        enable_batching: Whether concurrent requests are computed together.
        batching_parameters_file: Text file with BatchingParameters.
        monitoring_config_file: Text file with a MonitoringConfig; without one the metrics are on,
            at their usual path.
        enable_grpc_healthcheck_service: Whether there is the standard health service.
    """

    model_name: str = "default"
    model_base_path: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8500
    rest_api_port: int | None = 8501
    rest_api_timeout_in_ms: int = 30_000
    model_config_file: Path | None = None
    model_config_file_poll_wait_seconds: float = 0
    file_system_poll_wait_seconds: float = 1
    allow_version_labels_for_unavailable_models: bool = False
    enable_batching: bool = False
    batching_parameters_file: Path | None = None
    monitoring_config_file: Path | None = None
    enable_grpc_healthcheck_service: bool = False
