"""Which versions of which models serve, from the start of a server to its end."""

import asyncio
import shutil
from unittest import mock

import pytest

from components.pusher.atomic_push import push_version
from serving.server.errors import ServingError
from tests.support.model_store import (
    ask,
    config,
    failure,
    find,
    held,
    in_loop,
    make_store,
    model_spec,
    refusal,
    serve,
    states,
    status,
    until,
)

NO_VERSION_9 = (
    "FAILED_PRECONDITION",
    "Request to assign label to version 9 of model m, which is not currently available for "
    "inference",
)


@in_loop
async def test_a_push_is_served_when_it_is_whole(base, put, saved_models, loads):
    put(1)
    async with serve(config("m", base)) as store:
        staged = put(2, name=".pushing-2-0a1b2c3d")
        (base / ".pushing.lock").touch()
        await store.poll_once()
        assert await ask(store) == 1
        staged.rename(base / "2")
        await store.poll_once()
        assert await ask(store) == 2
        assert push_version(saved_models(7), base, now=3).version == 3
        await store.poll_once()
        assert await ask(store) == 7
        assert loads == ["1", "2", "3"]


@in_loop
async def test_a_number_may_come_back_with_another_model(base, put):
    for version in (1, 2):
        put(version)
    async with serve(config("m", base)) as store:
        shutil.rmtree(base / "2")
        await store.poll_once()
        assert await ask(store) == 1
        await until(lambda: states(store) == {2: "END", 1: "AVAILABLE"})
        put(2, answer=20)
        await store.poll_once()
        assert await ask(store) == 20
        await until(lambda: states(store) == {2: "AVAILABLE", 1: "END"})


@in_loop
async def test_a_base_path_out_of_reach_changes_nothing(base, put, caplog):
    put(1)
    async with serve(config("m", base)) as store:
        base.rename(base.with_name("away"))
        for _ in range(3):
            await store.poll_once()
        assert await ask(store) == 1
        assert caplog.text.count("Could not find base path") == 1
        base.with_name("away").rename(base)
        put(2)
        await store.poll_once()
        assert await ask(store) == 2


@in_loop
async def test_a_model_without_a_base_path_delays_no_other(base, put, tmp_path):
    put(1)
    models = [config("a", tmp_path / "nowhere"), config("m", base)]
    # Below zero it never looks by itself.
    async with serve(*models, file_system_poll_wait_seconds=-1) as store:
        assert refusal(store.status, model_spec())[0] == "NOT_FOUND"
        await store.poll_once()
        assert await ask(store) == 1


@in_loop
async def test_version_0_is_not_the_latest(base, put):
    put(0)
    put(1)
    async with serve(config("m", base, {"all": {}})) as store:
        assert await ask(store, version=0) == 0
        assert await ask(store) == 1
        assert status(store, "m", 0) == status(store)[1:]


@in_loop
async def test_the_start_waits_for_the_first_version(base, put):
    shutil.rmtree(base)
    store = make_store(config("m", base), file_system_poll_wait_seconds=0.005)
    looks = store.poll_once = mock.AsyncMock(wraps=store.poll_once)
    start = asyncio.create_task(store.start())
    await until(lambda: looks.await_count > 3)
    base.mkdir()
    await until(lambda: looks.await_count > 6)
    assert not start.done()
    put(1)
    await start
    assert await ask(store) == 1
    put(2)  # and it keeps looking
    await until(lambda: states(store) == {2: "AVAILABLE", 1: "END"})
    await store.close()
    assert states(store) == {2: "END", 1: "END"}
    await until(store._poller.done)


@in_loop
async def test_polling_survives_an_error_of_its_own(base, put, monkeypatch, caplog):
    put(1)
    async with serve(config("m", base), file_system_poll_wait_seconds=0.005) as store:
        real, calls = store._update_all, []

        def fail_once():
            calls.append(1)
            if len(calls) == 1:
                raise RuntimeError("out of the blue")
            return real()

        monkeypatch.setattr(store, "_update_all", fail_once)
        put(2)
        await until(lambda: states(store) == {2: "AVAILABLE", 1: "END"})
        assert "out of the blue" in caplog.text


@in_loop
async def test_a_single_look_does_not_wait(base):
    store = make_store(config("m", base), file_system_poll_wait_seconds=0)
    code, message = await failure(store.start())
    assert code == "UNKNOWN"
    assert message.startswith(
        "1 servable(s) did not become available: {{{name: m} due to error: No versions of "
        f"servable m found under base path {base}. Did you forget to name your leaf directory "
    )
    await store.close()


@in_loop
async def test_close_waits_for_requests_and_frees_all(base, put):
    put(1)
    async with serve(config("m", base)) as store, held() as hold:
        request = asyncio.create_task(ask(store, hold=hold))
        await asyncio.sleep(0)
        close = asyncio.create_task(store.close())
        await until(lambda: states(store) == {1: "UNLOADING"})
        assert not close.done()
        hold.set()
        assert await request == 1
        await close
        assert states(store) == {1: "END"}


@in_loop
async def test_a_label_stays_on_a_version_that_unloads(base, put):
    put(1)
    model = config("m", base, labels={"stable": 1})
    async with serve(model, allow_version_labels_for_unavailable_models=True) as store:
        put(2)
        await store.poll_once()
        message = "Servable not found for request: Specific(m, 1)"
        assert refusal(store.lease, model_spec(label="stable")) == ("NOT_FOUND", message)


@in_loop
async def test_labels_ahead_of_their_versions_where_allowed(base, put):
    """As --allow_version_labels_for_unavailable_models: unused labels, or those that stay."""
    put(1)
    model = config("m", base, {"all": {}}, {"next": 2})
    async with serve(model, allow_version_labels_for_unavailable_models=True) as store:
        with pytest.raises(ServingError, match="Specific"):
            await ask(store, label="next")
        await store.reload([model])
        moved = [config("m", base, {"all": {}}, {"next": 9})]
        assert await failure(store.reload(moved)) == NO_VERSION_9
        put(2)
        await store.poll_once()
        assert await ask(store, label="next") == 2


@in_loop
async def test_a_model_that_was_removed_is_not_looked_at(base, put, tmp_path):
    other = tmp_path / "other"
    put(1)
    put(5, under=other)
    async with serve(config("m", base), config("other", other)) as store, held() as hold:
        old = asyncio.create_task(ask(store, "other", hold=hold))
        await asyncio.sleep(0)
        await store.reload([config("m", base)])
        assert store.names == ["m"]
        assert states(store, "other") == {5: "UNLOADING"}
        hold.set()
        assert await old == 5
        await until(lambda: states(store, "other") == {5: "END"})
        put(7, under=other)
        await store.poll_once()
        assert states(store, "other") == {5: "END"}
        await store.reload([config("m", base), config("other", other)])
        assert find(store, "other").version == 7


@in_loop
async def test_a_new_model_that_cannot_be_loaded_is_reported(base, put, tmp_path):
    put(1)
    (tmp_path / "bad" / "4").mkdir(parents=True)
    async with serve(config("m", base)) as store:
        models = [config("m", base), config("bad", tmp_path / "bad")]
        code, message = await failure(store.reload(models))
        assert code == "UNKNOWN"
        assert message.startswith(
            "1 model(s) did not become available: {{{name: bad version: 4} due to error: NOT_FOUND"
        )
        models[1] = config("nowhere", tmp_path / "nowhere")
        code, message = await failure(store.reload(models))
        assert f"Could not find base path {tmp_path / 'nowhere'} for servable nowhere" in message
        assert await ask(store) == 1
        put(8, under=tmp_path / "nowhere")  # the configuration holds: it comes when it can
        await store.poll_once()
        assert await ask(store, "nowhere") == 8


@in_loop
async def test_a_version_that_serves_stays_when_the_base_path_changes(base, put, tmp_path):
    """As in TF Serving, which knows a version by its number."""
    put(1)
    put(1, answer=50, under=tmp_path / "other")
    async with serve(config("m", base)) as store:
        await store.reload([config("m", tmp_path / "other")])
        assert await ask(store) == 1
        put(2, under=tmp_path / "other")
        await store.poll_once()
        assert await ask(store) == 2


@in_loop
async def test_a_reload_is_finished_when_its_caller_has_gone(base, put, tmp_path, gate):
    put(1)
    put(6, under=tmp_path / "third")
    async with serve(config("m", base)) as store:
        gate.open.clear()
        gate.reached.clear()
        models = [config("m", base), config("third", tmp_path / "third")]
        reload = asyncio.create_task(store.reload(models))
        await until(gate.reached.is_set)
        reload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reload
        gate.open.set()
        await until(lambda: states(store, "third") == {6: "AVAILABLE"})
