"""How one version of a model follows another, and which ones are refused."""

import asyncio
import logging
import shutil
from pathlib import Path

import grpc
import pytest

from serving.server.store import model_versions
from serving.server.store.model_versions import fingerprint
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


@in_loop
async def test_the_old_version_answers_while_the_new_one_loads(base, put, gate):
    put(1)
    async with serve(config("m", base)) as store:
        gate.open.clear()
        gate.reached.clear()
        put(2)
        poll = asyncio.create_task(store.poll_once())
        await until(gate.reached.is_set)
        for _ in range(20):
            assert await ask(store) == 1
        assert states(store) == {2: "LOADING", 1: "AVAILABLE"}
        assert refusal(store.lease, model_spec("m", 2))[0] == "NOT_FOUND"
        assert not poll.done()
        gate.open.set()
        await poll
        assert await ask(store) == 2
        await until(lambda: states(store) == {2: "AVAILABLE", 1: "END"})


@in_loop
async def test_a_running_request_finishes_on_its_version(base, put):
    put(1)
    async with serve(config("m", base)) as store, held() as hold:
        old = asyncio.create_task(ask(store, hold=hold))
        await until(lambda: find(store).in_use)
        put(2)
        await store.poll_once()  # does not wait for it
        assert states(store) == {2: "AVAILABLE", 1: "UNLOADING"}
        assert await ask(store) == 2
        assert refusal(store.lease, model_spec("m", 1)) == (
            "NOT_FOUND",
            "Servable not found for request: Specific(m, 1)",
        )
        hold.set()
        assert await old == 1
        await until(lambda: states(store) == {2: "AVAILABLE", 1: "END"})


@in_loop
async def test_a_model_is_freed_after_the_last_of_its_requests(base, put):
    put(1)
    async with serve(config("m", base)) as store, held() as first, held() as second:
        servable, freed = find(store), []
        close = servable.model.close
        servable.model.close = lambda: (freed.append(servable.in_use), close())
        tasks = [asyncio.create_task(ask(store, hold=hold)) for hold in (first, second)]
        await asyncio.sleep(0)
        shutil.rmtree(base / "1")
        await store.poll_once()
        first.set()
        assert await tasks[0] == 1
        for _ in range(5):  # time enough to free it, if it were freed
            await store.poll_once()
        assert (freed, states(store)) == ([], {1: "UNLOADING"})
        tasks[1].cancel()  # as a client that hangs up
        await until(lambda: states(store) == {1: "END"})
        assert freed == [False]


@in_loop
async def test_a_version_wanted_again_while_it_unloads_comes_back(base, put, loads):
    put(1)
    async with serve(config("m", base)) as store, held() as hold:
        old = asyncio.create_task(ask(store, hold=hold))
        await asyncio.sleep(0)
        put(2)
        await store.poll_once()
        shutil.rmtree(base / "2")
        await store.poll_once()
        assert await ask(store) == 2  # until 1 is there again
        hold.set()
        await old
        await until(lambda: states(store)[1] == "END")
        await store.poll_once()
        assert await ask(store) == 1
        assert loads == ["1", "2", "1"]


@in_loop
async def test_requests_in_batches_survive_a_swap(base, put):
    put(1)
    async with serve(config("m", base), enable_batching=True) as store:
        old = [asyncio.create_task(ask(store)) for _ in range(10)]
        await asyncio.sleep(0)
        put(2)
        await store.poll_once()
        assert await asyncio.gather(*old) == [1] * 10
        assert await ask(store) == 2


def break_variables(folder):
    (data,) = (folder / "variables").glob("variables.data*")
    data.write_bytes(data.read_bytes()[:-3])


def break_warm_up(folder):
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"no record" * 9)


@pytest.mark.parametrize("damage", [break_variables, break_warm_up])
@in_loop
async def test_a_broken_version_is_refused(base, put, loads, caplog, damage):
    put(1)
    async with serve(config("m", base)) as store:
        damage(put(2, under=base.parent))
        (base.parent / "2").rename(base / "2")
        for _ in range(4):
            await store.poll_once()
            assert await ask(store) == 1
        assert states(store) == {2: "END", 1: "AVAILABLE"}
        error = status(store)[0].status
        assert error.error_code > 0
        assert loads == ["1", "2"]  # not at each look
        errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
        assert len(errors) == 1
        assert errors[0].startswith("Servable {name: m version: 2} cannot be loaded: ")
        assert error.error_message in errors[0]
        assert refusal(store.lease, model_spec("m", 2))[0] == "NOT_FOUND"
        put(3)
        await store.poll_once()
        assert await ask(store) == 3
        await until(lambda: states(store) == {3: "AVAILABLE", 2: "END", 1: "END"})


@in_loop
async def test_a_version_that_was_still_being_copied_is_tried_again(base, put, saved_models, loads):
    put(1)
    async with serve(config("m", base)) as store:
        (base / "2").mkdir()
        await store.poll_once()
        await until(lambda: states(store) == {2: "END", 1: "AVAILABLE"})
        shutil.copy(saved_models(2) / "saved_model.pb", base / "2")
        await store.poll_once()  # changed: it may still be changing
        shutil.copytree(saved_models(2), base / "2", dirs_exist_ok=True)
        await store.poll_once()  # changed again
        assert loads == ["1", "2"]
        await store.poll_once()
        assert await ask(store) == 2
        assert loads == ["1", "2", "2"]
        assert status(store)[0].status.error_message == ""


@in_loop
async def test_a_refused_version_put_again_is_tried_again(base, put, loads):
    put(1)
    async with serve(config("m", base)) as store:
        (base / "2").mkdir()
        await store.poll_once()
        (base / "2").rmdir()
        await store.poll_once()
        put(2)
        await store.poll_once()
        assert await ask(store) == 2


@in_loop
async def test_of_two_new_versions_the_broken_one_is_passed_over(base, put):
    put(1)
    async with serve(config("m", base, {"latest": {"num_versions": 2}})) as store:
        put(2)
        (base / "3").mkdir()
        await store.poll_once()
        assert await ask(store) == 2
        await until(lambda: states(store) == {3: "END", 2: "AVAILABLE", 1: "END"})


@in_loop
async def test_an_unforeseen_error_of_a_load_refuses_the_version_only(base, put, monkeypatch):
    put(1)
    async with serve(config("m", base)) as store:
        put(2)

        def fail(*_):
            raise RuntimeError("out of the blue")

        monkeypatch.setattr(model_versions, "load_saved_model", fail)
        await store.poll_once()
        assert await ask(store) == 1
        assert states(store) == {2: "END", 1: "AVAILABLE"}
        error = status(store)[0].status
        assert error.error_code == grpc.StatusCode.INTERNAL.value[0]
        assert "out of the blue" in error.error_message


@in_loop
async def test_a_version_whose_warm_up_fails_is_freed(base, put, monkeypatch):
    closed = []
    real = model_versions.load_saved_model

    def watch(path, *options):
        model = real(path, *options)
        close = model.close
        model.close = lambda: (closed.append(path.name), close())
        return model

    monkeypatch.setattr(model_versions, "load_saved_model", watch)
    put(1)
    async with serve(config("m", base)) as store:
        break_warm_up(put(2))
        await store.poll_once()
        assert await ask(store) == 1
        assert closed == ["2"]


@in_loop
async def test_a_version_that_cannot_be_loaded_is_tried_again(base, put, loads):
    """TF Serving's retrier.cc: it goes on loading until it is given up, or comes up."""
    options = {
        "max_num_load_retries": 2,
        "load_retry_interval_micros": 20_000,
        "file_system_poll_wait_seconds": 0.005,
    }
    (base / "4").mkdir()
    store = make_store(config("m", base), **options)
    code, message = await failure(store.start())
    assert (code, loads) == ("UNKNOWN", ["4"] * 3)
    assert message.startswith("1 servable(s) did not become available: {{{name: m version: 4} due")
    assert states(store) == {4: "END"}
    await store.close()
    put(3, under=base.parent / "other")
    (base.parent / "other" / "4").mkdir()
    store = make_store(config("m", base.parent / "other"), **options)
    start = asyncio.create_task(store.start())
    await until(lambda: len(loads) == 4)
    assert states(store) == {4: "LOADING"}
    # What is no longer wanted is not tried again, and another may serve.
    (base.parent / "other" / "4").rename(base.parent / "other" / "four")
    await start
    assert await ask(store) == 3
    assert states(store) == {4: "END", 3: "AVAILABLE"}
    await asyncio.sleep(0.05)
    assert loads == ["4"] * 4 + ["3"]
    await store.close()


def test_fingerprint_sees_each_change(tmp_path):
    (tmp_path / "variables").mkdir()
    data = tmp_path / "variables" / "data"
    seen = [fingerprint(tmp_path)]
    for content in (b"1", b"12"):
        data.write_bytes(content)
        seen.append(fingerprint(tmp_path))
    data.rename(data.with_name("index"))
    (tmp_path / "loop").symlink_to("loop")
    seen.append(fingerprint(tmp_path))
    assert len(set(seen)) == 4
    assert fingerprint(tmp_path) == seen[-1]
    assert {Path(path).name for path, _, _ in seen[-1]} == {"index"}
