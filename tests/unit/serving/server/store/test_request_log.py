from __future__ import annotations

import httpx
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tensorflow_serving.config.logging_config_pb2 import LoggingConfig

from serving.server.store.request_log import RequestLog
from tests.support.running_server import running, two_models


def records(folder):
    paths = [str(path) for path in folder.glob("asked-*.tfrecord")]
    return list(map(PredictionLog.FromString, tf.data.TFRecordDataset(paths).as_numpy_iterator()))


def test_a_server_logs_requests_with_their_answers(tmp_path):
    options = two_models(tmp_path)
    config, folder = options.model_config_file, tmp_path / "logs"
    log = f"""logging_config {{ sampling_config {{ sampling_rate: 1 }}
              log_collector_config {{ type: "tfrecord" filename_prefix: "{folder}/asked" }} }}"""
    config.write_text(config.read_text().replace('name: "tagger"', f'name: "tagger" {log}'))
    with running(options) as server:

        def ask(model, body):
            return httpx.post(f"{server.rest_url}/v1/models/{model}:predict", json=body)

        # Neither what fails nor another model's requests are logged.
        assert ask("tagger", {"inputs": {"text": [1]}}).status_code == 400
        assert ask("half", {"instances": [1.0]}).status_code == 200
        answer = ask("tagger", {"inputs": {"text": ["cs.LG", "Größe"]}}).json()["outputs"]
    (logged,) = (record.predict_log for record in records(folder))
    spec = logged.request.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (
        "tagger",
        123,
        "serving_default",
    )
    texts = tf.make_ndarray(logged.request.inputs["text"])
    assert [text.decode() for text in texts] == ["cs.LG", "Größe"]
    labels, suggested = (
        tf.make_ndarray(logged.response.outputs[name]) for name in ("labels", "suggested")
    )
    assert [[label.decode() for label in row] for row in labels] == answer["labels"]
    assert suggested.tolist() == answer["suggested"]


def add_requests(prefix, rate):
    config = LoggingConfig()
    config.log_collector_config.filename_prefix = str(prefix)
    config.sampling_config.sampling_rate = rate
    log = RequestLog(config)
    for _ in range(200):
        log.add(ModelSpec(name="m"), {"x": np.zeros([1], np.float32)}, {})
    log.close()


# By the binomial distribution all but one run in a million.
@pytest.mark.parametrize(("rate", "least", "most"), [(0, 0, 0), (0.5, 65, 135), (1, 200, 200)])
def test_a_share_of_the_requests_is_logged(tmp_path, rate, least, most):
    add_requests(tmp_path / "asked", rate)
    assert least <= len(records(tmp_path)) <= most


def test_a_disk_that_takes_no_log_stops_no_request(tmp_path, caplog):
    (tmp_path / "file").touch()
    add_requests(tmp_path / "file" / "asked", 1)
    assert "Requests are no longer logged to" in caplog.text
