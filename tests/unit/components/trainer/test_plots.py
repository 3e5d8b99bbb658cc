"""The plots show the history's own numbers, and the files are pictures."""

import numpy as np
import pytest
from matplotlib.image import imread

from components.trainer.plots import draw, write_plots

HISTORY = {
    "loss": [0.09, 0.04, 0.03],
    "val_loss": [0.05, 0.04, 0.045],
    "binary_accuracy": [0.985, 0.99, 0.992],
    "val_binary_accuracy": [0.986, 0.991, 0.99],
}


def test_curves_axes_and_mark_are_those_of_the_history():
    figure = draw(HISTORY["loss"], HISTORY["val_loss"], "Loss", "cross-entropy", best_epoch=2)
    (axes,) = figure.axes
    curves = {line.get_label(): line for line in axes.lines}
    for label, name in (("train", "loss"), ("validation", "val_loss")):
        np.testing.assert_array_equal(curves[label].get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(curves[label].get_ydata(), HISTORY[name])
    mark = curves["best epoch (2)"]
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([2], [0.04])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "cross-entropy")
    figure.canvas.draw()
    assert all(float(tick).is_integer() for tick in axes.get_xticks())


@pytest.mark.parametrize("epochs", [1, 3])
def test_both_files_are_pictures(tmp_path, epochs):
    history = {name: values[:epochs] for name, values in HISTORY.items()}
    paths = write_plots(history, str(tmp_path / "plots"), best_epoch=1)
    assert [path.rsplit("/", 1)[1] for path in paths] == ["loss.png", "binary_accuracy.png"]
    for path in paths:
        picture = imread(path)
        assert picture.shape[0] > 300
        assert picture.std() > 0.05
