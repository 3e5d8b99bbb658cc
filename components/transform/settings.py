"""Settings of Transform: what the model reads, and how n-grams are weighted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schema.settings import Settings

ModelInput = Literal["title_and_abstract", "abstract"]
Standardize = Literal["ascii", "unicode"]
Punctuation = Literal["remove", "split"]
Weighting = Literal["keras", "sublinear_l2"]


class FeatureSettings(Settings):
    """How a paper's text becomes a weighted bag of n-grams.

    Attributes:
        input: What the model reads: `title_and_abstract` joined, or the `abstract` alone.
        max_tokens: Columns of the TF-IDF matrix: the most frequent n-grams, and one column for all
            others.
        standardize: Which letters become lower case, and what is punctuation or white space:
            `ascii` is ASCII's alone, as in Keras's TextVectorization; `unicode` is that of all
            scripts. `unicode` also takes other spellings of the same letters for one, leaves out
            soft hyphens and the like, and makes a word of each sign, and of each character of
            scripts without spaces, such as Chinese, Japanese and Thai.
        punctuation: `remove` deletes punctuation, as Keras's TextVectorization does, so that
            `few-shot` is one word; `split` replaces it by a space, which makes it two.
        ngrams: Length of the longest n-gram, in words.
        weighting: `keras` is count x log(1 + N / (1 + df)), as in Keras's TextVectorization, for N
            papers of which df have the n-gram; `sublinear_l2` is
            (1 + log count) x (1 + log((1 + N) / (1 + df))), with each paper's weights scaled to
            length 1, as in scikit-learn's TfidfVectorizer(sublinear_tf=True).
        idf_power: Exponent of the second factor of `sublinear_l2`; below 1, rare n-grams weigh
            less.
        preprocessing_fn: Import path of a function of your own in place of all this, such as
            `package.module.function`; see docs/own_parts.md. null weighs n-grams.
    """

    input: ModelInput = "title_and_abstract"
    max_tokens: int = Field(default=153_338, ge=2)
    standardize: Standardize = "ascii"
    punctuation: Punctuation = "remove"
    ngrams: int = Field(default=2, ge=1, le=4)
    weighting: Weighting = "keras"
    idf_power: float = Field(default=1.0, ge=0.0, le=2.0)
    preprocessing_fn: str | None = None
