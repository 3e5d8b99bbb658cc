"""The plots show the history's own numbers, as SVG files."""

from xml.etree import ElementTree

import pytest

from components.trainer.plots import write_plots

HISTORY = {
    "loss": [0.09, 0.04, 0.03],
    "val_loss": [0.05, 0.04, 0.045],
    "binary_accuracy": [0.985, 0.99, 0.992],
    "val_binary_accuracy": [0.986, 0.991, 0.99],
    "val_lrap": [0.7, 0.8, 0.79],
}


@pytest.mark.parametrize("epochs", [1, 3])
def test_the_files_show_every_epoch_and_the_kept_one(tmp_path, epochs):
    history = {name: values[:epochs] for name, values in HISTORY.items()}
    write_plots(history, str(tmp_path / "plots"), kept_epoch=1)
    for name in ("loss", "binary_accuracy", "lrap"):
        drawing = ElementTree.parse(tmp_path / "plots" / f"{name}.svg")
        texts = [each.text for each in drawing.iter() if each.text]
        splits = {"training": history.get(name, []), "validation": history[f"val_{name}"]}
        for split, values in splits.items():
            shown = [f"{split}: {epoch}, {value:.4g}" for epoch, value in enumerate(values, 1)]
            assert [text for text in texts if text.startswith(f"{split}:")] == shown
        named = {split for split, values in splits.items() if values}
        assert {*named, "epoch", "kept epoch (1)"} <= set(texts)
