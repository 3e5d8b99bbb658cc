"""Predicts with a pushed model in this process, without a server."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schema import names
from schema.errors import BadInputError, UsageError
from schema.text import encode_text
from serving.model_metadata import ModelMetadata
from serving.suggestion import Suggestion
from serving.versions import find_base, find_versions, holds_model


class Predictor:
    """A loaded model; made by `load_model`.

    Attributes:
        path: Folder of the SavedModel.
    """

    def __init__(self, path: Path, model: Any) -> None:
        self.path = path
        # The model owns the variables; its signatures work only as long as it lives.
        self._model = model
        self._label_names = ModelMetadata(path).label_names

    def suggest(self, texts: Sequence[str], batch_size: int = 64) -> list[list[Suggestion]]:
        """Suggests labels for texts.

        Args:
            texts: Abstracts, or titles and abstracts joined by `schema.text`.
            batch_size: Texts in one call of the model.

        Returns:
            For each text its k labels, best first.

        Raises:
            BadInputError: A text can't be encoded as UTF-8.
        """
        encoded = [
            encode_text(text, f"Text {number}") for number, text in enumerate(texts, start=1)
        ]
        results: list[list[Suggestion]] = []
        for start in range(0, len(encoded), batch_size):
            outputs = self.outputs(encoded[start : start + batch_size])
            columns = (
                outputs[name]
                for name in (names.OUTPUT_LABELS, names.OUTPUT_SCORES, names.OUTPUT_SUGGESTED)
            )
            results.extend(
                [
                    Suggestion(
                        label.decode("utf-8"),
                        float(score),
                        bool(suggested),
                        self._label_names.get(label.decode("utf-8"), ""),
                    )
                    for label, score, suggested in zip(*row, strict=True)
                ]
                for row in zip(*columns, strict=True)
            )
        return results

    def outputs(self, texts: Sequence[bytes]) -> dict[str, Any]:
        """Returns the outputs of `serving_default` for texts, as arrays by name."""
        import tensorflow as tf

        signature = self._model.signatures[names.SIGNATURE_DEFAULT]
        found = signature(**{names.INPUT_TEXT: tf.constant(texts, dtype=tf.string)})
        return {name: value.numpy() for name, value in found.items()}


def load_model(model_dir: str) -> Predictor:
    """Loads a pushed model.

    Args:
        model_dir: A version's folder, a serving directory (for its highest version), or the output
            directory of a run.

    Raises:
        UsageError: There is no model at that path.
        BadInputError: The model can't be loaded, or lacks the default signature.
    """
    path = find_model(model_dir)
    import tensorflow as tf

    logging.getLogger(__name__).info("Loading the model %s", path)
    try:
        model = tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise BadInputError(
            f"The model in {path} cannot be loaded: {error}. "
            "The files are damaged or incomplete; push the model again."
        ) from error
    if names.SIGNATURE_DEFAULT not in model.signatures:
        raise BadInputError(
            f"The model in {path} has no signature {names.SIGNATURE_DEFAULT!r}, only "
            f"{sorted(model.signatures)}. Give a model that this project's pipeline pushed."
        )
    return Predictor(path, model)


def find_model(model_dir: str) -> Path:
    """Returns the folder of the SavedModel that `load_model` would load.

    Raises:
        UsageError: There is no model at that path.
    """
    if "://" in model_dir:
        raise UsageError(f"Cannot load {model_dir}: give the path of a local directory.")
    given = Path(model_dir)
    if holds_model(given):
        return given
    versions = find_versions(find_base(given))
    return versions[max(versions)]
