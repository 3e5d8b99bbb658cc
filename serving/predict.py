"""Predicts with a pushed model in this process, without a server."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schema import names
from schema.errors import BadInputError, UsageError
from schema.text import encode_text
from serving.client.transport import to_suggestions
from serving.model_metadata import ModelMetadata
from serving.suggestion import Suggestions
from serving.versions import find_base, find_versions, holds_model


class Predictor:
    """A loaded model; made by `load_model`.

    Attributes:
        path: Folder of the SavedModel.
    """

    def __init__(self, path: Path, model: Any, label_names: Mapping[str, str]) -> None:
        self.path = path
        # The model owns the variables; its signatures work only as long as it lives.
        self._model = model
        self._label_names = label_names

    def suggest(
        self, texts: Sequence[str], batch_size: int = 64, *, explain: bool = False
    ) -> list[Suggestions]:
        """Suggests labels for texts.

        Args:
            texts: Abstracts, or titles and abstracts joined by `schema.text`.
            batch_size: Texts in one call of the model.
            explain: Whether to ask why; a model that can't say gives no reasons.

        Returns:
            For each text its k labels, best first.

        Raises:
            BadInputError: A text can't be encoded as UTF-8.
        """
        encoded = [
            encode_text(text, f"Text {number}") for number, text in enumerate(texts, start=1)
        ]
        results: list[Suggestions] = []
        for start in range(0, len(encoded), batch_size):
            batch = encoded[start : start + batch_size]
            outputs = self.outputs(batch, explain=explain)
            plain = {name: _decoded(value.tolist()) for name, value in outputs.items()}
            results += to_suggestions(len(batch), plain)
        return [labels.named(self._label_names) for labels in results]

    def outputs(self, texts: Sequence[bytes], *, explain: bool = False) -> dict[str, Any]:
        """Returns the outputs of `serving_default`, or `explain`, for texts, as arrays by name."""
        import tensorflow as tf

        signature = self._model.signatures[names.SIGNATURE_DEFAULT]
        if explain:
            signature = self._model.signatures.get(names.SIGNATURE_EXPLAIN, signature)
        found = signature(**{names.INPUT_TEXT: tf.constant(texts, dtype=tf.string)})
        return {name: value.numpy() for name, value in found.items()}


def _decoded(values: Any) -> Any:
    if isinstance(values, list):
        return [_decoded(each) for each in values]
    return values.decode("utf-8") if isinstance(values, bytes) else values


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
    return Predictor(path, model, ModelMetadata(path).label_names)


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
