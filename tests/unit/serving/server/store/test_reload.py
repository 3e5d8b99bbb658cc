"""Labels, and models that come, go and change while a server runs."""

import asyncio

import pytest

from serving.server.config import ModelConfig, read_model_config_file
from serving.server.errors import ServingError
from serving.server.store import config_poll
from serving.server.store.config_poll import poll_config_file
from serving.server.store.models import ModelStore
from serving.server.store.policy import All, Specific
from tests.support.model_store import (
    ask,
    failure,
    held,
    in_loop,
    refusal,
    serve,
    states,
    until,
)


@in_loop
async def test_labels_are_assigned_after_the_first_load(base, put):
    for version in (1, 2):
        put(version)
    labels = {"stable": 1, "canary": 2}
    async with serve(ModelConfig("m", base, All(), labels)) as store:
        assert await ask(store, label="stable") == 1
        assert await ask(store, label="canary") == 2
        assert [status.version for status in store.status("m", label="stable")] == [1]


@in_loop
async def test_the_start_fails_when_a_label_points_nowhere(base, put):
    put(1)
    store = ModelStore([ModelConfig("m", base, labels={"stable": 9})], poll_wait_seconds=0)
    assert await failure(store.start()) == (
        "FAILED_PRECONDITION",
        "Request to assign label to version 9 of model m, which is not currently available for "
        "inference",
    )
    await store.close()


@in_loop
async def test_labels_move_by_reload_to_versions_that_serve_only(base, put):
    for version in (1, 2):
        put(version)
    only = Specific(frozenset({1}))
    both = Specific(frozenset({1, 2}))
    async with serve(ModelConfig("m", base, only, {"stable": 1})) as store:
        ahead = [ModelConfig("m", base, both, {"stable": 2})]
        assert await failure(store.reload(ahead)) == (
            "FAILED_PRECONDITION",
            "Request to assign label to version 2 of model m, which is not currently available "
            "for inference",
        )
        assert await ask(store, label="stable") == 1
        await store.poll_once()
        assert states(store) == {1: "AVAILABLE"}  # the old configuration holds
        await store.reload([ModelConfig("m", base, both, {"stable": 1})])
        await store.reload(ahead)
        assert await ask(store, label="stable") == 2
        await store.reload([ModelConfig("m", base, Specific(frozenset({2})))])
        assert refusal(store.get, "m", None, "stable")[0] == "INVALID_ARGUMENT"


@in_loop
async def test_a_label_stays_on_a_version_that_unloads(base, put):
    put(1)
    async with serve(ModelConfig("m", base, labels={"stable": 1})) as store:
        put(2)
        await store.poll_once()
        with pytest.raises(ServingError) as error:
            await ask(store, label="stable")
        assert error.value.message == "Servable not found for request: Specific(m, 1)"


@in_loop
async def test_labels_ahead_of_their_versions_where_allowed(base, put):
    put(1)
    model = ModelConfig("m", base, All(), {"next": 2})
    async with serve(model, allow_labels_for_unavailable=True) as store:
        with pytest.raises(ServingError, match="Specific"):
            await ask(store, label="next")
        put(2)
        await store.poll_once()
        assert await ask(store, label="next") == 2


@in_loop
async def test_models_come_go_and_change(base, put, tmp_path):
    other, third = tmp_path / "other", tmp_path / "third"
    for version in (1, 2):
        put(version)
    put(5, under=other)
    put(6, under=third)
    async with serve(ModelConfig("m", base), ModelConfig("other", other)) as store:
        await store.reload([ModelConfig("m", base, All()), ModelConfig("third", third)])
        assert store.names == ["m", "third"]
        assert states(store) == {2: "AVAILABLE", 1: "AVAILABLE"}
        assert await ask(store, "third") == 6
        assert refusal(store.get, "other")[1] == "Servable not found for request: Latest(other)"
        await until(lambda: states(store, "other") == {5: "END"})
        put(7, under=other)
        await store.poll_once()
        assert states(store, "other") == {5: "END"}
        await store.reload([])
        assert store.names == []
        await until(lambda: states(store) == {2: "END", 1: "END"})
        await store.reload([ModelConfig("m", base)])
        assert await ask(store) == 2


@in_loop
async def test_a_request_survives_the_removal_of_its_model(base, put):
    put(1)
    async with serve(ModelConfig("m", base)) as store, held() as hold:
        old = asyncio.create_task(ask(store, hold=hold))
        await asyncio.sleep(0)
        await store.reload([])
        assert states(store) == {1: "UNLOADING"}
        hold.set()
        assert await old == 1


@in_loop
async def test_a_new_model_that_cannot_be_loaded_is_said(base, put, tmp_path):
    put(1)
    (tmp_path / "bad" / "4").mkdir(parents=True)
    async with serve(ModelConfig("m", base)) as store:
        models = [ModelConfig("m", base), ModelConfig("bad", tmp_path / "bad")]
        code, message = await failure(store.reload(models))
        assert code == "UNKNOWN"
        assert message.startswith(
            "1 model(s) did not become available: {{{name: bad version: 4} due to error: NOT_FOUND"
        )
        models[1] = ModelConfig("nowhere", tmp_path / "nowhere")
        code, message = await failure(store.reload(models))
        assert f"Could not find base path {tmp_path / 'nowhere'} for servable nowhere" in message
        assert await ask(store) == 1
        put(8, under=tmp_path / "nowhere")  # the configuration holds: it comes when it can
        await store.poll_once()
        assert await ask(store, "nowhere") == 8


@in_loop
async def test_a_version_that_serves_stays_when_the_base_path_changes(base, put, tmp_path):
    """As in TF Serving, where a version is known by its number."""
    put(1)
    put(1, answer=50, under=tmp_path / "other")
    async with serve(ModelConfig("m", base)) as store:
        await store.reload([ModelConfig("m", tmp_path / "other")])
        assert await ask(store) == 1
        put(2, under=tmp_path / "other")
        await store.poll_once()
        assert await ask(store) == 2


@in_loop
async def test_a_reload_goes_on_when_who_asked_has_gone(base, put, tmp_path, gate):
    put(1)
    put(6, under=tmp_path / "third")
    async with serve(ModelConfig("m", base)) as store:
        gate.open.clear()
        gate.reached.clear()
        models = [ModelConfig("m", base), ModelConfig("third", tmp_path / "third")]
        reload = asyncio.create_task(store.reload(models))
        await until(gate.reached.is_set)
        reload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reload
        gate.open.set()
        await until(lambda: states(store, "third") == {6: "AVAILABLE"})


@in_loop
async def test_the_config_file_is_followed(base, put, tmp_path, caplog, monkeypatch):
    for version in (1, 2):
        put(version)

    def write(rest):
        text = f'name: "m" base_path: "{base}" model_platform: "tensorflow" {rest}'
        new = tmp_path / "new.config"
        new.write_text(f"model_config_list {{ config {{ {text} }} }}")
        new.rename(tmp_path / "models.config")

    write("")
    async with serve(ModelConfig("m", base)) as store:
        poll = asyncio.create_task(poll_config_file(store, tmp_path / "models.config", 0.005))
        write("model_version_policy { all {} }")
        await until(lambda: states(store) == {2: "AVAILABLE", 1: "AVAILABLE"})
        write('version_labels { key: "stable" value: 9 }')
        await until(lambda: "Request to assign label to version 9" in caplog.text)
        (tmp_path / "models.config").write_text("model_config_list {")
        await until(lambda: "Invalid protobuf file" in caplog.text)
        with monkeypatch.context() as broken:
            broken.setattr(store, "reload", lambda _: 1 / 0)
            write("model_version_policy { all {} }")
            await until(lambda: "division by zero" in caplog.text)
            (tmp_path / "models.config").write_text("model_config_list {")
            await until(lambda: caplog.text.count("Invalid protobuf file") == 2)
        reads = []
        monkeypatch.setattr(
            config_poll,
            "read_model_config_file",
            lambda path: reads.append(path) or read_model_config_file(path),
        )
        await until(lambda: len(reads) > 3)
        assert states(store) == {2: "AVAILABLE", 1: "AVAILABLE"}
        write(
            "model_version_policy { specific { versions: 1 } } "
            'version_labels { key: "stable" value: 1 }'
        )
        await until(lambda: states(store) == {2: "END", 1: "AVAILABLE"})
        assert await ask(store, label="stable") == 1
        poll.cancel()
        assert caplog.text.count("Failed to reload the model config file") == 4  # once for each
