"""The text of the sample's papers."""

import itertools

from pipeline.sample.paper import write_paper
from pipeline.sample.seeded_random import SeededRandom
from pipeline.sample.words import load_words


def _papers(count):
    rng, sets = SeededRandom(0), load_words().common_sets
    return [write_paper(sets[number % len(sets)], rng) for number in range(count)]


def test_no_slot_is_left_and_every_sentence_is_used():
    text = " ".join(f"{title} {' '.join(abstract.split())}" for title, abstract in _papers(2_000))
    assert "<" not in text.replace("p < 0.05", "")
    everything = text.lower()
    for kind in load_words().kinds.values():
        lists = [sentences for step in kind["steps"] for sentences in step.values()]
        for template in itertools.chain(*lists):
            literal = max(template.replace(">", "<").split("<")[::2], key=len)
            assert literal.lower() in everything


def test_an_abstract_does_not_repeat_itself():
    for _, abstract in _papers(500):
        sentences = " ".join(abstract.split()).split(". ")
        assert len(set(sentences)) == len(sentences)


def test_neighbours_are_the_topics_that_share_a_label_set():
    words = load_words()
    assert "imaging" in words.neighbours("cs.CV")
    assert "vision" not in words.neighbours("cs.CV")
    assert set(words.neighbours("eess.AS")) == {"learning", "language"}
    assert words.neighbours("stat.TH").count("learning") == 1
