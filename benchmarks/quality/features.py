"""TF-IDF features of the study: the product's formulas by scikit-learn, and some it lacks."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from components.papers.raw_paper import RawPaper
from schema import names

Matrix: TypeAlias = scipy.sparse.csr_matrix

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SPACE: Final = re.compile("[ \t\n\v\f\r]+")
_TITLE_COLUMNS: Final = 15_000
_CHARACTER_COLUMNS: Final = 50_000


@dataclass(frozen=True)
class Features:
    """What the network reads.

    Attributes:
        max_tokens: Columns of the word n-grams.
        ngrams: Longest word n-gram.
        frequency: Whether the most frequent n-grams are kept by count or by papers.
        words: Whether punctuation is removed, parts words, or parts words that then lose a
            plural s.
        idf_power: As in FeatureSettings.
        block: A second block of columns: n-grams of the title alone, or of 3 to 5 characters
            within words.
        title_twice: Whether the title stands before the text twice.
    """

    max_tokens: int = 153_337
    ngrams: int = 2
    frequency: Literal["count", "papers"] = "count"
    words: Literal["remove", "split", "stem"] = "remove"
    idf_power: float = 1.0
    block: Literal["none", "title", "characters"] = "none"
    title_twice: bool = False


def vectorize(splits: dict[str, list[RawPaper]], features: Features) -> dict[str, Matrix]:
    """Computes the features of every split, float32 [n, V]; the vocabulary is of training."""
    words = _analyzer(features)
    column = _Vectorizer(words, features.max_tokens, features.frequency, features.idf_power)
    texts = {name: [_text(paper, features) for paper in papers] for name, papers in splits.items()}
    matrices = column.fit_transform(texts)
    if features.block == "none":
        return matrices
    if features.block == "title":
        size, analyzer, share = _TITLE_COLUMNS, words, 0.2
        texts = {name: [paper.title for paper in papers] for name, papers in splits.items()}
    else:
        size, analyzer, share = _CHARACTER_COLUMNS, _characters, 0.5
    second = _Vectorizer(analyzer, size, "papers", features.idf_power).fit_transform(texts)
    return {
        name: scipy.sparse.hstack(
            [matrices[name] * np.sqrt(1 - share), second[name] * np.sqrt(share)], dtype=np.float32
        ).tocsr()
        for name in matrices
    }


class _Vectorizer:
    """Sublinear TF-IDF with rows of length one, as the product's `sublinear_l2`."""

    def __init__(
        self,
        analyzer: Callable[[str], list[str]],
        size: int,
        frequency: Literal["count", "papers"],
        idf_power: float,
    ) -> None:
        self._analyzer, self._size = analyzer, size
        self._frequency, self._power = frequency, idf_power

    def fit_transform(self, texts: Mapping[str, Sequence[str]]) -> dict[str, Matrix]:
        counter = CountVectorizer(analyzer=self._analyzer, dtype=np.float32)
        counts = counter.fit_transform(texts[names.TRAIN])
        papers = np.bincount(counts.indices, minlength=counts.shape[1])
        rank = np.asarray(counts.sum(axis=0)).ravel() if self._frequency == "count" else papers
        kept = np.sort(np.argsort(-rank, kind="stable")[: self._size])
        idf = (1 + np.log((1 + counts.shape[0]) / (1 + papers[kept]))) ** self._power
        matrices = {names.TRAIN: _weigh(counts[:, kept], idf)}
        for name, others in texts.items():
            if name != names.TRAIN:
                matrices[name] = _weigh(counter.transform(others)[:, kept], idf)
        return matrices


def _weigh(counts: Matrix, idf: NDArray[np.float64]) -> Matrix:
    weights = counts.tocsr().astype(np.float64)
    weights.data = 1 + np.log(weights.data)
    weights = weights.multiply(idf).tocsr()
    lengths = np.sqrt(np.asarray(weights.multiply(weights).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    return scipy.sparse.diags(1 / lengths).dot(weights).tocsr().astype(np.float32)


def _text(paper: RawPaper, features: Features) -> str:
    return f"{paper.title}\n{paper.text}" if features.title_twice else paper.text


def _analyzer(features: Features) -> Callable[[str], list[str]]:
    marks = str.maketrans(
        dict.fromkeys(string.punctuation, "" if features.words == "remove" else " ")
    )

    def analyze(text: str) -> list[str]:
        words = [word for word in _SPACE.split(text.translate(_LOWER).translate(marks)) if word]
        if features.words == "stem":
            words = [_singular(word) for word in words]
        found = list(words)
        for length in range(2, features.ngrams + 1):
            starts = range(len(words) - length + 1)
            found += [" ".join(words[start : start + length]) for start in starts]
        return found

    return analyze


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _characters(text: str) -> list[str]:
    marks = str.maketrans(dict.fromkeys(string.punctuation, " "))
    found = []
    for word in text.translate(_LOWER).translate(marks).split():
        padded = f" {word} "
        for length in (3, 4, 5):
            starts = range(len(padded) - length + 1)
            found += [padded[start : start + length] for start in starts]
    return found
