"""What Beam sends to a worker is small; whether it arrives as it was, the other tests here see."""

from __future__ import annotations

import numpy as np
import pytest
from apache_beam.internal import cloudpickle_pickler, dill_pickler

from components.evaluator import extractors
from components.papers.paper_keys import paper_keys, write_train_keys


@pytest.mark.parametrize("pickler", [dill_pickler, cloudpickle_pickler])
def test_the_keys_of_the_last_model_do_not_travel(pickler, tmp_path):
    titles = [b"%d" % number for number in range(20_000)]
    write_train_keys(str(tmp_path), paper_keys(titles, titles))
    adder = extractors.AddPaperSlices(["cs.LG"], str(tmp_path))
    assert len(pickler.dumps(adder)) < 10_000
    there = pickler.loads(pickler.dumps(adder))
    features = {
        "titles": np.array([b"123"], object),
        "summaries": np.array([b"Words."], object),
        "terms": np.array([b"cs.LG"], object),
    }
    for each in (adder, there):
        each.setup()
    here_features, there_features = (
        each.process({"features": features})[0]["features"] for each in (adder, there)
    )
    assert here_features == there_features
    assert there_features["new_to_last_model"] == ["no"]
