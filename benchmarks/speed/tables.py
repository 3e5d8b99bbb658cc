"""The Markdown tables of the sections, from their recorded figures."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import Any, Final

from benchmarks.serving import load_rows

# Epochs of the example; those that were not run count as the median one.
EXAMPLE_EPOCHS: Final = 20

Section = dict[str, Any]
# A PipelineRun as JSON.
Run = dict[str, Any]


def training_tables(section: Section) -> str:
    """Returns the example and the three trainings, then how much faster and smaller they are."""
    example, default = section["example"], section["default"]
    epochs = example["epochs"]
    row = [
        *("the example", len(epochs), _seconds(epoch_seconds(epochs))),
        *(_seconds(example_seconds(example)), _gigabytes(example["peak_bytes"])),
        *(_megabytes(example["exported_bytes"]), *_quality(example["test"])),
    ]
    rows = [row]
    for name, key, alone in (
        ("`keras_example`, exact Adam", "adam", "adam"),
        ("`keras_example`, lazy", "lazy", "lazy_alone"),
        ("`default`", "default", "default_alone"),
    ):
        run = section[key]
        pushed = None if key == alone else _seconds(seconds_to_pushed(run))
        memory = component(section[alone], "Trainer")["peak_bytes"]
        lines = run["epochs"]["lines"]
        row = [name, len(lines), _seconds(epoch_seconds(lines)), pushed, _gigabytes(memory)]
        rows.append([*row, _megabytes(run["exported_bytes"]), *_quality(run["metrics"])])
    header = (
        *("", "epochs", "s an epoch", "s from CSV to evaluated model", "peak GB of training"),
        *("model MB", "test LRAP", "test micro-F1"),
    )
    ratios = [
        [
            *(name, f"{epoch_seconds(epochs) / epoch_seconds(run['epochs']['lines']):.1f} x"),
            f"{example_seconds(example) / seconds_to_pushed(run):.1f} x",
            f"{component(section[alone], 'Trainer')['peak_bytes'] / example['peak_bytes']:.0%}",
            # Its export holds each weight twice, so the weights are what counts.
            f"{run['exported_bytes'] / example['weights_bytes']:.0%}",
        ]
        for name, run, alone in (
            ("`keras_example`, lazy", section["lazy"], "lazy_alone"),
            ("`default`", default, "default_alone"),
        )
    ]
    ratio_header = (
        *("compared with the example", "faster epochs", "faster from CSV to model"),
        *("memory of training", "model to its weights"),
    )
    return f"{table(header, rows)}\n\n{table(ratio_header, ratios)}"


def features_table(section: Section) -> str:
    """Returns the table of the tools that make features."""
    training = section["papers"]["train"]
    rows = []
    for each in section["measured"]:
        phases = each["phases"]
        taken = [phases[name]["seconds"] for name in ("analysis", "materialization", "all")]
        row = [each["name"], each["workers"], f"{each['max_tokens']:,}", *map(_seconds, taken)]
        memory = _gigabytes(phases["all"]["peak_bytes"])
        rows.append([*row, f"{training / taken[-1]:,.0f}", memory])
    header = (
        *("", "workers", "vocabulary", "analysis s", "writing s", "both s"),
        *("training papers/s", "peak GB"),
    )
    return table(header, rows)


def pipeline_table(section: Section) -> str:
    """Returns the table of the components, in an empty folder and again."""
    runs: list[Run] = [section["cold"], section["cached"]]
    rows: list[Sequence[object]] = []
    started = [min(each["started"] for each in run["components"]) for run in runs]
    rows.append(("until the first component", *_pairs((seconds, 0) for seconds in started)))
    for each in runs[0]["components"]:
        found = [component(run, each["name"]) for run in runs]
        again = "from the cache" if found[1]["cached"] else _seconds(found[1]["seconds"])
        cold, memory, _, after = _pairs((one["seconds"], one["peak_bytes"]) for one in found)
        rows.append((each["name"], cold, memory, again, after))
    whole = _pairs((run["seconds"], run["peak_bytes"]) for run in runs)
    rows.append(("the whole command", *whole))
    script = section["scikit_learn"]
    taken, memory = _pairs([(script["seconds"], script["peak_bytes"])])
    rows.append(("scikit-learn's script, CSV to metrics", taken, memory, "", ""))
    ratio = runs[0]["seconds"] / script["seconds"]
    rows.append(("the first run, as a multiple of the script", f"{ratio:.2f} x", "", "", ""))
    return table(("", "first run s", "peak GB", "second run s", "peak GB"), rows)


def serving_tables(section: Section) -> str:
    """Returns the table of the model's start and size, and that of its load."""
    facts = [
        ("model", f"{_megabytes(section['model_bytes'])} MB"),
        ("TensorFlow's import", f"{section['import_seconds']:.1f} s"),
        ("loading", f"{section['load_seconds']:.1f} s"),
        ("loading to the first answer", f"{section['first_answer_seconds']:.1f} s"),
        ("server's start to AVAILABLE", f"{section['available_seconds']:.1f} s"),
        ("server's memory after 1,000 texts", f"{_megabytes(section['memory_bytes'])} MB"),
    ]
    for batch, rate in section["load"]["texts_per_second_alone"].items():
        facts.append((f"the model alone, {batch}", f"{rate:,.0f} texts/s"))
    header = ("server", "clients", "requests/s", "of the echo", "p50 ms", "p99 ms", "failed")
    return f"{table(('', ''), facts)}\n\n{table(header, load_rows(section['load']['servers']))}"


def growth_tables(section: Section) -> str:
    """Returns the tables of seconds and of peak memory by number of papers."""
    runs: list[Run] = [each["run"] for each in section["runs"]]
    papers = [f"{each['multiple']:g} x ({each['run']['papers']:,})" for each in section["runs"]]
    rows = {
        each["name"]: [component(run, each["name"]) for run in runs]
        for each in runs[0]["components"]
    }
    rows["the whole command"] = runs
    taken = [[name, *(_seconds(each["seconds"]) for each in found)] for name, found in rows.items()]
    held = {name: [each["peak_bytes"] for each in found] for name, found in rows.items()}
    # A component that was too short to see at one size says nothing about growth.
    held = {name: sizes for name, sizes in held.items() if all(sizes)}
    held["Trainer alone"] = [_trainer_alone(each) for each in section["runs"]]
    held["the server"] = [each.get("server_bytes") for each in section["runs"]]
    memory = [[name, *map(_gigabytes, sizes)] for name, sizes in held.items()]
    header = ("", *papers)
    return f"Seconds:\n\n{table(header, taken)}\n\nPeak memory, GB:\n\n{table(header, memory)}"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a Markdown table; None becomes a dash."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join("-" if cell is None else str(cell) for cell in line) + " |"
        for line in lines
    )


def component(run: Run, name: str) -> dict[str, Any]:
    """Returns a component of a run."""
    (found,) = (each for each in run["components"] if each["name"] == name)
    return dict(found)


def seconds_to_pushed(run: Run) -> float:
    """Returns the seconds from the command's start until the model is pushed."""
    pusher = component(run, "Pusher")
    return float(pusher["started"] + pusher["seconds"])


def epoch_seconds(epochs: Sequence[dict[str, float]]) -> float:
    """Returns the median over the epochs, without the first one where there are others.

    Keras compiles in the first one.
    """
    return float(statistics.median(each["seconds"] for each in epochs[1:] or epochs))


def example_seconds(example: Section) -> float:
    """Returns the seconds of the example from the CSV to the evaluated model."""
    missing = EXAMPLE_EPOCHS - len(example["epochs"])
    steps = sum(example["seconds"][step] for step in ("read", "adapt", "train", "evaluate"))
    return float(steps + missing * epoch_seconds(example["epochs"]))


def _trainer_alone(found: Section) -> float | None:
    if "trainer_alone" not in found:
        return None
    return float(component(found["trainer_alone"], "Trainer")["peak_bytes"])


def _pairs(found: Iterable[tuple[float, float]]) -> list[str | None]:
    return [cell for seconds, size in found for cell in (_seconds(seconds), _gigabytes(size))]


def _quality(figures: dict[str, float]) -> list[str]:
    return [f"{figures[name]:.4f}" for name in ("lrap", "micro_f1")]


def _seconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def _gigabytes(size: float | None) -> str | None:
    """Returns units of 10^9 bytes; None for none and for 0, which was too short to be seen."""
    return f"{size / 1e9:,.2f}" if size else None


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f}"
