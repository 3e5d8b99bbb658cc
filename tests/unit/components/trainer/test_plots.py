"""The plots show the history's own numbers, as SVG files."""

from xml.etree import ElementTree

import pytest

from components.trainer.plots import write_plots

HISTORY = {
    "loss": [0.09, 0.04, 0.03],
    "val_loss": [0.05, 0.04, 0.045],
    "binary_accuracy": [0.985, 0.99, 0.992],
    "val_binary_accuracy": [0.986, 0.991, 0.99],
}


@pytest.mark.parametrize("epochs", [1, 3])
def test_both_files_show_every_epoch_and_the_best(tmp_path, epochs):
    history = {name: values[:epochs] for name, values in HISTORY.items()}
    write_plots(history, str(tmp_path / "plots"), best_epoch=1)
    for name in ("loss", "binary_accuracy"):
        drawing = ElementTree.parse(tmp_path / "plots" / f"{name}.svg")
        texts = [each.text for each in drawing.iter() if each.text]
        for split, values in (("training", history[name]), ("validation", history[f"val_{name}"])):
            shown = [f"{split}: {epoch}, {value:.4g}" for epoch, value in enumerate(values, 1)]
            assert [text for text in texts if text.startswith(f"{split}:")] == shown
        assert {"training", "validation", "epoch", "best epoch (1)"} <= set(texts)
