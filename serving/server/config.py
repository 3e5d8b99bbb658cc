"""Reads and follows the server's configuration files: models, batching, monitoring."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message
from tensorflow.core.protobuf.config_pb2 import ConfigProto
from tensorflow_serving.config.model_server_config_pb2 import (
    TENSORFLOW,
    ModelConfig,
    ModelServerConfig,
)

from schema.errors import UsageError
from serving.protos import load_messages
from serving.server.errors import ServingError, invalid_argument, not_found
from serving.server.model.batching import BatchingOptions
from serving.server.options import ServerOptions

# The only type of LogCollectorConfig: TFRecords of PredictionLog.
_LOG_TYPE: Final = "tfrecord"
MONITORING_PATH: Final = "/monitoring/prometheus/metrics"

# The numbers of BatchingParameters and the least that each may be.
_NUMBERS: Final = {
    "max_batch_size": 1,
    "batch_timeout_micros": 0,
    "max_enqueued_batches": 0,
    "num_batch_threads": 1,
}
_IGNORED_BATCHING: Final = (
    "thread_pool_name",
    "enable_large_batch_splitting",
    "max_execution_batch_size",
)

_logger = logging.getLogger(__name__)
_Proto = TypeVar("_Proto", bound=Message)


def read_model_config_file(path: Path) -> tuple[ModelConfig, ...]:
    """Returns the models of a `--model_config_file`: a ModelServerConfig as text.

    Raises:
        UsageError: The file can't be read, or `list_models` refuses what it says.
    """
    config = read_text(path, ModelServerConfig())
    try:
        return list_models(config)
    except ServingError as error:
        raise UsageError(f"{path} cannot be served: {error.message}. Correct the file.") from error


async def follow_model_config_file(
    path: Path,
    wait_seconds: float,
    reload: Callable[[tuple[ModelConfig, ...]], Awaitable[None]],
) -> None:
    """Reads a `--model_config_file` again and again, until it is cancelled.

    What can't be read or taken is logged, once as long as it stays the same, and changes nothing.

    Args:
        path: The file.
        wait_seconds: Time between two readings (`--model_config_file_poll_wait_seconds`).
        reload: Takes what the file says.

    Source: PollFilesystemAndReloadConfig in TF Serving's model_servers/server.cc.
    """
    last = ""
    while True:
        await asyncio.sleep(wait_seconds)
        try:
            await reload(await asyncio.to_thread(read_model_config_file, path))
        except Exception as error:
            # Whatever is wrong with this reading, the next one must come.
            known = isinstance(error, UsageError | ServingError)
            if repr(error) != last:
                _logger.error(
                    "Failed to reload the model config file %s: %s", path, error, exc_info=not known
                )
            last = repr(error)
        else:
            last = ""


def list_models(config: ModelServerConfig) -> tuple[ModelConfig, ...]:
    """Returns the models of a ModelServerConfig.

    Raises:
        ServingError: INVALID_ARGUMENT: not a list of models, a model without a name or with
            another's, a base path that is not an absolute path of a local folder, or a platform
            that is not TensorFlow. In the words of TF Serving's model_servers/server_core.cc and
            model_service_impl.cc.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise invalid_argument(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. "
            "Only ModelConfigList is currently supported"
        )
    models: dict[str, ModelConfig] = {}
    for model in config.model_config_list.config:
        if model.name in models:
            raise invalid_argument(
                f"Illegal to list model {model.name} multiple times in config list"
            )
        _check_model(model)
        models[model.name] = model
    return tuple(models.values())


def _check_model(model: ModelConfig) -> None:
    name, base_path = model.name, f"base_path()={model.base_path}"
    if not name:
        raise invalid_argument(
            f"Expected each model to have a name; the one with {base_path} has none"
        )
    if "://" in model.base_path:
        raise invalid_argument(
            f"Expected model {name} to have the path of a local folder; got {base_path}"
        )
    if not Path(model.base_path).is_absolute():
        raise invalid_argument(
            f"Expected model {name} to have an absolute path or URI; got {base_path}"
        )
    _check_platform(model)
    collector = model.logging_config.log_collector_config
    if model.HasField("logging_config") and collector.type != _LOG_TYPE:
        raise not_found(f"Cannot find LogCollector::Factory for type: {collector.type}")


def _check_platform(model: ModelConfig) -> None:
    if model.model_type and model.model_platform:
        raise invalid_argument(
            "Illegal setting both ModelServerConfig::model_type (deprecated) "
            f"and ModelServerConfig::model_platform, model name is {model.name}"
        )
    if model.model_type:
        if model.model_type != TENSORFLOW:
            raise invalid_argument(
                f"ModelServerConfig::model_type choice {model.model_type} not supported."
            )
    elif not model.model_platform:
        raise invalid_argument(
            "Illegal setting neither ModelServerConfig::model_type (deprecated) "
            f"nor ModelServerConfig::model_platform, model name is {model.name}"
        )
    elif model.model_platform != "tensorflow":
        raise invalid_argument(
            f"Model {model.name} requests unsupported platform {model.model_platform}"
        )


def read_batching_file(path: Path) -> BatchingOptions:
    """Returns the options in a `--batching_parameters_file`: BatchingParameters as text.

    Raises:
        UsageError: The file can't be read, or a value is out of its range.

    Source: TF Serving's servables/tensorflow/session_bundle_config.proto and
    bundle_factory_util.cc.
    """
    parameters = read_text(path, load_messages("server_parameters")["BatchingParameters"]())
    for name in _IGNORED_BATCHING:
        if parameters.HasField(name):
            _logger.warning("%s: %s has no effect in this server", path, name)
    given = {
        name: getattr(parameters, name).value for name in _NUMBERS if parameters.HasField(name)
    }
    for name, least in _NUMBERS.items():
        if given.get(name, least) < least:
            raise UsageError(f"{path}: {name} must be at least {least}; was {given[name]}.")
    options = BatchingOptions(
        **given,
        allowed_batch_sizes=tuple(parameters.allowed_batch_sizes),
        pad_variable_length_inputs=parameters.pad_variable_length_inputs,
    )
    sizes = options.allowed_batch_sizes
    if list(sizes) != sorted(set(sizes)):
        raise UsageError(f"{path}: allowed_batch_sizes entries must be in increasing order.")
    if sizes and sizes[-1] != options.max_batch_size:
        raise UsageError(
            f"{path}: Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
            f"{sizes[-1]}; expected {options.max_batch_size}."
        )
    return options


def read_monitoring_file(path: Path) -> str | None:
    """Returns where a `--monitoring_config_file`, a MonitoringConfig as text, puts the metrics.

    Returns:
        The path of their page; None where it turns them off.

    Raises:
        UsageError: The file can't be read, or the path does not start with a slash.
    """
    prometheus = read_text(
        path, load_messages("server_parameters")["MonitoringConfig"]()
    ).prometheus_config
    if prometheus.path and not prometheus.path.startswith("/"):
        raise UsageError(f"{path}: the path {prometheus.path!r} must start with a slash.")
    return (prometheus.path or MONITORING_PATH) if prometheus.enable else None


def read_models(options: ServerOptions) -> tuple[ModelConfig, ...]:
    """Returns the model of the flags, or those of a file.

    Raises:
        UsageError: Neither is given, the file can't be read, or `list_models` would refuse it.
    """
    if options.model_config_file:
        return read_model_config_file(options.model_config_file)
    if options.model_base_path:
        base_path = str(options.model_base_path)
        model = ModelConfig(
            name=options.model_name, base_path=base_path, model_platform="tensorflow"
        )
        try:
            _check_model(model)
        except ServingError as error:
            raise UsageError(f"{error}. Correct --model_base_path or --model_name.") from error
        return (model,)
    raise UsageError(
        "There is nothing to serve: neither --model_base_path nor --model_config_file is given. "
        "Give the folder that holds a model's numbered versions as --model_base_path."
    )


def read_batching(options: ServerOptions) -> BatchingOptions | None:
    """Returns how requests are gathered into batches; None where they are not."""
    file = options.batching_parameters_file
    if file and not options.enable_batching:
        raise UsageError(
            "--batching_parameters_file has no effect without --enable_batching. "
            "Give both or neither."
        )
    if file:
        return read_batching_file(file)
    return BatchingOptions() if options.enable_batching else None


def read_session_config(options: ServerOptions) -> ConfigProto:
    """Returns the threads of TensorFlow's sessions, as TF Serving's server.cc reads the flags."""
    both = options.tensorflow_session_parallelism
    within = options.tensorflow_intra_op_parallelism
    between = options.tensorflow_inter_op_parallelism
    if both and within and between:
        raise UsageError(
            "Give either --tensorflow_session_parallelism, or --tensorflow_intra_op_parallelism "
            "and --tensorflow_inter_op_parallelism."
        )
    return ConfigProto(
        intra_op_parallelism_threads=within or both, inter_op_parallelism_threads=between or both
    )


def read_text(path: Path, message: _Proto) -> _Proto:
    """Fills a message from a file of protobuf's text form, and returns it.

    Raises:
        UsageError: The file can't be read.
    """
    kind = message.DESCRIPTOR.name
    try:
        text_format.Parse(path.read_text(encoding="utf-8"), message)
    except OSError as error:
        raise UsageError(
            f"Cannot read the {kind} in {path}: {error.strerror}. Give the path of a text file."
        ) from error
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise UsageError(
            f"Invalid protobuf file: {path} is not a {kind} in text form: "
            f"{str(error).rstrip('.')}. Correct the file."
        ) from error
    return message
