"""The tables of the sections, below the first one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from benchmarks.speed.derived import (
    EXAMPLE_EPOCHS,
    best_epoch,
    bytes_per_paper,
    component,
    epoch_seconds,
    example_seconds,
    exponent,
    seconds_to_first_component,
    seconds_until,
)
from benchmarks.speed.markdown import gigabytes, megabytes, seconds, table

Section = dict[str, Any]
Row = tuple[object, ...]


def training_table(section: Section) -> str:
    """Returns the table of the trainings; seconds to an epoch are those since Trainer's start."""
    example = section["example"]
    epochs = example["epochs"]
    lowest = best_epoch(epochs, "val_loss", min)
    rows: list[Row] = [
        (
            "the example",
            len(epochs),
            seconds(epoch_seconds(epochs)),
            None,
            f"{seconds(seconds_until(epochs, lowest))} ({lowest})",
            None,
            gigabytes(example["peak_bytes"]),
            f"{example['test']['lrap']:.4f}",
            f"{example['test']['micro_f1']:.4f}",
            megabytes(example["exported_bytes"]),
        )
    ]
    for words, key, alone in (
        ("`keras_example`, exact Adam", "adam", "adam"),
        ("`keras_example`, lazy Adam", "lazy_adam", "lazy_adam_alone"),
        ("`default`", "default", "default_alone"),
    ):
        run = section[key]
        whole = None if key == alone else component(run, "Trainer")["peak_bytes"]
        rows.append(
            (
                words,
                len(run["epochs"]["lines"]),
                seconds(epoch_seconds(run["epochs"]["lines"])),
                _to_best(run, "val_lrap", max),
                _to_best(run, "val_loss", min),
                gigabytes(whole),
                gigabytes(component(section[alone], "Trainer")["peak_bytes"]),
                f"{run['metrics']['lrap']:.4f}",
                f"{run['metrics']['micro_f1']:.4f}",
                megabytes(run["exported_bytes"]),
            )
        )
    header = (
        *("", "epochs", "s an epoch", "s to the best LRAP (epoch)"),
        *("s to the lowest loss (epoch)", "peak GB in a whole run", "peak GB alone"),
        *("test LRAP", "test micro-F1", "model MB"),
    )
    return table(header, rows)


def _to_best(run: Section, figure: str, best: Callable[..., float]) -> str:
    epochs = run["epochs"]["lines"]
    number = best_epoch(epochs, figure, best)
    until = run["epochs"]["first_began"] + seconds_until(epochs, number)
    return f"{seconds(until)} ({number})"


def features_table(section: Section) -> str:
    """Returns the table of what makes features."""
    papers = section["papers"]
    rows: list[Row] = []
    for each in section["measured"]:
        phases = each["phases"]
        whole = phases["all"]
        rows.append(
            (
                each["name"],
                each["workers"],
                f"{each['max_tokens']:,}",
                seconds(phases["analysis"]["seconds"]),
                seconds(phases["materialization"]["seconds"]),
                seconds(whole["seconds"]),
                f"{sum(papers.values()) / whole['seconds']:,.0f}",
                f"{papers['train'] / whole['seconds']:,.0f}",
                gigabytes(whole["peak_bytes"]),
            )
        )
    header = (
        *("", "workers", "vocabulary", "analysis s", "writing s", "both s"),
        *("papers/s, all", "papers/s, training", "peak GB"),
    )
    return table(header, rows)


def pipeline_table(section: Section, training: Section | None) -> str:
    """Returns the table of the components, cold and cached, and the example's total below."""
    cold, cached = section["cold"], section["cached"]
    rows: list[Row] = [
        (
            "until the first component",
            seconds(seconds_to_first_component(cold)),
            None,
            seconds(seconds_to_first_component(cached)),
            None,
        )
    ]
    for each in cold["components"]:
        again = component(cached, each["name"])
        words = " (cached)" if again["cached"] else ""
        rows.append(
            (
                each["name"],
                seconds(each["seconds"]),
                gigabytes(each["peak_bytes"]),
                f"{seconds(again['seconds'])}{words}",
                gigabytes(again["peak_bytes"]),
            )
        )
    rows.append(
        (
            "the whole command",
            *(seconds(cold["seconds"]), gigabytes(cold["peak_bytes"])),
            *(seconds(cached["seconds"]), gigabytes(cached["peak_bytes"])),
        )
    )
    if training:
        example = training["example"]
        words = f"the example, {EXAMPLE_EPOCHS} epochs, CSV to evaluated model"
        whole = seconds(example_seconds(example, EXAMPLE_EPOCHS))
        rows.append((words, whole, gigabytes(example["peak_bytes"]), None, None))
    return table(("", "cold s", "cold peak GB", "cached s", "cached peak GB"), rows)


def serving_table(section: Section) -> str:
    """Returns the table of the model's start and size, and that of its load."""
    facts: list[Row] = [
        ("model", f"{megabytes(section['model_bytes'])} MB"),
        ("TensorFlow's import", f"{section['import_seconds']:.1f} s"),
        ("loading", f"{section['load_seconds']:.1f} s"),
        ("loading to the first answer", f"{section['first_answer_seconds']:.1f} s"),
        ("server's start to AVAILABLE", f"{section['available_seconds']:.1f} s"),
        ("server's memory after 1,000 texts", f"{megabytes(section['memory_bytes'])} MB"),
    ]
    for batch, rate in section["load"]["texts_per_second_alone"].items():
        facts.append((f"the model alone, {batch}", f"{rate:,.0f} texts/s"))
    servers = section["load"]["servers"]
    echo = {each["clients"]: each["rate"] for each in servers if each["server"] == "echo"}
    rows: list[Row] = [
        (
            *(each["server"], each["clients"], f"{each['rate']:,.0f}"),
            f"{each['rate'] / echo[each['clients']]:.0%}",
            *(f"{each['p50_ms']:.1f}", f"{each['p99_ms']:.1f}", each["failures"]),
        )
        for each in sorted(servers, key=lambda row: (row["clients"], row["server"] != "echo"))
    ]
    header = ("server", "clients", "requests/s", "of the echo", "p50 ms", "p99 ms", "failed")
    return table(("", ""), facts) + "\n\n" + table(header, rows)


_WHOLE: Final = "the whole command"


def growth_table(section: Section) -> str:
    """Returns the tables of seconds and of peak memory by number of papers, with their slopes."""
    runs = [each["run"] for each in section["runs"]]
    papers = [run["papers"] for run in runs]
    sizes = [f"{each['multiple']:g} x ({each['run']['papers']:,})" for each in section["runs"]]
    names = [each["name"] for each in runs[0]["components"]]
    taken: list[Row] = []
    held: list[Row] = []
    for name in (*names, _WHOLE):
        measured = [run if name == _WHOLE else component(run, name) for run in runs]
        times = [each["seconds"] for each in measured]
        power = exponent(papers, times)
        # Tenths of a second say nothing about growth.
        worth = power is not None and max(times) >= 1
        taken.append((name, *map(seconds, times), f"{power:.2f}" if worth else None))
        bytes_held = [each["peak_bytes"] for each in measured]
        if all(bytes_held):
            slope = bytes_per_paper(papers, bytes_held)
            held.append((name, *map(gigabytes, bytes_held), _megabytes_per_10_000(slope)))
    header = ("", *sizes)
    return (
        table((*header, "seconds grow as papers to the power"), taken)
        + "\n\n"
        + table((*header, "MB per 10,000 papers"), held)
    )


def _megabytes_per_10_000(slope: float | None) -> str | None:
    return None if slope is None else f"{slope * 1e4 / 1e6:,.0f}"
