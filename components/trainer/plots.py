"""Charts of a training: loss and binary accuracy per epoch, as the Keras example plots them.

And LRAP on validation, which chooses the epoch whose weights are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from components.metrics.charts import Line, chart_file, draw_lines, epoch_axis, linear_axis

_PLOTS = (
    ("loss", "Loss", "binary cross-entropy"),
    ("binary_accuracy", "Binary accuracy", "accuracy over all pairs at 0.5"),
    ("lrap", "LRAP", "label ranking average precision"),
)


def write_plots(history: Mapping[str, Sequence[float]], directory: str, *, kept_epoch: int) -> None:
    """Writes `loss.svg`, `binary_accuracy.svg` and `lrap.svg`, the last for validation alone.

    Args:
        history: Values per epoch; those of validation begin with `val_`.
        directory: Folder of the files, local or remote; created if it is missing.
        kept_epoch: The epoch to mark, from 1.
    """
    tf.io.gfile.makedirs(directory)
    for name, title, unit in _PLOTS:
        found = {"training": history.get(name), "validation": history[f"val_{name}"]}
        lines = [
            Line(split, list(enumerate(values, start=1)), style, dots=True)
            for style, (split, values) in enumerate(found.items())
            if values
        ]
        values = [value for line in lines for _, value in line.points]
        chart = draw_lines(
            lines,
            epoch_axis(len(history["loss"])),
            linear_axis(unit, min(values), max(values)),
            f"{title} per epoch",
            mark=(kept_epoch, f"kept epoch ({kept_epoch})"),
        )
        with tf.io.gfile.GFile(f"{directory}/{name}.svg", "w") as file:
            file.write(chart_file(title, lines, chart))
