"""Which versions of a model serve, from the start of a server to its end."""

import asyncio
import shutil

import pytest
from tensorflow_serving.apis.model_pb2 import ModelSpec

from components.pusher.atomic_push import push_version
from serving.server.config import ModelConfig
from serving.server.store.models import ModelStore
from serving.server.store.policy import All, Latest, Specific
from tests.support.model_store import (
    ask,
    count_calls,
    failure,
    held,
    in_loop,
    refusal,
    serve,
    states,
    until,
)


@in_loop
async def test_the_latest_version_serves(base, put):
    put(9)
    put(30)
    async with serve(ModelConfig("m", base)) as store:
        assert await ask(store) == 30
        assert await ask(store, version=30) == 30
        assert store.names == ["m"]
        assert store.status("m") == store.status("m", 30)
        assert [(s.version, s.state, s.code, s.message) for s in store.status("m")] == [
            (30, "AVAILABLE", 0, "")
        ]


@pytest.mark.parametrize(
    ("policy", "served"),
    [(Latest(2), {2, 3}), (All(), {1, 2, 3}), (Specific(frozenset({1, 3, 8})), {1, 3})],
)
@in_loop
async def test_policies(base, put, policy, served):
    for version in (1, 2, 3):
        put(version)
    async with serve(ModelConfig("m", base, policy)) as store:
        assert states(store) == dict.fromkeys(served, "AVAILABLE")
        for version in served:
            assert await ask(store, version=version) == version
        assert await ask(store) == max(served)


@in_loop
async def test_zeros_before_a_version_do_not_matter(base, put):
    put(123, answer=5, name="00000123")
    async with serve(ModelConfig("m", base)) as store:
        assert await ask(store, version=123) == 5


@in_loop
async def test_a_push_is_served_when_it_is_whole(base, put, saved_models, loads):
    put(1)
    async with serve(ModelConfig("m", base)) as store:
        staged = put(2, name=".pushing-2-0a1b2c3d")
        (base / ".pushing.lock").touch()
        await store.poll_once()
        assert await ask(store) == 1
        staged.rename(base / "2")
        await store.poll_once()
        assert await ask(store) == 2
        pushed = push_version(saved_models(7), base, now=3)
        await store.poll_once()
        assert pushed.version == 3
        assert await ask(store) == 7
        assert loads == ["1", "2", "3"]


@in_loop
async def test_back_to_the_older_version(base, put):
    for version in (1, 2):
        put(version)
    async with serve(ModelConfig("m", base)) as store:
        shutil.rmtree(base / "2")
        await store.poll_once()
        assert await ask(store) == 1
        await until(lambda: states(store) == {2: "END", 1: "AVAILABLE"})
        assert store.status("m", 2)[0].code == 0
        put(2, answer=20)  # the number once more, with another model
        await store.poll_once()
        assert await ask(store) == 20
        await until(lambda: states(store) == {2: "AVAILABLE", 1: "END"})


@in_loop
async def test_when_all_versions_vanish_all_unload(base, put):
    put(1)
    async with serve(ModelConfig("m", base)) as store:
        shutil.rmtree(base / "1")
        await store.poll_once()
        await until(lambda: states(store) == {1: "END"})
        assert refusal(store.get, "m") == (
            "NOT_FOUND",
            "Servable not found for request: Latest(m)",
        )


@in_loop
async def test_a_base_path_out_of_reach_changes_nothing(base, put, caplog):
    put(1)
    async with serve(ModelConfig("m", base)) as store:
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
async def test_one_model_without_a_base_path_keeps_no_other_waiting(base, put, tmp_path):
    put(1)
    models = [ModelConfig("a", tmp_path / "nowhere"), ModelConfig("m", base)]
    async with serve(*models, start=False) as store:
        await store.poll_once()
        assert await ask(store) == 1


@in_loop
async def test_what_is_not_there(base, put):
    put(1)
    async with serve(ModelConfig("m", base)) as store:
        for call, args, expected in [
            (store.get, ("x",), ("NOT_FOUND", "Servable not found for request: Latest(x)")),
            (store.get, ("m", 3), ("NOT_FOUND", "Servable not found for request: Specific(m, 3)")),
            (store.get, ("",), ("INVALID_ARGUMENT", "ModelSpec has no name specified.")),
            (
                store.get,
                ("m", None, "stable"),
                ("INVALID_ARGUMENT", "Unrecognized servable version label: stable"),
            ),
            (store.lease, (ModelSpec(),), ("INVALID_ARGUMENT", "ModelSpec has no name specified.")),
            (
                store.lease,
                (ModelSpec(name="m", version_label="x"),),
                ("INVALID_ARGUMENT", "Unrecognized servable version label: x"),
            ),
            (store.status, ("x",), ("NOT_FOUND", "Could not find any versions of model x")),
            (store.status, ("m", 3), ("NOT_FOUND", "Could not find version 3 of model m")),
            (store.status, ("x", 3), ("NOT_FOUND", "Could not find version 3 of model x")),
            (
                store.status,
                ("m", None, "x"),
                ("INVALID_ARGUMENT", "Unrecognized servable version label: x"),
            ),
        ]:
            assert refusal(call, *args) == expected


@in_loop
async def test_version_0_is_not_the_latest(base, put):
    put(0)
    put(1)
    async with serve(ModelConfig("m", base, All())) as store:
        assert await ask(store, version=0) == 0
        assert await ask(store) == 1


@in_loop
async def test_the_start_waits_for_the_first_version(base, put):
    shutil.rmtree(base)
    store = ModelStore([ModelConfig("m", base)], poll_wait_seconds=0.005)
    looks = count_calls(store, "poll_once")
    start = asyncio.create_task(store.start())
    await until(lambda: len(looks) > 3)
    base.mkdir()
    await until(lambda: len(looks) > 6)
    assert not start.done()
    put(1)
    await start
    assert await ask(store) == 1
    put(2)  # and it goes on looking
    await until(lambda: states(store) == {2: "AVAILABLE", 1: "END"})
    await store.close()
    assert states(store) == {2: "END", 1: "END"}
    await until(store._poller.done)  # it looks no more


@in_loop
async def test_polling_survives_an_error_of_its_own(base, put, monkeypatch, caplog):
    put(1)
    async with serve(ModelConfig("m", base), poll_wait_seconds=0.005) as store:
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
    store = ModelStore([ModelConfig("m", base)], poll_wait_seconds=0)
    code, message = await failure(store.start())
    assert code == "UNKNOWN"
    assert message.startswith(
        "1 model(s) did not become available: {{{name: m} due to error: No versions of servable m "
        f"found under base path {base}. Did you forget to name your leaf directory as a number"
    )
    await store.close()


@in_loop
async def test_below_zero_it_never_looks(base, put):
    put(1)
    async with serve(ModelConfig("m", base), poll_wait_seconds=-1) as store:
        assert refusal(store.status, "m")[0] == "NOT_FOUND"
        await store.poll_once()
        assert await ask(store) == 1


@in_loop
async def test_the_start_fails_when_a_model_has_no_good_version(base, put, tmp_path):
    put(1)
    (tmp_path / "bad" / "4").mkdir(parents=True)
    models = [ModelConfig("m", base), ModelConfig("bad", tmp_path / "bad")]
    store = ModelStore(models, poll_wait_seconds=0.01)
    code, message = await failure(store.start())
    assert code == "UNKNOWN"
    (reason,) = store.status("bad")
    assert message == (
        "1 model(s) did not become available: {{{name: bad version: 4} due to error: "
        f"NOT_FOUND: {reason.message}}}, }}"
    )
    await store.close()
    assert states(store) == {1: "END"}


@in_loop
async def test_close_waits_for_requests_and_frees_all(base, put):
    put(1)
    async with serve(ModelConfig("m", base)) as store, held() as hold:
        request = asyncio.create_task(ask(store, hold=hold))
        await asyncio.sleep(0)
        close = asyncio.create_task(store.close())
        await until(lambda: states(store) == {1: "UNLOADING"})
        assert not close.done()
        hold.set()
        assert await request == 1
        await close
        assert states(store) == {1: "END"}
