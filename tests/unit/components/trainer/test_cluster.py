"""The machines that train together, as TF_CONFIG describes them."""

import json

import pytest

from components.trainer.cluster import Cluster, read_cluster
from schema.errors import UsageError


def tf_config(task_type="worker", index=0, **cluster):
    return json.dumps({"cluster": cluster, "task": {"type": task_type, "index": index}})


@pytest.mark.parametrize(
    "value",
    [None, "", "{}", '{"environment": "cloud"}', tf_config("chief", chief=["a:1"], worker=[])],
)
def test_one_machine_is_not_a_cluster(value):
    assert read_cluster(value) is None


@pytest.mark.parametrize(
    ("kind", "index", "machines", "chief"),
    [
        ("chief", 0, {"chief": ["a:1"], "worker": ["b:1", "c:1"]}, True),
        ("worker", 0, {"chief": ["a:1"], "worker": ["b:1", "c:1"]}, False),
        ("worker", "1", {"chief": ["a:1"], "worker": ["b:1", "c:1"]}, False),
        ("worker", 0, {"worker": ["b:1", "c:1"]}, True),
        ("worker", 1, {"worker": ["b:1", "c:1"]}, False),
    ],
)
def test_one_machine_of_a_cluster_is_its_chief(kind, index, machines, chief):
    cluster = read_cluster(tf_config(kind, index, **machines))
    assert cluster == Cluster(machines, kind, int(index))
    assert cluster.is_chief is chief


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{", "can't be read"),
        ("[]", "can't be read"),
        ('{"cluster": {"worker": ["a:1", "b:1"]}}', "KeyError.*task"),
        (tf_config("worker", "first", worker=["a:1", "b:1"]), "can't be read"),
        (tf_config("ps", 0, worker=["a:1", "b:1"], ps=["c:1"]), "of type ps.*chief and worker"),
        (tf_config("worker", 2, worker=["a:1", "b:1"]), "is worker 2.*2 of that type"),
        (tf_config("worker", -1, worker=["a:1", "b:1"]), "is worker -1"),
        (tf_config("evaluator", 0, worker=["a:1", "b:1"]), "is evaluator 0.*0 of that type"),
    ],
)
def test_a_wrong_tf_config_is_refused_with_the_reason(value, message):
    with pytest.raises(UsageError, match=f"(?s)TF_CONFIG.*{message}"):
        read_cluster(value)
