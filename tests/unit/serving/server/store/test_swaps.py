"""How one version of a model follows another, and which ones are refused."""

import asyncio
import itertools
import logging
import shutil

import pytest

from serving.server.config import ModelConfig
from serving.server.model.runners import BatchingOptions
from serving.server.store import loading
from serving.server.store.policy import Latest
from tests.support.model_store import (
    ask,
    held,
    in_loop,
    refusal,
    serve,
    states,
    until,
)


@in_loop
async def test_swaps_without_a_failed_request(base, put):
    """Requests without a pause, on one version after the other; back to an older one too."""
    put(1)
    async with serve(ModelConfig("m", base)) as store:
        answers, stop = [[] for _ in range(8)], asyncio.Event()

        async def client(own):
            while not stop.is_set():
                own.append(await ask(store))

        clients = [asyncio.create_task(client(own)) for own in answers]
        for version in (2, 3, 4):
            put(version)
            await store.poll_once()
            count = len(answers[0])
            await until(lambda count=count: len(answers[0]) > count)
        shutil.rmtree(base / "4")
        shutil.rmtree(base / "3")
        await store.poll_once()
        stop.set()
        await asyncio.gather(*clients)
        for own in answers:
            runs = [own[0]] + [new for old, new in itertools.pairwise(own) if new != old]
            assert runs[:4] == [1, 2, 3, 4]
            assert runs[4:] in ([], [1, 2], [2])
        await until(lambda: states(store) == {4: "END", 3: "END", 2: "AVAILABLE", 1: "END"})


@in_loop
async def test_the_old_version_answers_while_the_new_one_loads(base, put, gate):
    put(1)
    async with serve(ModelConfig("m", base)) as store:
        gate.open.clear()
        gate.reached.clear()
        put(2)
        poll = asyncio.create_task(store.poll_once())
        await until(gate.reached.is_set)
        for _ in range(20):
            assert await ask(store) == 1
        assert states(store) == {2: "LOADING", 1: "AVAILABLE"}
        assert refusal(store.get, "m", 2)[0] == "NOT_FOUND"
        assert not poll.done()
        gate.open.set()
        await poll
        assert await ask(store) == 2
        await until(lambda: states(store) == {2: "AVAILABLE", 1: "END"})


@in_loop
async def test_a_request_that_has_begun_ends_on_its_version(base, put):
    put(1)
    async with serve(ModelConfig("m", base)) as store, held() as hold:
        old = asyncio.create_task(ask(store, hold=hold))
        await until(lambda: store.get("m").in_use)
        put(2)
        await store.poll_once()  # does not wait for it
        assert states(store) == {2: "AVAILABLE", 1: "UNLOADING"}
        assert await ask(store) == 2
        assert refusal(store.get, "m", 1) == (
            "NOT_FOUND",
            "Servable not found for request: Specific(m, 1)",
        )
        hold.set()
        assert await old == 1
        await until(lambda: states(store) == {2: "AVAILABLE", 1: "END"})


@in_loop
async def test_a_model_is_freed_after_the_last_of_its_requests(base, put):
    put(1)
    async with serve(ModelConfig("m", base)) as store, held() as first, held() as second:
        servable, freed = store.get("m"), []
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
    async with serve(ModelConfig("m", base)) as store, held() as hold:
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
    options = BatchingOptions(max_batch_size=4, num_batch_threads=1)
    async with serve(ModelConfig("m", base), batching=options) as store:
        old = [asyncio.create_task(ask(store)) for _ in range(10)]
        await asyncio.sleep(0)
        put(2)
        await store.poll_once()
        assert await asyncio.gather(*old) == [1] * 10
        assert await ask(store) == 2


def break_without_graph(folder):
    (folder / "saved_model.pb").unlink()


def break_graph(folder):
    (folder / "saved_model.pb").write_bytes(b"\x00no proto\xff" * 99)


def break_variables(folder):
    (data,) = (folder / "variables").glob("variables.data*")
    data.write_bytes(data.read_bytes()[:-3])


def break_warm_up(folder):
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"no record" * 9)


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (break_without_graph, 5),
        (break_graph, None),
        (break_variables, None),
        (break_warm_up, 15),
    ],
)
@in_loop
async def test_a_broken_version_is_refused(base, put, loads, caplog, damage, code):
    put(1)
    async with serve(ModelConfig("m", base)) as store:
        damage(put(2, under=base.parent))
        (base.parent / "2").rename(base / "2")
        for _ in range(4):
            await store.poll_once()
            assert await ask(store) == 1
        refused, served = store.status("m")
        assert (refused.version, refused.state) == (2, "END")
        assert refused.code == code if code is not None else refused.code > 0
        assert refused.message
        assert served.state == "AVAILABLE"
        assert loads == ["1", "2"]  # not at each look
        errors = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
        assert len(errors) == 1
        assert errors[0].startswith("Servable {name: m version: 2} cannot be loaded: ")
        assert refused.message in errors[0]
        assert refusal(store.get, "m", 2)[0] == "NOT_FOUND"
        put(3)
        await store.poll_once()
        assert await ask(store) == 3
        await until(lambda: states(store) == {3: "AVAILABLE", 2: "END", 1: "END"})


@in_loop
async def test_a_version_that_was_still_being_copied_is_tried_again(base, put, saved_models, loads):
    put(1)
    async with serve(ModelConfig("m", base)) as store:
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
        assert store.status("m", 2)[0].message == ""


@in_loop
async def test_a_refused_version_put_again_is_tried_again(base, put, loads):
    put(1)
    async with serve(ModelConfig("m", base)) as store:
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
    async with serve(ModelConfig("m", base, Latest(2))) as store:
        put(2)
        (base / "3").mkdir()
        await store.poll_once()
        assert await ask(store) == 2
        await until(lambda: states(store) == {3: "END", 2: "AVAILABLE", 1: "END"})


@in_loop
async def test_an_unforeseen_error_of_a_load_refuses_the_version_only(base, put, monkeypatch):
    put(1)
    async with serve(ModelConfig("m", base)) as store:
        put(2)

        def fail(path):
            raise RuntimeError("out of the blue")

        monkeypatch.setattr(loading, "load_saved_model", fail)
        await store.poll_once()
        assert await ask(store) == 1
        (status,) = store.status("m", 2)
        assert (status.state, status.code) == ("END", 13)
        assert "out of the blue" in status.message
