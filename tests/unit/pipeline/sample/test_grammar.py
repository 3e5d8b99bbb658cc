"""Articles, plurals and capitals."""

import pytest

from pipeline.sample.grammar import in_title_case, plural_of
from schema.words import article as article_of


@pytest.mark.parametrize(
    ("phrase", "article", "plural"),
    [
        ("ontology", "an ontology", "ontologies"),
        ("mixture of experts", "a mixture of experts", "mixtures of experts"),
        ("locality-sensitive hash", "a locality-sensitive hash", "locality-sensitive hashes"),
        ("U-statistic", "a U-statistic", "U-statistics"),
        ("user embedding", "a user embedding", "user embeddings"),
        ("unrolled iterative solver", "an unrolled iterative solver", "unrolled iterative solvers"),
        ("reduced basis", "a reduced basis", "reduced bases"),
        ("survey", "a survey", "surveys"),
    ],
)
def test_articles_and_plurals(phrase, article, plural):
    assert f"{article_of(phrase)} {phrase}" == article
    assert plural_of(phrase) == plural


def test_title_case_leaves_small_words_and_coined_names():
    title = "TarNet: an approach to label noise in the wild"
    assert in_title_case(title) == "TarNet: an Approach to Label Noise in the Wild"
