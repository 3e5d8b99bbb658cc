"""What the curation must give, derived another way: pandas, and the split rule spelled out."""

from __future__ import annotations

import ast
import collections
import csv
import hashlib
import io
import math
import random
import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import pandas as pd

from components.example_gen.settings import DataSettings
from components.papers.raw_paper import RawPaper


def pandas_papers(path: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The Keras example's steps: read, drop repeated titles, drop label sets that occur once."""
    frame = pd.read_csv(path, keep_default_na=False)
    unique = frame[~frame["titles"].duplicated()]
    kept = unique.groupby("terms").filter(lambda group: len(group) > 1)
    return frame, unique, kept.sort_index()


def pandas_counts(
    frame: pd.DataFrame, unique: pd.DataFrame, kept: pd.DataFrame, splits: pd.Series
) -> dict[str, int]:
    """The counts of `CurationReport`, from what `pandas_papers` returns and the papers' splits."""
    values, train = unique["terms"].value_counts(), kept[splits == "train"]
    first = frame.groupby("titles")["summaries"].transform("first")
    return {
        "rows_read": len(frame),
        "dead_letters": 0,
        "repeats": len(frame) - len(unique),
        "other_texts": int((first != frame["summaries"]).sum()),
        "unlabelled": 0,
        "after_dedup": len(unique),
        "label_sets": len(values),
        "label_sets_once": int((values == 1).sum()),
        "label_set_rows_dropped": len(unique) - len(kept),
        "kept": len(kept),
        "unlabelled_kept": 0,
        **{split: int((splits == split).sum()) for split in ("train", "val", "test")},
        "labels": len({label for value in train["terms"] for label in labels_of(value)}),
        "labels_left_out": 0,
        "several_labels": int((frame["terms"].map(labels_of).str.len() > 1).sum()),
        "distinct_words_train": distinct_words(train["summaries"]),
    }


def labels_of(value: str) -> tuple[str, ...]:
    """The example's parse; white space inside a label is one space in ours."""
    return tuple(dict.fromkeys(" ".join(label.split()) for label in ast.literal_eval(value)))


def distinct_words(texts: pd.Series) -> int:
    """The example's own size of its vocabulary."""
    vocabulary: set[str] = set()
    texts.str.lower().str.split().apply(vocabulary.update)
    return len(vocabulary)


def naive_split(
    titles: Iterable[str],
    values: Iterable[str],
    seed: int = 0,
    test: float = 0.05,
    validation: float = 0.05,
) -> dict[str, str]:
    """The split of each title, by sorting whole label sets in memory."""
    key = hashlib.blake2b(str(seed).encode(), digest_size=32).digest()

    def hashed(value: bytes, person: bytes) -> int:
        digest = hashlib.blake2b(value, digest_size=8, key=key, person=person).digest()
        return int.from_bytes(digest, "big")

    members = collections.defaultdict(list)
    for title, value in zip(titles, values, strict=True):
        members[value].append(title)
    result = {}
    for value, papers in members.items():
        name = hashlib.blake2b(value.encode(), digest_size=16, person=b"label set").digest()
        u = (hashed(name, b"offset") >> 11) / 2**53
        papers = sorted(papers, key=lambda title: hashed(title.encode(), b"order"))
        first, second = (math.floor(share * len(papers) + u) for share in (test, test + validation))
        for place, title in enumerate(papers):
            result[title] = "test" if place < first else "val" if place < second else "train"
    return result


def noisy_rows(count: int, seed: int) -> list[tuple[str, str, str]]:
    """Rows with repeats, label sets seen once, many-line quoted text, LaTeX and non-ASCII."""
    rng = random.Random(seed)
    words = ["graph", "Graph", "naïve", "$\\alpha_{1}$", 'a "quoted" word', "x,y", "漢字", "σ²"]
    labels = ["cs.LG", "cs.CV", "stat.ML", "I.2.6; I.2.10", "68T45 (Machine\n  learning)"]
    rows: list[tuple[str, str, str]] = []
    for number in range(count):
        if rows and rng.random() < 0.2:
            title = rng.choice(rows)[0]
        else:
            title = f"{rng.choice(words)} {number}"
        text = "\n".join(
            " ".join(rng.choices(words, k=6)) + f" w{rng.randrange(count)}"
            for _ in range(rng.randint(1, 4))
        )
        chosen = rng.sample(labels, k=rng.choice([1, 1, 1, 2, 3]))
        if rng.random() < 0.05:
            chosen.append(f"rare.{number}")
        rows.append((title, text, repr(chosen)))
    return rows


def to_csv(
    rows: Iterable[Sequence[str]], header: Sequence[str] = ("titles", "summaries", "terms")
) -> bytes:
    """The bytes of a CSV file with these rows."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([header, *rows])
    return buffer.getvalue().encode()


class Curated(NamedTuple):
    """What must come of rows: the counts of `CurationReport`, and the papers of each split."""

    counts: dict[str, int]
    papers: dict[str, list[RawPaper]]


def curate(rows: Sequence[tuple[str, str, Sequence[str], str]], data: DataSettings) -> Curated:
    """Curates rows (title, text, labels, value of the label column) one step after the other.

    Rows without a title are malformed. Rows without labels must not be an error.
    """
    good = [row for row in rows if row[0]]
    frequent = collections.Counter(label for row in good for label in row[2])
    fallen = {
        label
        for label, count in frequent.items()
        if count < data.min_label_count or not re.fullmatch(data.label_pattern or ".*", label)
    }
    papers = [
        (RawPaper(title, text, *_divide(labels, fallen)), value)
        for title, text, labels, value in good
    ]
    labelled = [each for each in papers if each[0].labels or data.unlabelled == "keep"]
    firsts: dict[Any, RawPaper] = {}
    unique, other_texts = [], 0
    for number, (paper, value) in enumerate(labelled):
        identity = {
            "title": paper.title,
            "title_and_text": (paper.title, paper.abstract),
            "none": number,
        }[data.dedup_by]
        if identity in firsts:
            other_texts += firsts[identity].abstract != paper.abstract
        else:
            firsts[identity] = paper
            unique.append((paper, value))
    reduces = data.min_label_count > 1 or data.label_pattern is not None
    sets = collections.defaultdict(list)
    for paper, value in unique:
        name = value if paper.labels and not reduces else "\n".join(paper.labels)
        name = "\n".join(sorted(paper.labels)) if data.label_order == "ignore" else name
        sets[name].append(paper)
    labels_of_sets = sets.keys() - {""}
    rare = {name for name in labels_of_sets if len(sets[name]) < data.min_label_set_count}
    split = {}
    for name in sets.keys() - rare:
        keys = [
            p.title if data.dedup_by == "title" else f"{p.title}\n{p.abstract}" for p in sets[name]
        ]
        found = naive_split(
            keys, [name] * len(keys), data.seed, data.test_share, data.validation_share
        )
        split |= {id(paper): found[key] for paper, key in zip(sets[name], keys, strict=True)}
    result = {
        part: [paper for paper, _ in unique if split.get(id(paper)) == part]
        for part in ("train", "val", "test")
    }
    kept = [paper for part in result.values() for paper in part]
    counts = {
        "rows_read": len(rows),
        "dead_letters": len(rows) - len(good),
        "repeats": len(labelled) - len(unique),
        "other_texts": other_texts,
        "unlabelled": len(papers) - len(labelled),
        "after_dedup": len(unique),
        "label_sets": len(labels_of_sets),
        "label_sets_once": len(rare),
        "label_set_rows_dropped": sum(len(sets[name]) for name in rare),
        "kept": len(kept),
        "unlabelled_kept": sum(not paper.labels for paper in kept),
        **{part: len(found) for part, found in result.items()},
        "labels": len({label for paper in result["train"] for label in paper.labels}),
        "labels_left_out": len(fallen),
        "several_labels": sum(len(paper.labels) > 1 for paper, _ in papers),
        "distinct_words_train": distinct_words(pd.Series([p.abstract for p in result["train"]])),
    }
    return Curated(counts, result)


def _divide(labels: Sequence[str], fallen: set[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the labels that stay, and those that don't."""
    return (
        tuple(label for label in labels if label not in fallen),
        tuple(label for label in labels if label in fallen),
    )
