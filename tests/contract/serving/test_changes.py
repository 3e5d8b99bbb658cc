"""Versions that come and go, and configurations that change, while the server runs.

All tests share one server, each with models of its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import grpc
import pytest
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from tests.support.contract import targets
from tests.support.contract.api import (
    TIMEOUT,
    Client,
    array,
    floats,
    predict_request,
    refusal,
    wait_for,
)
from tests.support.contract.changing import KINDS, RESULTS, Callers, Changing
from tests.support.contract.served_models import Library, config, listing, write_config

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
FAILED = grpc.StatusCode.FAILED_PRECONDITION
# What takes the slow model most of a second.
SLOW = 1e5
# Served from the start, each at version 1: the tests change their folders.
STARTED = ("swapped", "busy", "broken", "empty", "rolled_back", "emptied", "left")


@pytest.fixture(scope="module")
def changing(startable: targets.Target, library: Library) -> Iterator[Changing]:
    base = library.folder / "changing"
    for name in STARTED:
        library.publish("slow" if name == "busy" else KINDS[1], base / name, 1)
    file = write_config(
        library.folder / "changing.config", listing(*(config(base, name) for name in STARTED))
    )
    flags = {"model_config_file": file, "file_system_poll_wait_seconds": 1}
    with targets.run_server(startable, library.folder, STARTED, flags) as server:
        client = Client(server.address)
        yield Changing(client, library, base, file, STARTED)
        client.close()


def test_a_new_version_takes_over_without_a_failed_request(changing):
    """availability_preserving_policy.h: the old version goes when the new one serves."""
    with changing.callers("swapped") as callers:
        wait_for(lambda: len(callers.results) > 20)
        changing.publish("swapped", 2)
        changing.wait_serving("swapped", 2)
        count = len(callers.results)
        wait_for(lambda: len(callers.results) > count + 20)
    assert callers.failures == []
    assert set(callers.results) == {RESULTS[1], RESULTS[2]}
    assert callers.results[-1] == RESULTS[2]
    # get_model_status.proto: an unloaded version is at its END.
    assert changing.client.wait_state("swapped", 1, "END").code == "OK"
    code, message = refusal(lambda: changing.result("swapped", version=1))
    assert (code, message) == (NOT_FOUND, "Servable not found for request: Specific(swapped, 1)")


def test_running_requests_end_on_the_version_that_they_began_on(changing):
    """servable_handle.h: what is in use is not unloaded.

    The requests follow upon one another, so that some run while the versions change.
    """
    request = predict_request("busy", {"x": floats(SLOW)})

    def call():
        return array(changing.client.prediction.Predict(request, TIMEOUT).outputs["y"]).item()

    with Callers(call, call, call) as callers:
        wait_for(lambda: callers.results)
        changing.publish("busy", 2)
        changing.wait_serving("busy", 2)
        wait_for(lambda: callers.results[-1] != SLOW)
    assert callers.failures == []
    assert set(callers.results) == {SLOW, SLOW / 2 + 3}


def test_a_broken_version_is_refused_and_the_old_one_goes_on(changing):
    """get_model_status.proto: an error is told; basic_manager.cc: the other version stays."""
    # As when a copy was cut off.
    broken = shutil.copytree(changing.base / "broken" / "1", changing.base / "broken.2.unready")
    file = broken / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:1000])
    with changing.callers("broken") as callers:
        broken.rename(changing.base / "broken" / "2")
        state = changing.client.wait_state("broken", 2, "END")
    assert callers.failures == []
    assert set(callers.results) == {RESULTS[1]}
    # env.cc ReadBinaryProto meets the end of the file.
    assert (state.code, state.message) == ("OUT_OF_RANGE", "Read less bytes than requested")
    assert changing.serving("broken") == {1}
    # The same over REST (api_rest.md, "Model status API").
    first, second = changing.client.get("broken").content["model_version_status"]
    assert (first["version"], first["state"]) == ("2", "END")
    assert first["status"]["error_code"] == state.code
    assert first["status"]["error_message"] == state.message
    assert (second["version"], second["state"]) == ("1", "AVAILABLE")


def test_a_version_without_a_model_is_refused(changing):
    """As TF Serving 2.16 answers: NOT_FOUND."""
    (changing.base / "empty" / "2").mkdir()
    state = changing.client.wait_state("empty", 2, "END")
    assert state.code == "NOT_FOUND"
    assert state.message == (
        "Specified file path does not appear to contain a SavedModel bundle (should have a file "
        f"called `saved_model.pb`)\nSpecified file path: {changing.base / 'empty' / '2'}"
    )
    assert changing.result("empty") == RESULTS[1]


def test_where_the_newest_version_is_removed_the_older_one_is_back(changing):
    """file_system_storage_path_source.cc: what is not there is not aspired."""
    changing.publish("rolled_back", 2)
    changing.wait_serving("rolled_back", 2)
    with changing.callers("rolled_back") as callers:
        changing.remove("rolled_back", 2)
        changing.wait_serving("rolled_back", 1)
        wait_for(lambda: callers.results and callers.results[-1] == RESULTS[1])
    assert callers.failures == []


def test_where_all_versions_are_removed_none_serves_until_one_comes(changing):
    """file_system_storage_path_source.cc: unloads all (servable_versions_always_present)."""
    changing.remove("emptied", 1)
    assert changing.client.wait_state("emptied", 1, "END").code == "OK"
    code, message = refusal(lambda: changing.result("emptied"))
    assert (code, message) == (NOT_FOUND, "Servable not found for request: Latest(emptied)")
    changing.publish("emptied", 3)
    changing.wait_serving("emptied", 3)
    assert changing.result("emptied") == RESULTS[3]


def test_only_folders_with_numbers_are_versions(changing):
    """file_system_storage_path_source.cc IndexChildrenByVersion; and no polling of the file.

    The configuration is read when the server starts (testModelConfigReloadWithZeroPollPeriod of
    tensorflow_model_server_test.py): by the time that a new version serves, it would have been
    read again.
    """
    base = changing.base / "left"
    for name in ("beta", "5.tmp", "-7", "v9"):
        shutil.copytree(base / "1", base / name)
    write_config(changing.file, listing(config(changing.base, "left")))
    changing.publish("left", 2)
    changing.wait_serving("left", 2)
    assert set(changing.client.status(name="left")) == {1, 2}
    assert changing.result("swapped") in RESULTS.values()


def test_a_reload_adds_and_removes_models(changing):
    """serving_config.md, "Reloading Model Server Configuration": it and only it is realized."""
    changing.publish("added", 1)
    changing.reload(config(changing.base, "added"))
    # server_core.cc: it waits for new models.
    assert changing.result("added") == RESULTS[1]
    without = listing(
        *(
            each
            for each in changing.configuration().model_config_list.config
            if each.name != "added"
        )
    )
    changing.client.reload(without)
    wait_for(lambda: not changing.serving("added"))
    code, message = refusal(lambda: changing.result("added"))
    assert (code, message) == (NOT_FOUND, "Servable not found for request: Latest(added)")
    changing.reload(config(changing.base, "added"))
    wait_for(lambda: changing.serving("added") == {1})
    assert changing.result("added") == RESULTS[1]


def test_versions_are_served_by_policy(changing):
    """serving_config.md, "Serving a Specific Version"; file_system_storage_path_source.proto."""
    for version in RESULTS:
        changing.publish("policies", version)
    changing.reload(config(changing.base, "policies"))
    for choice, versions in (
        ({}, {3}),
        ({"versions": [1]}, {1}),
        ({"versions": [1, 3]}, {1, 3}),
        ({"latest": 2}, {2, 3}),
        ({"every": True}, {1, 2, 3}),
    ):
        changing.reload(config(changing.base, "policies", **choice))
        changing.wait_serving("policies", *versions)
        # model.proto: without a version, the highest.
        assert changing.result("policies") == RESULTS[max(versions)]
        for version in versions:
            assert changing.result("policies", version=version) == RESULTS[version]
            assert changing.rest_result(f"policies/versions/{version}") == RESULTS[version]


def test_labels_route_and_can_be_moved(changing):
    """serving_config.md, "Assigning String Labels to Model Versions"."""
    for version in (1, 2):
        changing.publish("labels", version)

    def served(**labels):
        return config(changing.base, "labels", versions=[1, 2], labels=labels)

    def routed(label):
        over_rest = changing.rest_result(f"labels/labels/{label}")
        assert over_rest == changing.result("labels", label=label)
        return over_rest

    changing.reload(served())
    changing.wait_serving("labels", 1, 2)
    changing.reload(served(stable=1, canary=2))
    assert (routed("stable"), routed("canary")) == (RESULTS[1], RESULTS[2])
    changing.reload(served(stable=2, canary=2))
    assert (routed("stable"), routed("canary")) == (RESULTS[2], RESULTS[2])
    changing.reload(served(stable=1))
    assert routed("stable") == RESULTS[1]
    code, message = refusal(lambda: changing.result("labels", label="canary"))
    assert (code, message) == (INVALID, "Unrecognized servable version label: canary")
    # A label must point to a version that serves; the labels stay as they were.
    refused = refusal(
        lambda: changing.client.reload(changing.configuration(served(stable=777, canary=2)))
    )
    assert refused == (
        FAILED,
        "Request to assign label to version 777 of model labels, "
        "which is not currently available for inference",
    )
    assert routed("stable") == RESULTS[1]
    assert changing.client.post("labels/labels/canary:predict", {"instances": [2.0]}).status == 400


def test_configurations_that_are_refused(changing):
    """server_core.cc ValidateModelConfigList and GetPlatform; model_service_impl.cc."""
    swapped, both = (config(changing.base, "swapped") for _ in range(2))
    both.model_type = 1
    nameless = config(changing.base, "swapped", platform="")
    other = config(changing.base, "other", platform="caffe")
    ending = "ModelServerConfig::model_platform, model name is swapped"
    for made, words in (
        (listing(swapped, swapped), "Illegal to list model swapped multiple times in config list"),
        (ModelServerConfig(), "ServerModelConfig type not supported by HandleReloadConfigRequest."),
        (listing(nameless), f"nor {ending}"),
        (listing(both), f"and {ending}"),
        (changing.configuration(other), "Model other requests unsupported platform caffe"),
    ):
        code, message = refusal(lambda made=made: changing.client.reload(made))
        assert (code, words in message) == (INVALID, True), message
    assert changing.result("swapped") in RESULTS.values()
    changing.reload()
