"""Everything of ours that Beam sends to a worker arrives there as it was."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from apache_beam.internal import cloudpickle_pickler, dill_pickler
from apache_beam.pvalue import TaggedOutput

from components.evaluator import extractors
from components.evaluator.tfma_metrics import BaselineCombiner, CandidateCombiner
from components.example_gen import curation
from components.example_gen.combiners import Concatenate
from components.example_gen.outputs import Destination
from components.example_gen.settings import DataSettings
from components.papers.paper_keys import paper_keys, write_train_keys
from components.transform import counting
from components.transform.vocabulary import KeepMostFrequent, MergeCounts
from schema import names
from tests.support.curation_oracle import noisy_rows, to_csv
from tests.support.evaluator_splits import random_split
from tests.unit.components.evaluator.test_tfma_metrics import inputs

SETTINGS = DataSettings(seed=3, test_share=0.2)
PICKLERS = pytest.mark.parametrize("pickler", [dill_pickler, cloudpickle_pickler])
FIRST, SECOND = (
    curation._PAPER.pack(index, 7, bytes([9 - index]) * 16, 2**60, bytes([index] * 8))
    for index in range(2)
)
TABLE = pa.table(
    [[7, 8, 7], [0, 0, 0], [b"a", b"b", b"a"], [1, 2, 3], [1, 1, 1]], schema=counting.TABLE
)
SPLIT = random_split(40, 6, seed=4)


def plain(outputs):
    return [
        (output.tag, output.value) if isinstance(output, TaggedOutput) else output
        for output in outputs
    ]


def round_trip(thing, pickler):
    return pickler.loads(pickler.dumps(thing))


@PICKLERS
def test_steps_that_read_and_write_files(pickler, tmp_path):
    source = tmp_path / "a.csv"
    source.write_bytes(to_csv(noisy_rows(60, seed=2)))
    found = []
    for folder in (tmp_path / "here", tmp_path / "there"):
        folder.mkdir()
        splits = {split: str(folder / split) for split in names.SPLITS}
        where = Destination(str(folder), splits, str(folder))
        steps = [curation._Survey(SETTINGS, where), curation._Write(SETTINGS, where)]
        if folder.name == "there":
            steps = [round_trip(step, pickler) for step in steps]
        survey, write = steps
        papers = plain(survey.process((0, str(source)), left_out=[]))
        label_sets = {curation._PAPER.unpack(packed)[2] for _, packed in papers[:30]}
        bounds = b"".join(curation._BOUNDS.pack(key, 2**60, 2**62) for key in label_sets)
        counted = plain(
            write.process(
                (0, str(source)), repeats={0: bytes(8)}, bounds=bounds, faults=[], left_out=[]
            )
        )
        files = {path.name: path.read_bytes() for path in folder.rglob("*.gz")}
        found.append((papers, counted, files))
    assert found[0] == found[1]
    assert all(found[0])


@PICKLERS
@pytest.mark.parametrize(
    ("step", "element"),
    [
        (curation._KeepFirst(), (b"key", [SECOND, FIRST, SECOND])),
        (curation._FindBounds(SETTINGS), (bytes(16), bytes(range(80)))),
    ],
)
def test_steps(step, element, pickler):
    answer = plain(step.process(element))
    assert plain(round_trip(step, pickler).process(element)) == answer
    assert len(answer) > 2


@PICKLERS
@pytest.mark.parametrize(
    ("combiner", "elements"),
    [
        (Concatenate(), [b"12", b"3", b"45"]),
        (MergeCounts(1), [TABLE, TABLE.slice(1, 1)]),
        (KeepMostFrequent(2), [TABLE.slice(0, 2), TABLE.slice(2, 1)]),
        (BaselineCombiner("m"), inputs(SPLIT, "m")),
        (CandidateCombiner("m"), inputs(SPLIT, "m")),
    ],
)
def test_combiners_and_what_they_send(combiner, elements, pickler):
    def combine(combiner, send):
        parts = []
        for half in (elements[::2], elements[1::2]):
            accumulator = combiner.create_accumulator()
            for element in half:
                accumulator = combiner.add_input(accumulator, send(element))
            parts.append(send(combiner.compact(accumulator)))
        return combiner.extract_output(combiner.merge_accumulators(parts))

    expected = combine(combiner, lambda value: value)
    sent = combine(round_trip(combiner, pickler), lambda value: pickle.loads(pickle.dumps(value)))
    np.testing.assert_equal(_comparable(sent), _comparable(expected))


def _comparable(value):
    # Arrow's threads may return groups in any order.
    return value.sort_by("hash").to_pydict() if isinstance(value, pa.Table) else value


@PICKLERS
def test_the_keys_of_the_last_model_do_not_travel(pickler, tmp_path):
    titles = [b"%d" % number for number in range(20_000)]
    write_train_keys(str(tmp_path), paper_keys(titles, titles))
    adder = extractors.AddPaperSlices(["cs.LG"], str(tmp_path))
    adder.setup()
    assert len(pickler.dumps(extractors.AddPaperSlices(["cs.LG"], str(tmp_path)))) < 10_000
    there = round_trip(extractors.AddPaperSlices(["cs.LG"], str(tmp_path)), pickler)
    there.setup()
    features = {
        "titles": np.array([b"123"], object),
        "summaries": np.array([b"Words."], object),
        "terms": np.array([b"cs.LG"], object),
    }
    (here_features,), (there_features,) = (
        each.process({"features": features}) for each in (adder, there)
    )
    assert here_features == there_features
    assert there_features["features"]["new_to_last_model"] == ["no"]
