"""What a person does with scikit-learn alone, from the CSV to the same metrics.

A program of its own: it imports nothing of the project, so that its start counts too.
"""

from __future__ import annotations

import ast
import json
import os
import sys

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score, label_ranking_average_precision_score, ndcg_score
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC


def main() -> None:
    """Prints the metrics on the test split, as one line of JSON."""
    papers = pd.read_csv(sys.argv[1]).drop_duplicates("titles")
    # The Keras example's rule: label sets that occur once can't be split.
    papers = papers[papers["terms"].map(papers["terms"].value_counts()) > 1]
    train, rest = train_test_split(papers, test_size=0.1, stratify=papers["terms"], random_state=0)
    _, test = train_test_split(rest, test_size=0.5, random_state=0)
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=153_000)
    binarizer = MultiLabelBinarizer()
    truth = binarizer.fit_transform(train["terms"].map(ast.literal_eval))
    known = set(binarizer.classes_)
    tested = binarizer.transform([set(ast.literal_eval(t)) & known for t in test["terms"]])
    svm = OneVsRestClassifier(LinearSVC(C=0.5, random_state=0), n_jobs=os.cpu_count())
    svm.fit(vectorizer.fit_transform(_texts(train)), truth)
    values = svm.decision_function(vectorizer.transform(_texts(test)))
    best = values.argmax(axis=1)
    metrics = {
        "micro_f1": f1_score(tested, values > 0, average="micro"),
        "macro_f1": f1_score(tested, values > 0, average="macro", zero_division=0),
        "lrap": label_ranking_average_precision_score(tested, values),
        "ndcg@5": ndcg_score(tested, values, k=5),
        "precision@1": tested[np.arange(len(tested)), best].mean(),
    }
    sys.stdout.write(json.dumps({name: float(value) for name, value in metrics.items()}) + "\n")


def _texts(papers: pd.DataFrame) -> pd.Series:
    return papers["titles"] + "\n" + papers["summaries"]


if __name__ == "__main__":
    main()
