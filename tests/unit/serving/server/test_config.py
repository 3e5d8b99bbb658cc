import asyncio

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from schema.errors import UsageError
from serving.server.config import (
    follow_model_config_file,
    list_models,
    read_batching_file,
    read_model_config_file,
    read_monitoring_file,
    read_session_config,
)
from serving.server.errors import ServingError
from serving.server.model.batching import BatchingOptions
from serving.server.options import ServerOptions
from tests.support.model_store import until


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "server.config"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def model(rest="", name="m", base="/models/m", platform="tensorflow"):
    return f'config {{ name: "{name}" base_path: "{base}" model_platform: "{platform}" {rest} }}'


def listing(*models):
    return f"model_config_list {{ {' '.join(models)} }}"


def test_models_are_read(write):
    path = write(
        """
        # As in TF Serving's g3doc/serving_config.md.
        model_config_list {
          config { name: 'first' base_path: '/models/first' model_platform: 'tensorflow' }
          config {
            name: 'second'
            base_path: '/models/second/'
            model_platform: 'tensorflow'
            model_version_policy { specific { versions: 42 versions: 43 } }
            version_labels { key: 'stable' value: 42 }
            version_labels { key: 'canary' value: 43 }
          }
        }
        """
    )
    first, second = read_model_config_file(path)
    assert (first.name, first.base_path) == ("first", "/models/first")
    assert not first.HasField("model_version_policy")
    assert first.version_labels == {}
    assert (second.name, second.base_path) == ("second", "/models/second/")
    assert second.model_version_policy.specific.versions == [42, 43]
    assert second.version_labels == {"stable": 42, "canary": 43}


def test_no_models_are_allowed(write):
    assert read_model_config_file(write("model_config_list {}")) == ()


def test_the_old_way_to_name_the_platform(write):
    text = 'config { name: "m" base_path: "/m" model_type: TENSORFLOW }'
    (config,) = read_model_config_file(write(listing(text)))
    assert config.name == "m"


REFUSED = [
    ("custom_model_config {}", "Only ModelConfigList is currently supported"),
    (listing(model(name="")), "Expected each model to have a name; the one with base_path()=/mod"),
    (
        listing(model(base="")),
        "Expected model m to have an absolute path or URI; got base_path()=",
    ),
    (
        listing(model(base="gs://bucket/m")),
        "Expected model m to have the path of a local folder; got base_path()=gs://bucket/m",
    ),
    (
        listing(model("model_type: OTHER", platform="")),
        "ModelServerConfig::model_type choice 2 not supported.",
    ),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_invalid_model_lists_are_refused(write, text, message):
    """The contract tests show what else is refused."""
    with pytest.raises(ServingError) as error:
        list_models(text_format.Parse(text, ModelServerConfig()))
    assert error.value.code.name == "INVALID_ARGUMENT"
    assert error.value.message.startswith(message) or message in error.value.message
    path = write(text)
    with pytest.raises(UsageError, match="cannot be served") as usage:
        read_model_config_file(path)
    assert str(path) in str(usage.value)
    assert message in str(usage.value)


READERS = [read_model_config_file, read_batching_file, read_monitoring_file]


@pytest.mark.parametrize("read", READERS)
def test_a_file_that_cannot_be_read_is_named(tmp_path, read):
    nowhere = tmp_path / "nowhere.config"
    with pytest.raises(UsageError, match=f"{nowhere}: No such file or directory"):
        read(nowhere)
    with pytest.raises(UsageError, match="Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    "text", ['{"model": 1}', "\nunknown_field: 3", "a {", b"\xff\xfe\x00", "7"]
)
def test_invalid_text_protos_are_refused(write, read, text):
    path = write(text)
    with pytest.raises(UsageError, match=f"Invalid protobuf file: {path} "):
        read(path)


def test_the_line_of_a_mistake_is_given(write):
    with pytest.raises(UsageError, match=r"2:1 : .*unknown_field"):
        read_batching_file(write("\nunknown_field: 3"))


def test_batching_parameters(write):
    path = write(
        """
        max_batch_size { value: 128 }
        batch_timeout_micros { value: 1500 }
        max_enqueued_batches { value: 1000000 }
        num_batch_threads { value: 8 }
        allowed_batch_sizes: 32
        allowed_batch_sizes: 128
        pad_variable_length_inputs: true
        """
    )
    assert read_batching_file(path) == BatchingOptions(
        max_batch_size=128,
        batch_timeout_micros=1500,
        max_enqueued_batches=1000000,
        num_batch_threads=8,
        allowed_batch_sizes=(32, 128),
        pad_variable_length_inputs=True,
    )


def test_batching_parameters_left_out_have_the_defaults(write):
    assert read_batching_file(write("")) == BatchingOptions()
    assert read_batching_file(write("batch_timeout_micros { value: 0 }")) == BatchingOptions(
        batch_timeout_micros=0
    )


def test_batching_parameters_without_effect_are_logged(write, caplog):
    text = 'thread_pool_name { value: "pool" } enable_large_batch_splitting { value: true }'
    assert read_batching_file(write(text)) == BatchingOptions()
    assert "thread_pool_name has no effect" in caplog.text
    assert "enable_large_batch_splitting has no effect" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size { value: 0 }", "max_batch_size must be at least 1; was 0"),
        ("max_batch_size {}", "max_batch_size must be at least 1; was 0"),
        ("batch_timeout_micros { value: -1 }", "batch_timeout_micros must be at least 0; was -1"),
        ("max_enqueued_batches { value: -1 }", "max_enqueued_batches must be at least 0; was -1"),
        ("num_batch_threads { value: 0 }", "num_batch_threads must be at least 1; was 0"),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: 4",
            "Last entry in allowed_batch_sizes must match max_batch_size; "
            "last entry was 4; expected 8",
        ),
        ("allowed_batch_sizes: 4", "last entry was 4; expected 1000"),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: [4, 2, 8]",
            "allowed_batch_sizes entries must be in increasing order",
        ),
        (
            "max_batch_size { value: 8 } allowed_batch_sizes: [4, 4, 8]",
            "allowed_batch_sizes entries must be in increasing order",
        ),
    ],
)
def test_batching_parameters_out_of_range(write, text, message):
    path = write(text)
    with pytest.raises(UsageError) as error:
        read_batching_file(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("prometheus_config {}", None),
        ("prometheus_config { enable: true }", "/monitoring/prometheus/metrics"),
        ('prometheus_config { enable: true, path: "/metrics" }', "/metrics"),
    ],
)
def test_monitoring(write, text, expected):
    assert read_monitoring_file(write(text)) == expected


def test_monitoring_path_needs_a_slash(write):
    with pytest.raises(UsageError, match="'metrics' must start with a slash"):
        read_monitoring_file(write('prometheus_config { enable: true, path: "metrics" }'))


@pytest.mark.parametrize(
    ("flags", "threads"),
    [
        ({}, (0, 0)),
        ({"tensorflow_session_parallelism": 4}, (4, 4)),
        ({"tensorflow_intra_op_parallelism": 3}, (3, 0)),
    ],
)
def test_threads_of_sessions(flags, threads):
    config = read_session_config(ServerOptions(**flags))
    assert (config.intra_op_parallelism_threads, config.inter_op_parallelism_threads) == threads


def test_the_model_config_file_is_followed(write, caplog):
    """What can't be read or taken is logged once, and the next reading comes."""
    taken = []

    async def reload(models):
        if models[0].name == "bad":
            raise RuntimeError("out of the blue")
        taken.append(models[0].name)

    async def scenario():
        path = write(listing(model(name="first")))
        following = asyncio.create_task(follow_model_config_file(path, 0.005, reload))
        await until(lambda: "first" in taken)
        write("model_config_list {")
        await until(lambda: "Invalid protobuf file" in caplog.text)
        write(listing(model(name="bad")))
        await until(lambda: "out of the blue" in caplog.text)
        write(listing(model(name="last")))
        await until(lambda: "last" in taken)
        following.cancel()

    asyncio.run(scenario())
    # Between two writes a file may be seen empty.
    known = [r for r in caplog.records if "ServerModelConfig type" not in r.getMessage()]
    messages = [record.getMessage() for record in known]
    assert len(messages) == len(set(messages))
    assert all(each.startswith("Failed to reload the model config file") for each in messages)
