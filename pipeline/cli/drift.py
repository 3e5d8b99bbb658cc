"""`arxiv-tagger drift`: whether a model is still asked what it was trained for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.table import Table

from pipeline.cli import options
from pipeline.cli.errors import report_errors
from pipeline.local.held_out import held_out_folders
from pipeline.local.output_folder import OutputFolder, plain_path
from pipeline.local.output_redirect import output_dropped
from pipeline.terminal import Terminal
from schema.errors import BadInputError, DataAnomalyError, writing
from serving.predict import find_model, load_model

if TYPE_CHECKING:
    from components.drift.comparison import Difference
    from components.drift.observations import Observations

# With fewer, chance alone moves the figures by more than the limit.
_FEWEST: Final = 200
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


def _distance(name: str, default: float, meaning: str) -> Callable[..., Any]:
    return click.option(
        name,
        type=click.FloatRange(0, 1),
        default=default,
        show_default=True,
        help=f"The largest {meaning}",
    )


@click.command()
@click.option(
    "--requests",
    "files",
    type=_FILE,
    multiple=True,
    required=True,
    help="What the model was asked: a server's log (TFRecords of PredictionLog), or texts in any "
    "form that `query --file` reads (repeatable).",
)
@options.folder("--model", "The output folder of the run that pushed the model.")
@click.option(
    "--reference",
    type=_FILE,
    help="Compare with the texts or the log in this file, instead of the validation and test "
    "papers of the run. --model may then be a serving folder or a version.",
)
@_distance("--max-divergence", 0.05, "Jensen-Shannon divergence of a number that is no drift.")
@_distance("--max-change", 0.15, "change of the share of a label that is no drift.")
@click.option("--textfile", type=_FILE, help="Write metrics for Prometheus's node exporter.")
@report_errors
def drift(
    files: tuple[Path, ...],
    model: Path,
    reference: Path | None,
    max_divergence: float,
    max_change: float,
    textfile: Path | None,
) -> None:
    """Tell whether the model is still asked what it was trained for.

    Compares texts and suggestions with those of papers that the model was not trained on. Exit
    code 4 says that something has drifted.
    """
    version = find_model(str(model))
    with output_dropped():
        from components.drift.comparison import Limits, compare

        known, asked = _observe(plain_path(version), OutputFolder(model), reference, files)
        _check_number(known, str(reference or model), "--reference")
        _check_number(asked, ", ".join(map(str, files)), "--requests")
        differences = compare(known, asked, Limits(max_divergence, max_change))
    if textfile:
        _write_metrics(textfile, differences, len(asked))
    _show(differences, len(asked), len(known), version.name)
    if drifted := [each.meaning for each in differences if each.drifted]:
        raise DataAnomalyError(
            f"Drifted: {'; '.join(drifted)}. Look at the latest texts: if "
            "they are what the model is meant for, train it on such; if not, see who sends them."
        )


def _observe(
    version: Path, folder: OutputFolder, reference: Path | None, files: Sequence[Path]
) -> tuple[Observations, Observations]:
    """Observes what the model is known to be good at, and what it was asked."""
    from components.drift.requests import observe_files, observe_papers

    model = load_model(str(version))
    if reference:
        known = observe_files([reference], model)
    else:
        known = observe_papers(held_out_folders(folder, version.name), model)
    return known, observe_files(files, model)


def _check_number(texts: Observations, where: str, option: str) -> None:
    if len(texts) < _FEWEST:
        raise BadInputError(
            f"{where}: {len(texts)} texts, and fewer than {_FEWEST} differ by chance alone. Name "
            f"more files with {option}."
        )


def _write_metrics(path: Path, differences: Sequence[Difference], texts: int) -> None:
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    help_text = "Distance of the requests from papers that the model was not trained on, 0 to 1."
    distance = Gauge("arxiv_tagger_drift_distance", help_text, ("feature",), registry=registry)
    help_text = "The largest distance that is no drift."
    limit = Gauge("arxiv_tagger_drift_limit", help_text, ("feature",), registry=registry)
    for each in differences:
        distance.labels(each.feature).set(each.distance)
        limit.labels(each.feature).set(each.limit)
    Gauge("arxiv_tagger_drift_texts", "Texts compared.", registry=registry).set(texts)
    with writing(path, "Choose another --textfile"):
        write_to_textfile(str(path), registry)


def _show(differences: Sequence[Difference], asked: int, known: int, version: str) -> None:
    console = Terminal()
    console.say(
        f"{asked:,} texts that version {version} was asked about, beside {known:,} known ones"
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "known", "asked", "distance", "limit"):
        table.add_column(heading)
    for each in differences:
        style = "red" if each.drifted else ""
        figures = f"{each.distance:.3f}", f"{each.limit:g}"
        table.add_row(each.meaning, each.before, each.now, *figures, style=style)
    console.print(table)
