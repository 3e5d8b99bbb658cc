"""Pictures of a training: loss and binary accuracy per epoch."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import tensorflow as tf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_TRAIN_COLOR = "#3b6ea5"
_VALIDATION_COLOR = "#d1603d"
_INK = "#333333"
_PLOTS = (
    ("loss", "Loss", "binary cross-entropy"),
    ("binary_accuracy", "Binary accuracy", "share of right cells at 0.5"),
)


def write_plots(
    history: Mapping[str, Sequence[float]], directory: str, *, best_epoch: int
) -> list[str]:
    """Writes `loss.png` and `binary_accuracy.png`, train and validation per epoch.

    Args:
        history: Values per epoch of loss, val_loss, binary_accuracy and val_binary_accuracy.
        directory: Folder of the files, local or remote; created where it is missing.
        best_epoch: The epoch to mark, from 1.

    Returns:
        The paths of the files.
    """
    tf.io.gfile.makedirs(directory)
    paths = []
    for name, title, unit in _PLOTS:
        figure = draw(history[name], history[f"val_{name}"], title, unit, best_epoch)
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=150)
        path = f"{directory.rstrip('/')}/{name}.png"
        with tf.io.gfile.GFile(path, "wb") as file:
            file.write(image.getvalue())
        paths.append(path)
    return paths


def draw(
    train: Sequence[float], validation: Sequence[float], title: str, unit: str, best_epoch: int
) -> Figure:
    """Draws one figure's curves over the epochs, both of the same length, best epoch marked."""
    epochs = range(1, len(train) + 1)
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axvline(best_epoch, color="#999999", linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    for values, label, color in (
        (train, "train", _TRAIN_COLOR),
        (validation, "validation", _VALIDATION_COLOR),
    ):
        axes.plot(epochs, values, color=color, linewidth=2, marker="o", markersize=5, label=label)
    axes.plot(
        [best_epoch],
        [validation[best_epoch - 1]],
        linestyle="none",
        marker="o",
        markersize=11,
        markerfacecolor="none",
        markeredgecolor=_VALIDATION_COLOR,
        markeredgewidth=1.5,
        label=f"best epoch ({best_epoch})",
    )
    axes.set_title(title, loc="left", fontsize=13, color=_INK, fontweight="bold")
    axes.set_xlabel("epoch", color=_INK)
    axes.set_ylabel(unit, color=_INK)
    axes.set_xlim(0.5, len(train) + 0.5)
    axes.margins(y=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=_INK)
    axes.legend(frameon=False)
    return figure
