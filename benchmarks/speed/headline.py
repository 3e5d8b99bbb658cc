"""The ratios and the bars that they must reach: the first table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.speed.derived import (
    EXAMPLE_EPOCHS,
    best_epoch,
    component,
    epoch_seconds,
    example_seconds,
    seconds_after,
    seconds_to_first_component,
    seconds_to_pushed,
)
from benchmarks.speed.markdown import gigabytes, megabytes, ratio, seconds, table

Section = dict[str, Any]

_EPOCH_RATIO: Final = 10.0
_RUN_RATIO: Final = 8.0
_MEMORY_RATIO: Final = 2.0
_PAPERS_PER_SECOND: Final = 600.0
_TRANSFORM_BYTES: Final = 3e9
_EXPORTED_RATIO: Final = 3.0
_FIRST_ANSWER_SECONDS: Final = 3.0
_GROWTH_OF_MEMORY: Final = 1.5
_GROWN_BYTES: Final = 8e9
_GROWTH_OF_TIME: Final = 11.0
_START_SECONDS: Final = 15.0
_NO_SVC: Final = "without the LinearSVC beside it"


@dataclass(frozen=True)
class Headline:
    """A line of the first table.

    Attributes:
        what: What was measured.
        measured: The ratio, or the figure.
        detail: What it is made of.
        bar: What must be reached; empty where nothing is asked.
        reached: Whether it is; None where nothing is asked.
    """

    what: str
    measured: str
    detail: str
    bar: str = ""
    reached: bool | None = None


def headline_table(results: dict[str, Section]) -> str:
    """Returns the table of what the sections measured; one that is missing has no lines."""
    makers = {
        "training": _of_training,
        "features": _of_features,
        "serving": _of_serving,
        "growth": _of_growth,
        "pipeline": _of_pipeline,
    }
    lines = (
        line for name, make in makers.items() if name in results for line in make(results[name])
    )
    words = {True: "yes", False: "**no**", None: ""}
    return table(
        ("", "measured", "", "must be", "reached"),
        ((line.what, line.measured, line.detail, line.bar, words[line.reached]) for line in lines),
    )


def _of_training(section: Section) -> Iterator[Headline]:
    example, lazy, default = section["example"], section["lazy_adam"], section["default"]
    yield from _epochs(section)
    whole = example_seconds(example, EXAMPLE_EPOCHS)
    timed = len(example["epochs"])
    note = "" if timed == EXAMPLE_EPOCHS else f" (of its {EXAMPLE_EPOCHS} epochs {timed} were run)"

    def of_run(what: str, ours: float, bar: float | None = None) -> Headline:
        detail = f"{seconds(whole)} s{note} → {seconds(ours)} s"
        return _faster(f"CSV to evaluated and pushed model, {what}", whole / ours, detail, bar)

    epochs = lazy["epochs"]["lines"]
    pushed = seconds_to_pushed(lazy)
    best = best_epoch(epochs, "val_lrap", max)
    all_epochs = f"lazy Adam, {len(epochs)} epochs"
    yield of_run(all_epochs, pushed)
    yield of_run(f"{all_epochs}, {_NO_SVC}", pushed - _baselines(lazy))
    until_best = pushed - seconds_after(epochs, best)
    yield of_run(f"lazy Adam, to the best validation epoch ({best})", until_best, _RUN_RATIO)
    lowest = best_epoch(example["epochs"], "val_loss", min)
    theirs = example_seconds(example, timed) - seconds_after(example["epochs"], lowest)
    yield _faster(
        "CSV to evaluated and pushed model, lazy Adam, both to their best validation epoch "
        f"({lowest}, {best})",
        theirs / until_best,
        f"{seconds(theirs)} s → {seconds(until_best)} s",
    )
    pushed = seconds_to_pushed(default)
    yield of_run("`default`", pushed)
    yield of_run(f"`default`, {_NO_SVC}", pushed - _baselines(default))
    yield from _training_memory(section)
    # Not its export's size: Keras writes every weight twice.
    times = example["weights_bytes"] / default["exported_bytes"]
    yield Headline(
        "exported model, `default`",
        f"{1 / times:.0%}",
        f"{megabytes(example['weights_bytes'])} MB of weights → "
        f"{megabytes(default['exported_bytes'])} MB in all, " + _quality(example, default),
        f"≤ {1 / _EXPORTED_RATIO:.0%}",
        times >= _EXPORTED_RATIO,
    )


def _training_memory(section: Section) -> Iterator[Headline]:
    theirs = section["example"]["peak_bytes"]
    for words, alone, whole, bar in (
        ("lazy Adam", "lazy_adam_alone", "lazy_adam", _MEMORY_RATIO),
        ("exact Adam", "adam", None, None),
        ("`default`", "default_alone", "default", _MEMORY_RATIO),
    ):
        ours = component(section[alone], "Trainer")["peak_bytes"]
        detail = f"{gigabytes(theirs)} GB → {gigabytes(ours)} GB"
        if whole:
            in_whole = component(section[whole], "Trainer")["peak_bytes"]
            detail += f", {gigabytes(in_whole)} GB in a whole run"
        yield Headline(
            f"peak memory of training, {words}",
            f"{ours / theirs:.0%}",
            detail,
            "" if bar is None else f"≤ {1 / bar:.0%}",
            None if bar is None else theirs / ours >= bar,
        )


def _baselines(run: Section) -> float:
    return float(component(run, "Baselines")["seconds"])


def _epochs(section: Section) -> Iterator[Headline]:
    example = section["example"]
    theirs = epoch_seconds(example["epochs"])
    network = f"the example's network with {example['max_tokens']:,} n-grams"
    for key, what, bar in (
        ("lazy_adam", f"{network}, lazy Adam", _EPOCH_RATIO),
        ("adam", f"{network}, exact Adam", None),
        ("default", "`default`", None),
    ):
        ours = epoch_seconds(section[key]["epochs"]["lines"])
        detail = f"{seconds(theirs)} s → {seconds(ours)} s, {_quality(example, section[key])}"
        yield _faster(f"an epoch, {what}", theirs / ours, detail, bar)


def _faster(what: str, times: float, detail: str, bar: float | None = None) -> Headline:
    """Returns the line of what is so many times faster; without a bar nothing is asked."""
    asked = ("", None) if bar is None else (f"≥ {bar:g} x", times >= bar)
    return Headline(what, ratio(times), detail, *asked)


def _quality(example: Section, run: Section) -> str:
    theirs, ours = example["test"], run["metrics"]
    figures = ", ".join(
        f"{words} {theirs[name]:.4f} → {ours[name]:.4f}"
        for name, words in (("lrap", "LRAP"), ("micro_f1", "micro-F1"))
    )
    return f"{figures} ({len(example['epochs'])} → {len(run['epochs']['lines'])} epochs)"


def _of_features(section: Section) -> Iterator[Headline]:
    ours = [each for each in section["measured"] if each["name"] == "Transform, keras_example"]
    best = min(ours, key=lambda each: float(each["phases"]["all"]["seconds"]))
    whole = best["phases"]["all"]
    rate = section["papers"]["train"] / whole["seconds"]
    what = f"Transform, {best['max_tokens']:,} n-grams, workers: {best['workers']}"
    yield Headline(
        what,
        f"{rate:,.0f} papers/s",
        f"{section['papers']['train']:,} training papers in {seconds(whole['seconds'])} s, "
        "validation and test papers written as well",
        f"≥ {_PAPERS_PER_SECOND:g}",
        rate >= _PAPERS_PER_SECOND,
    )
    yield Headline(
        f"{what}: peak memory",
        f"{gigabytes(whole['peak_bytes'])} GB",
        "",
        f"≤ {_TRANSFORM_BYTES / 1e9:g} GB",
        whole["peak_bytes"] <= _TRANSFORM_BYTES,
    )
    for other in section["measured"]:
        if not other["name"].startswith("Transform"):
            theirs = other["phases"]["all"]["seconds"]
            detail = f"{seconds(theirs)} s → {seconds(whole['seconds'])} s"
            yield _faster(f"Transform beside {other['name']}", theirs / whole["seconds"], detail)


def _of_serving(section: Section) -> Iterator[Headline]:
    taken = section["first_answer_seconds"]
    yield Headline(
        "model load to first answer",
        f"{taken:.1f} s",
        f"of which loading {section['load_seconds']:.1f} s; "
        f"TensorFlow's import, {section['import_seconds']:.1f} s, comes before",
        f"≤ {_FIRST_ANSWER_SECONDS:g} s",
        taken <= _FIRST_ANSWER_SECONDS,
    )


def _of_growth(section: Section) -> Iterator[Headline]:
    ends = [each for each in section["runs"] if "trainer_alone" in each]
    if len(ends) < 2:
        return
    first, last = ends
    span = f"{first['multiple']:g} x to {last['multiple']:g} x the papers"

    def trainer(found: Section, run: str) -> float:
        return float(component(found[run], "Trainer")["peak_bytes"])

    sizes: tuple[tuple[str, Callable[[Section], float], float | None], ...] = (
        ("Trainer alone", lambda found: trainer(found, "trainer_alone"), _GROWTH_OF_MEMORY),
        ("Trainer in the whole run", lambda found: trainer(found, "run"), None),
        ("the server", lambda found: float(found["server_bytes"]), _GROWTH_OF_MEMORY),
    )
    for what, size, bar in sizes:
        times = size(last) / size(first)
        yield Headline(
            f"memory of {what}, {span}",
            ratio(times),
            f"{gigabytes(size(first))} GB → {gigabytes(size(last))} GB",
            "" if bar is None else f"≤ {bar:g} x",
            None if bar is None else times <= bar,
        )
    most = last["run"]["peak_bytes"]
    yield Headline(
        f"memory of the whole pipeline at {last['multiple']:g} x",
        f"{gigabytes(most)} GB",
        f"at {first['multiple']:g} x: {gigabytes(first['run']['peak_bytes'])} GB",
        f"≤ {_GROWN_BYTES / 1e9:g} GB",
        most <= _GROWN_BYTES,
    )
    times = last["run"]["seconds"] / first["run"]["seconds"]
    yield Headline(
        f"time of the whole pipeline, {span}",
        ratio(times),
        f"{seconds(first['run']['seconds'])} s → {seconds(last['run']['seconds'])} s",
        f"≤ {_GROWTH_OF_TIME:g} x",
        times <= _GROWTH_OF_TIME,
    )


def _of_pipeline(section: Section) -> Iterator[Headline]:
    taken = seconds_to_first_component(section["cold"])
    yield Headline(
        "start of a run to the first component working",
        f"{taken:.1f} s",
        "",
        f"≤ {_START_SECONDS:g} s",
        taken <= _START_SECONDS,
    )
