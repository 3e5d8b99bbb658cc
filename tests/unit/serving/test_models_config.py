"""The file that tells a model server what to serve, beside TF Serving's own messages."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.protobuf import descriptor_pb2
from tensorflow_serving.config import model_server_config_pb2

from schema import names
from schema.errors import BadInputError, UsageError
from serving import models_config
from serving.models_config import ModelServerConfig, read_config, tagger_config, write_config


@pytest.fixture
def path(tmp_path):
    return tmp_path / "models.config"


def config(base_path: str):
    config = ModelServerConfig()
    model = tagger_config(config)
    model.name, model.base_path = names.MODEL_NAME, base_path
    return config


def described(descriptor, seen=None):
    """The fields of a message and of all that it is made of."""
    seen = {} if seen is None else seen
    if descriptor.full_name not in seen:
        proto = descriptor_pb2.DescriptorProto()
        descriptor.CopyToProto(proto)
        seen[descriptor.full_name] = {
            field.name: (field.number, field.type, field.label, field.type_name)
            for field in proto.field
        }
        for field in descriptor.fields:
            if field.message_type:
                described(field.message_type, seen)
    return seen


def test_messages_are_the_official_ones():
    official = described(model_server_config_pb2.ModelServerConfig.DESCRIPTOR)
    # Where the stubs are older than TF Serving 2.19.
    newer = ("custom_logging_config", (3, 11, 1, ".google.protobuf.Any"))
    official["tensorflow.serving.LoggingConfig"].update([newer])
    assert described(ModelServerConfig.DESCRIPTOR) == official


def test_missing_file_is_an_empty_configuration(path):
    assert read_config(path) == ModelServerConfig()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"model_config_list {", "not a model server's configuration"),
        (b"bogus: 1", "bogus"),
        (b"\xff", "not a model server's configuration"),
        (b"custom_model_config {}", "custom_model_config"),
    ],
)
def test_unusable_file_is_named(path, content, said):
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=f"models.config: .*{said}"):
        read_config(path)


def test_readers_see_one_of_two_files_whole(path):
    """A server polls the file while releases are written."""
    write_config(path, config("a"))
    stop = threading.Event()

    def poll():
        seen = set()
        while not stop.is_set():
            seen.add(tagger_config(read_config(path)).base_path)
        return seen

    with ThreadPoolExecutor(1) as pool:
        polled = pool.submit(poll)
        for number in range(40):
            write_config(path, config("ab"[number % 2] * 10_000))
        stop.set()
    assert polled.result() <= {"a", "a" * 10_000, "b" * 10_000}


def test_failed_write_keeps_the_old_file_and_leaves_nothing_else(path, monkeypatch):
    write_config(path, config("a"))

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(models_config.os, "fsync", fail)
    with pytest.raises(UsageError, match="No space left"):
        write_config(path, config("b"))
    assert tagger_config(read_config(path)).base_path == "a"
    assert list(path.parent.iterdir()) == [path]


def test_file_may_be_read_by_the_servers_user(path):
    mask = os.umask(0o022)
    try:
        write_config(path, config("a"))
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o644
