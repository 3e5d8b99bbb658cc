"""The flags of the model server. Imports nothing heavy: the command line reads them first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated


@dataclass(frozen=True)
class ServerOptions:
    """The flags of `tensorflow_model_server` that this server has, each with its help.

    Defaults are TF Serving's but for two: it listens on loopback, and REST is on. A
    `rest_api_port` of None turns REST off, and 0 takes a free port; on the command line 0 turns it
    off, as in TF Serving. Without a `monitoring_config_file` the metrics are at their usual path.
    """

    model_name: Annotated[str, "What requests call the model at --model_base_path."] = "default"
    model_base_path: Annotated[
        Path | None, "Folder with a numbered folder for each version of the model."
    ] = None
    port: Annotated[int, "Port of gRPC; 0 takes a free one."] = 8500
    rest_api_port: Annotated[int | None, "Port of REST; 0 turns it off."] = 8501
    host: Annotated[str, "Address to listen on; 0.0.0.0 is every network."] = "127.0.0.1"
    rest_api_timeout_in_ms: Annotated[
        int, "How long a request over REST may take; 0 is no limit."
    ] = 30_000
    model_config_file: Annotated[
        Path | None, "ModelServerConfig as text: models, versions, labels."
    ] = None
    model_config_file_poll_wait_seconds: Annotated[
        float, "Seconds between two readings of --model_config_file; 0 reads it once."
    ] = 0
    file_system_poll_wait_seconds: Annotated[
        float, "Seconds between two looks for new versions; 0 looks once."
    ] = 1
    allow_version_labels_for_unavailable_models: Annotated[
        bool, "Let labels name versions that are not loaded yet."
    ] = False
    enable_batching: Annotated[bool, "Compute concurrent requests together."] = False
    batching_parameters_file: Annotated[Path | None, "BatchingParameters as text."] = None
    monitoring_config_file: Annotated[Path | None, "MonitoringConfig as text."] = None
    enable_grpc_healthcheck_service: Annotated[bool, "Offer the standard gRPC health service."] = (
        False
    )
