"""The flags of the model server. Imports nothing heavy: the command line reads them first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

# The flags of tensorflow_model_server 2.16 that are accepted and change nothing here, by type.
WITHOUT_EFFECT: Final[dict[str, type]] = {
    "enable_per_model_batching_parameters": bool,
    "enable_profiler": bool,
    "flush_filesystem_caches": bool,
    "grpc_channel_arguments": str,
    "mixed_precision": str,
    "num_load_threads": int,
    "num_request_iterations_for_warmup": int,
    "num_tflite_interpreters_per_pool": int,
    "num_tflite_pools": int,
    "num_unload_threads": int,
    "per_process_gpu_memory_fraction": float,
    "platform_config_file": str,
    "prefer_tflite_model": bool,
    "remove_unused_fields_from_bundle_metagraph": bool,
    "rest_api_num_threads": int,
    "saved_model_tags": str,
    "skip_initialize_tpu": bool,
    "tensorflow_session_config_file": str,
    "thread_pool_factory_config_file": str,
    "xla_cpu_compilation_enabled": bool,
}


@dataclass(frozen=True)
class ServerOptions:
    """The flags of `tensorflow_model_server` that this server heeds, each with its help.

    Defaults are TF Serving's but for two: it listens on loopback, and REST is on. A
    `rest_api_port` of None turns REST off, and 0 takes a free port; on the command line 0 turns it
    off, as in TF Serving. Without a `monitoring_config_file` the metrics are at their usual path.
    The limits (docs/exposure.md), `host` and `auth_token_file` are this server's own.
    """

    model_name: Annotated[str, "What requests call the model at --model_base_path."] = "default"
    model_base_path: Annotated[
        Path | None, "Folder with a numbered folder for each version of the model."
    ] = None
    port: Annotated[int, "Port of gRPC; 0 takes a free one."] = 8500
    rest_api_port: Annotated[int | None, "Port of REST; 0 turns it off."] = 8501
    host: Annotated[str, "Address to listen on; 0.0.0.0 is every network."] = "127.0.0.1"
    grpc_socket_path: Annotated[Path | None, "UNIX socket for gRPC; alone if --port is 0."] = None
    grpc_max_threads: Annotated[int | None, "gRPC requests at once.  [default: 4 per core]"] = None
    ssl_config_file: Annotated[Path | None, "SSLConfig as text, PEM in it: TLS for gRPC."] = None
    use_alts_credentials: Annotated[bool, "Refused: this server has TLS alone."] = False
    auth_token_file: Annotated[
        Path | None, "File with the token that requests must bring as 'Authorization: Bearer'."
    ] = None
    max_string_bytes: Annotated[int, "Bytes of one string in a request."] = 8 * 2**20
    max_computing_bytes: Annotated[
        int, "Bytes of requests computed at once; a string counts 2048 more."
    ] = 64 * 2**20
    rest_api_timeout_in_ms: Annotated[
        int, "How long a request over REST may take; 0 or less: no limit."
    ] = 30_000
    rest_api_max_body_bytes: Annotated[
        int, "Largest body of a request over REST, as sent and unpacked."
    ] = 64 * 1024 * 1024
    rest_api_max_connections: Annotated[
        int, "Connections over REST at once; fewer where few files may be open."
    ] = 10_000
    rest_api_idle_timeout_seconds: Annotated[
        int, "Seconds until a REST connection on which little moves is cut off."
    ] = 75
    rest_api_enable_cors_support: Annotated[bool, "Let pages of other origins ask."] = False
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
    max_num_load_retries: Annotated[int, "Further tries to load a version that fails."] = 5
    load_retry_interval_micros: Annotated[int, "Microseconds between two tries."] = 60_000_000
    enable_model_warmup: Annotated[bool, "Play a version's warm-up requests first."] = True
    enable_signature_method_name_check: Annotated[
        bool, "Refuse signatures that declare another method."
    ] = False
    tensorflow_intra_op_parallelism: Annotated[int, "Threads of an operation; 0: automatic."] = 0
    tensorflow_inter_op_parallelism: Annotated[int, "Threads for operations; 0: automatic."] = 0
    tensorflow_session_parallelism: Annotated[int, "Both of them; 0: automatic."] = 0
    enable_batching: Annotated[bool, "Compute concurrent requests together."] = False
    batching_parameters_file: Annotated[Path | None, "BatchingParameters as text."] = None
    monitoring_config_file: Annotated[Path | None, "MonitoringConfig as text."] = None
    enable_grpc_healthcheck_service: Annotated[bool, "Offer the standard gRPC health service."] = (
        False
    )
