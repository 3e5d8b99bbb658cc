"""`arxiv-tagger drift`: whether a model is still asked what it was trained for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.table import Table

from pipeline.cli import options
from pipeline.cli.errors import report_errors
from pipeline.local.output_folder import OutputFolder, plain_path
from pipeline.local.output_redirect import output_dropped
from pipeline.local.results import held_out_papers
from pipeline.terminal import Terminal
from schema.errors import BadInputError, DataAnomalyError, writing
from serving.predict import find_model, load_model

if TYPE_CHECKING:
    from components.drift.comparison import Difference

# With fewer, chance alone moves the figures by more than the limits.
_FEWEST: Final = 200
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--requests",
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
@click.option("--textfile", type=_FILE, help="Write metrics for Prometheus's node exporter.")
@report_errors
def drift(
    requests: tuple[Path, ...], model: Path, reference: Path | None, textfile: Path | None
) -> None:
    """Tell whether the model is still asked what it was trained for.

    Compares texts and suggestions with those of papers that the model was not trained on. Exit
    code 4 says that something has drifted.
    """
    version = find_model(str(model))
    with output_dropped():
        from components.drift.comparison import compare
        from components.drift.observations import observe, read_papers_of, read_requests

        held_out = () if reference else held_out_papers(OutputFolder(model))
        left_out: list[str] = []
        known = read_requests(reference, left_out) if reference else read_papers_of(held_out)
        asked = (request for path in requests for request in read_requests(path, left_out))
        # Read before the model is loaded: an error that holds it ends in complaints of TensorFlow.
        sides = list(known), list(asked)
        counts = [sum(len(texts) for texts, _ in side) for side in sides]
        note = f"Rows left out: {len(left_out):,}, first {left_out[0]}." if left_out else ""
        if min(counts) < _FEWEST:
            raise BadInputError(
                f"{counts[1]} texts in the requests, {counts[0]} in the reference: fewer than "
                f"{_FEWEST} differ by chance alone. Give more of them. {note}".rstrip()
            )
        tagger = load_model(str(plain_path(version)))
        observed = [observe(side, tagger) for side in sides]
        # It holds itself in circles, and would complain at the end of the process.
        del tagger
        differences = compare(*observed)
    if textfile:
        _write_metrics(textfile, differences)
    console = Terminal()
    said = "Texts: {:,} reference, {:,} requests; version {}. {}"
    console.say(said.format(*counts, version.name, note).rstrip())
    table = Table("", "reference", "requests", "distance", "limit", box=None, header_style="bold")
    for each in differences:
        figures = f"{each.distance:.3f}", f"{each.limit:g}"
        style = "red" if each.drifted else ""
        table.add_row(each.feature.replace("_", " "), each.before, each.now, *figures, style=style)
    console.print(table)
    if drifted := [each.feature.replace("_", " ") for each in differences if each.drifted]:
        raise DataAnomalyError(
            f"Drifted: {'; '.join(drifted)}. Look at the latest texts: if they are what the model "
            "is meant for, train it on such; if not, see who sends them."
        )


def _write_metrics(path: Path, differences: Sequence[Difference]) -> None:
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    meanings = {
        "distance": "How far requests are from papers that the model was not trained on: 0 to 1.",
        "limit": "Distance above which the feature has drifted.",
    }
    for name, meaning in meanings.items():
        gauge = Gauge(f"arxiv_tagger_drift_{name}", meaning, ("feature",), registry=registry)
        for each in differences:
            gauge.labels(each.feature).set(getattr(each, name))
    with writing(path, "Choose another --textfile"):
        write_to_textfile(str(path), registry)
