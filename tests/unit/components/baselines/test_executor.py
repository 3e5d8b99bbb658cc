"""From raw examples on disk to the artifact and back."""

import dataclasses
import json

import numpy as np
import pytest
from tfx.types import standard_artifacts

from components.artifacts import BaselinesArtifact
from components.baselines.component import Executor
from components.baselines.results import BaselineScores, read_baselines, write_baselines
from components.baselines.scoring import score_baselines
from components.baselines.settings import BaselineSettings
from schema import names
from schema.errors import BadInputError
from tests.support.baseline_papers import made_papers, write_split

SPLITS = {
    names.TRAIN: made_papers(80, 0),
    names.VALIDATION: made_papers(30, 1),
    names.TEST: made_papers(25, 2),
}


def run(tmp_path, model_input="title_and_abstract", settings=None, **changed):
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    examples.split_names = json.dumps(list(names.SPLITS))
    for split, papers in {**SPLITS, **changed}.items():
        folder = tmp_path / "examples" / f"Split-{split}"
        write_split(folder, papers, title="radar radar radar", files=2)
    target = BaselinesArtifact()
    target.uri = str(tmp_path / "baselines")
    properties = {
        "settings": (settings or BaselineSettings()).model_dump_json(),
        "model_input": model_input,
        "source_digest": "x",
    }
    Executor().Do({"examples": [examples]}, {"baselines": [target]}, properties)
    return target.uri


def same(first, second):
    for field in dataclasses.fields(BaselineScores):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))


@pytest.mark.parametrize("model_input", ["abstract", "title_and_abstract"])
def test_component_keeps_what_the_functions_compute(tmp_path, model_input):
    found = read_baselines(run(tmp_path, model_input))
    title = "radar radar radar" if model_input == "title_and_abstract" else ""
    train, validation, test = (
        [dataclasses.replace(paper, title=title) for paper in papers] for papers in SPLITS.values()
    )
    expected = score_baselines(train, validation, test, BaselineSettings())
    assert list(found) == [each.name for each in expected]
    for each in expected:
        same(found[each.name], each)
        assert isinstance(found[each.name].scores, np.ndarray)
        assert found[each.name].scores.dtype == np.float32


def test_nothing_enabled_leaves_an_artifact_without_baselines(tmp_path):
    assert read_baselines(run(tmp_path, settings=BaselineSettings(enabled=()))) == {}


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_empty_split_is_refused_in_plain_words(tmp_path, split):
    with pytest.raises(BadInputError, match=rf"The {split} split holds no papers.*Add papers"):
        run(tmp_path, **{split: []})


def test_results_survive_odd_labels_and_are_matched_by_name(tmp_path):
    scores = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], np.float32)
    labels = ["é;机", 'a"b', "c"]
    kept = BaselineScores("frequent", labels, scores, 0.25, 7, {"micro_f1": 0.5, "lrap": 1.0})
    write_baselines(str(tmp_path / "new"), [kept])
    read = read_baselines(str(tmp_path / "new"))
    same(read["frequent"], kept)
    matched = read["frequent"].scores_for(["c", "unknown", "é;机"])
    np.testing.assert_array_equal(matched, scores[:, [2, 0, 0]] * np.array([1, 0, 1], np.float32))
    assert matched.dtype == np.float32
    assert read["frequent"].scores_for([]).shape == (2, 0)
