"""Settings of Transform: which text is read and how it is weighted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schema.settings import Settings

ModelInput = Literal["title_and_abstract", "abstract"]
Punctuation = Literal["remove", "split"]
Weighting = Literal["keras", "sublinear_l2"]


class FeatureSettings(Settings):
    """How a paper's text becomes a weighted bag of n-grams.

    Attributes:
        input: What the model reads: the abstract, or title and abstract in one string.
        max_tokens: Columns of the TF-IDF matrix, the one for unknown n-grams included.
        punctuation: Whether punctuation is just removed, as TextVectorization does, or parts
            words: `few-shot` is one word or two.
        ngrams: Longest n-gram, in words.
        weighting: `keras` is count x log(1 + N / (1 + df)), as TextVectorization has it;
            `sublinear_l2` is (1 + log count) x (1 + log((1 + N) / (1 + df))), rows scaled to
            length one, as scikit-learn's TfidfVectorizer(sublinear_tf=True) has it.
        idf_power: Exponent of the second factor of `sublinear_l2`; below 1 rare n-grams weigh
            less.
    """

    input: ModelInput = "title_and_abstract"
    max_tokens: int = Field(default=153_338, ge=2)
    punctuation: Punctuation = "remove"
    ngrams: int = Field(default=2, ge=1, le=4)
    weighting: Weighting = "keras"
    idf_power: float = Field(default=1.0, ge=0.0, le=2.0)
