"""What the curation must give, derived another way: pandas, and the split rule spelled out."""

from __future__ import annotations

import ast
import collections
import csv
import hashlib
import io
import math
import random
from collections.abc import Iterable, Sequence

import pandas as pd


def pandas_papers(path: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The Keras example's steps: read, drop repeated titles, drop label sets that occur once."""
    frame = pd.read_csv(path, keep_default_na=False)
    unique = frame[~frame["titles"].duplicated()]
    kept = unique.groupby("terms").filter(lambda group: len(group) > 1)
    return frame, unique, kept.sort_index()


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
