"""A store of small models to ask, for the tests of what it serves when."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time

import numpy as np
import pytest
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig

from serving.server.api.warm_up import play_warm_up
from serving.server.errors import ServingError
from serving.server.options import ServerOptions
from serving.server.store.model_versions import Loader
from serving.server.store.models import ModelStore


def in_loop(test):
    """Runs a test in an event loop of its own, and fails where it hangs."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


def config(name, base, policy=None, labels=None):
    return ModelConfig(
        name=name, base_path=str(base), model_version_policy=policy, version_labels=labels
    )


def make_store(*models, **flags):
    flags = {"max_num_load_retries": 0, "load_retry_interval_micros": 0, **flags}
    options = ServerOptions(**flags)
    return ModelStore(models, options, Loader(options, play_warm_up))


@contextlib.asynccontextmanager
async def serve(*models, **flags):
    store = make_store(*models, **{"file_system_poll_wait_seconds": 0, **flags})
    try:
        await store.start()
        yield store
    finally:
        await store.close()


@contextlib.asynccontextmanager
async def held():
    """Something to hold requests with; none is held for longer than the test."""
    hold = asyncio.Event()
    try:
        yield hold
    finally:
        hold.set()


def model_spec(name="m", version=None, label=None):
    spec = ModelSpec(name=name)
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label
    return spec


async def ask(store, name="m", version=None, label=None, hold=None):
    """What the model answers to 0: the number of the version that answered."""
    with store.lease(model_spec(name, version, label)) as servable:
        if hold is not None:
            await hold.wait()
        signature = servable.model.signatures["serving_default"]
        (y,) = await servable.runner.run(
            {signature.inputs["x"].name: np.zeros([1, 1], np.float32)},
            (signature.outputs["y"].name,),
            timeout=None,
        )
        return float(y[0, 0])


def find(store, *which):
    """The version that a request would get."""
    with store.lease(model_spec(*which)) as servable:
        return servable


def status(store, *which):
    return list(store.status(model_spec(*which)).model_version_status)


def states(store, name="m"):
    names = ModelVersionStatus.State
    return {each.version: names.Name(each.state) for each in status(store, name)}


async def until(condition):
    """Waits until something holds; within seconds, or the test fails."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.002)


def refusal(call, *args, **kwargs):
    with pytest.raises(ServingError) as error:
        call(*args, **kwargs)
    return error.value.code.name, error.value.message


async def failure(awaitable):
    with pytest.raises(ServingError) as error:
        await awaitable
    return error.value.code.name, error.value.message
