"""Charts of a training: loss and binary accuracy per epoch, as the Keras example plots them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from components.metrics.charts import Line, chart_file, draw_lines, epoch_axis, linear_axis

_PLOTS = (
    ("loss", "Loss", "binary cross-entropy"),
    ("binary_accuracy", "Binary accuracy", "accuracy over all pairs at 0.5"),
)


def write_plots(history: Mapping[str, Sequence[float]], directory: str, *, best_epoch: int) -> None:
    """Writes `loss.svg` and `binary_accuracy.svg`, training and validation per epoch.

    Args:
        history: Values per epoch of loss, val_loss, binary_accuracy and val_binary_accuracy.
        directory: Folder of the files, local or remote; created if it is missing.
        best_epoch: The epoch to mark, from 1.
    """
    tf.io.gfile.makedirs(directory)
    for name, title, unit in _PLOTS:
        train, validation = history[name], history[f"val_{name}"]
        lines = [
            Line("training", list(enumerate(train, start=1)), 0, dots=True),
            Line("validation", list(enumerate(validation, start=1)), 1, dots=True),
        ]
        values = [*train, *validation]
        chart = draw_lines(
            lines,
            epoch_axis(len(train)),
            linear_axis(unit, min(values), max(values)),
            f"{title} per epoch",
            mark=(best_epoch, f"best epoch ({best_epoch})"),
        )
        with tf.io.gfile.GFile(f"{directory}/{name}.svg", "w") as file:
            file.write(chart_file(title, lines, chart))
