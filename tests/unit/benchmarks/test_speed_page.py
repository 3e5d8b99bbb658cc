"""The tables of the speed benchmark: what is reached and what is not, and the page that is here."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.speed import page
from benchmarks.speed.headline import headline_table

ROOT = Path(__file__).parents[3]


def component(name: str, seconds: float = 10.0, peak_bytes: float = 1e9) -> dict[str, Any]:
    return {"name": name, "started": 5.0, "seconds": seconds, "peak_bytes": peak_bytes}


def run(seconds: float, epoch: float, peak_bytes: float) -> dict[str, Any]:
    """A pipeline run of two epochs, the second one better, that pushes 15 s before its end."""
    pusher = {**component("Pusher", 5.0), "started": seconds - 20.0}
    lines = [{"seconds": epoch, "val_lrap": score, "val_loss": 1 - score} for score in (0.4, 0.5)]
    return {
        "seconds": seconds,
        "peak_bytes": peak_bytes,
        "papers": 1000,
        "components": [
            component("CsvExampleGen"),
            component("Baselines", 7.0),
            component("Trainer", 30.0, peak_bytes),
            pusher,
        ],
        "epochs": {"lines": lines, "first_began": 3.0},
        "metrics": {"lrap": 0.9, "micro_f1": 0.7},
        "exported_bytes": 100e6,
    }


def results() -> dict[str, Any]:
    """Figures that reach every bar, none by much."""
    example = {
        "max_tokens": 200_000,
        "seconds": {"read": 1.0, "adapt": 9.0, "train": 220.0, "evaluate": 5.0, "export": 50.0},
        "epochs": [
            {"seconds": seconds, "val_loss": loss} for seconds, loss in ((120.0, 0.1), (100.0, 0.2))
        ],
        "peak_bytes": 5e9,
        "weights_bytes": 310e6,
        "test": {"lrap": 0.8, "micro_f1": 0.6},
    }
    ours = run(seconds=264.0, epoch=9.9, peak_bytes=2.4e9)
    phases = {"all": {"seconds": 1.6, "peak_bytes": 2.9e9}}
    grown = [
        {
            "multiple": multiple,
            "run": run(seconds, 10.0, whole),
            "trainer_alone": run(seconds, 10.0, alone),
            "server_bytes": server,
        }
        for multiple, seconds, whole, alone, server in (
            (1.0, 100.0, 3e9, 2e9, 0.5e9),
            (10.0, 1090.0, 7.9e9, 2.9e9, 0.7e9),
        )
    ]
    cold = run(seconds=300.0, epoch=10.0, peak_bytes=3e9)
    cold["components"][0]["started"] = 14.0
    for each in cold["components"][1:]:
        each["started"] = 30.0
    trainings = ("lazy_adam", "lazy_adam_alone", "adam", "default", "default_alone")
    return {
        "training": {"example": example} | {name: copy.deepcopy(ours) for name in trainings},
        "features": {
            "papers": {"train": 1000},
            "measured": [
                {"name": name, "max_tokens": 50, "workers": 1, "phases": phases}
                for name in ("Transform, keras_example", "TfidfVectorizer")
            ],
        },
        "serving": {
            "first_answer_seconds": 2.9,
            "load_seconds": 1.0,
            "import_seconds": 4.0,
        },
        "growth": {"runs": grown},
        "pipeline": {"cold": cold},
    }


def lines(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """What is measured and whether its bar is reached, by the first column."""
    rows = [row.strip("|").split("|") for row in headline_table(found).splitlines()[2:]]
    return {row[0].strip(): (row[1].strip(), row[4].strip()) for row in rows}


def test_each_bar_is_reached():
    reached = {what for what, (_, verdict) in lines(results()).items() if verdict == "yes"}
    assert reached == {
        "an epoch, the example's network with 200,000 n-grams, lazy Adam",
        "CSV to evaluated and pushed model, lazy Adam, to the best validation epoch (2)",
        "peak memory of training, lazy Adam",
        "peak memory of training, `default`",
        "exported model, `default`",
        "Transform, 50 n-grams, workers: 1",
        "Transform, 50 n-grams, workers: 1: peak memory",
        "model load to first answer",
        "memory of Trainer alone, 1 x to 10 x the papers",
        "memory of the server, 1 x to 10 x the papers",
        "memory of the whole pipeline at 10 x",
        "time of the whole pipeline, 1 x to 10 x the papers",
        "start of a run to the first component working",
    }
    assert "**no**" not in headline_table(results())


@pytest.mark.parametrize(
    ("path", "value", "what"),
    [
        (("training", "example", "epochs", 1, "seconds"), 98.0, "an epoch, the example's network"),
        (("training", "example", "seconds", "train"), 40.0, "to the best validation epoch"),
        (("training", "lazy_adam_alone", "components", 2, "peak_bytes"), 2.6e9, "lazy Adam"),
        (("training", "default_alone", "components", 2, "peak_bytes"), 2.6e9, "`default`"),
        (("training", "default", "exported_bytes"), 104e6, "exported model"),
        (("features", "measured", 0, "phases", "all", "seconds"), 1.7, "50 n-grams, workers: 1"),
        (("features", "measured", 0, "phases", "all", "peak_bytes"), 3.1e9, "peak memory"),
        (("serving", "first_answer_seconds"), 3.1, "model load to first answer"),
        (("growth", "runs", 1, "trainer_alone", "components", 2, "peak_bytes"), 3.1e9, "alone"),
        (("growth", "runs", 1, "server_bytes"), 0.8e9, "memory of the server"),
        (("growth", "runs", 1, "run", "peak_bytes"), 8.1e9, "memory of the whole pipeline"),
        (("growth", "runs", 1, "run", "seconds"), 1110.0, "time of the whole pipeline"),
        (("pipeline", "cold", "components", 0, "started"), 16.0, "first component working"),
    ],
)
def test_a_bar_that_is_not_reached(path, value, what):
    found = results()
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    missed = [name for name, (_, verdict) in lines(found).items() if verdict == "**no**"]
    assert missed
    assert all(what in name for name in missed)


def test_what_is_beside_the_bars():
    """By hand: 235 s with two epochs, and 18 more of 100 s; we push after 249 s."""
    found = lines(results())
    whole = "CSV to evaluated and pushed model, lazy Adam, "
    assert found[f"{whole}2 epochs"] == ("8.2 x", "")
    assert found[f"{whole}2 epochs, without the LinearSVC beside it"] == ("8.4 x", "")
    # The example's best epoch is its first: 100 s less.
    both = f"{whole}both to their best validation epoch (1, 2)"
    assert found[both] == ("0.54 x", "")
    assert found["Transform beside TfidfVectorizer"] == ("1.00 x", "")


def test_the_page_shows_the_figures_that_are_here():
    stored = json.loads((ROOT / "benchmarks/results/speed.json").read_text("utf-8"))
    text = (ROOT / "benchmarks/README.md").read_text("utf-8")
    shown = text.partition(page.BEGIN)[2].partition(page.END)[0]
    assert shown.strip() == page.render(stored)
    assert set(stored) == {"training", "features", "pipeline", "serving", "growth"}
