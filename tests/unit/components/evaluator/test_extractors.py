"""The features that the extractor adds to an example."""

from __future__ import annotations

import pickle
import tempfile

import numpy as np
import pytest
from tensorflow_model_analysis.extractors.slice_key_extractor import ExtractSliceKeysFn
from tensorflow_model_analysis.slicer import slicer_lib as slicer

from components.evaluator import extractors
from components.evaluator.eval_config import make_eval_config
from components.evaluator.settings import GateSettings
from components.papers.paper_keys import paper_keys, write_train_keys

VOCABULARY = ["cs.LG", "stat.ML", "cs.CV", "math.OC"]


def extracts(title="A title", terms=("cs.LG",), abstract="Words."):
    return {
        "features": {
            "titles": np.array([title.encode()], object),
            "summaries": np.array([abstract.encode()], object),
            "terms": np.array([term.encode() for term in terms], object),
        },
        "labels": "untouched",
    }


def added(given, seen=None):
    """Where `seen` is None there is no last model; "none kept" is one without titles."""
    with tempfile.TemporaryDirectory() as folder:
        if seen is not None and not isinstance(seen, str):
            write_train_keys(folder, seen)
        adder = extractors.AddPaperSlices(VOCABULARY, None if seen is None else folder)
        # As Beam does on every worker.
        adder = pickle.loads(pickle.dumps(adder))
        adder.setup()
        (found,) = adder.process(given)
    return found


def keys_of(*papers):
    """The keys of papers, given as title and abstract; sorted, as they are kept."""
    titles, abstracts = zip(*papers, strict=True)
    return np.sort(paper_keys([t.encode() for t in titles], [a.encode() for a in abstracts]))


def is_new(title, seen, abstract="Words."):
    (value,) = added(extracts(title, abstract=abstract), seen)["features"]["new_to_last_model"]
    return value


def test_the_slices_lie_beside_the_raw_features():
    given = extracts(terms=("math.OC", "größe"), abstract="one two " * 60)
    before = {**given["features"]}
    found = added(given)
    assert found["labels"] == "untouched"
    features = found["features"]
    assert {name: features.pop(name).tolist() for name in [*features] if name not in before} == {
        "archive": ["math"],
        "number_of_labels": ["2"],
        "abstract_words": ["100 to 149"],
        "rarest_label": ["rare"],
        "new_to_last_model": ["yes"],
    }
    assert features == before
    # Beam forbids a change of what came in.
    assert given["features"] == before


def test_the_last_model_may_tell_papers_apart_by_title_and_text():
    seen = np.sort(paper_keys([b"A title"], [b"Words."], by_title=False))
    assert is_new("A title", seen) == "no"
    assert is_new("A title", seen, abstract="Other words.") == "yes"


def test_labels_left_out_are_true_labels():
    given = extracts(terms=("cs.LG",))
    given["features"]["left_out_terms"] = np.array([b"rare 1", b"rare 2"], object)
    features = added(given)["features"]
    assert features["number_of_labels"].tolist() == ["3"]
    assert features["rarest_label"].tolist() == ["rare"]


def test_a_title_is_new_unless_the_last_model_was_trained_on_it():
    keys = keys_of(*((title, "Other words.") for title in ("Größe", "A title", "A  title")))
    assert is_new("A title", keys) == "no"
    assert is_new("A  title", keys) == "no"
    assert is_new("Größe", keys) == "no"
    assert is_new("a title", keys) == "yes"
    assert is_new("Another", keys) == "yes"


@pytest.mark.parametrize("seen", [None, "none kept", np.zeros(0, np.int64)])
def test_without_known_titles_every_paper_is_new(seen):
    assert is_new("A title", seen) == "yes"


@pytest.mark.parametrize("number", range(20))
def test_the_highest_and_the_lowest_key_are_found(number):
    keys = keys_of(*((str(i), "") for i in range(20)))
    assert is_new(str(number), keys) == "no"


def test_tfma_makes_its_slices_of_them():
    config = make_eval_config(GateSettings())
    specs = [slicer.SingleSliceSpec(spec=spec) for spec in config.slicing_specs]
    for seen, compared in ((None, True), (keys_of(("A title", "")), False)):
        ours = added(extracts(), seen)
        (found,) = ExtractSliceKeysFn(config, materialize=False).process(ours, specs)
        keys = set(found["_slice_key_types"].tolist())
        expected = {
            (),
            (("archive", "cs"),),
            (("number_of_labels", "1"),),
            (("abstract_words", "under 100"),),
            (("rarest_label", "frequent"),),
        }
        assert keys == expected | ({(("new_to_last_model", "yes"),)} if compared else set())
