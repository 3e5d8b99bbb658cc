"""What a model says about itself: labels, thresholds and metrics, of every age of model.

A SavedModel keeps its label vocabulary in `assets/`, and in `assets.extra/` what Trainer knew of it
(`model_info.json`) and, once it is pushed, its test metrics (`evaluation.json`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from schema import names
from schema.errors import BadInputError
from schema.text import decode_text
from schema.words import Words


class ModelMetadata:
    """Reads each file of a SavedModel when something in it is first asked for.

    Every attribute raises a BadInputError that names the file if it can't be read.

    Args:
        saved_model: The model's folder, or its address if `open_file` can open it.
        open_file: Opens a path in the mode "rb", as `open` and TFX's `fileio.open` do.
    """

    def __init__(
        self,
        saved_model: str | Path,
        open_file: Callable[..., AbstractContextManager[BinaryIO]] = open,
    ) -> None:
        self._folder = str(saved_model).rstrip("/")
        self._open_file = open_file

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The L labels in the order of the probabilities, most frequent in training first."""
        return tuple(decode_text(line) for line in self._read_vocabulary(names.LABEL_VOCABULARY))

    @property
    def ngrams(self) -> int | None:
        """The number of n-grams in its vocabulary; None where it has other features."""
        if names.OUTPUT_KNOWN_SHARE in self.lacks:
            return None
        # The first line stands for all others.
        return len(self._read_vocabulary(names.NGRAM_VOCABULARY)) - 1

    @property
    def lacks(self) -> Sequence[str]:
        """Signatures and outputs that it hasn't, because it is not all of this project."""
        return list(self._info.get("lacks", []))

    @property
    def threshold(self) -> float:
        """The minimum score to suggest a label."""
        return self._number("threshold")

    @property
    def threshold_kind(self) -> str:
        """How the threshold was chosen; `per_label` in older models with one for each label."""
        return str(self._info.get("thresholds", "global"))

    @property
    def epochs(self) -> int:
        """How many epochs it was trained."""
        return int(self._number("epochs"))

    @property
    def kept_epoch(self) -> int:
        """The epoch whose weights it has, from 1 on."""
        return int(self._number("kept_epoch"))

    @property
    def validation(self) -> Mapping[str, float]:
        """The kept epoch's metrics on validation; empty if there is no `model_info.json`."""
        metrics = self._info.get("validation", {})
        return {name.removeprefix("val_"): value for name, value in metrics.items()}

    @cached_property
    def test(self) -> Mapping[str, float]:
        """Its metrics on the test split; empty if it was pushed without an evaluation."""
        return self._read_object(f"{self._folder}/{names.EXTRA_ASSETS_DIR}/{names.EVALUATION_FILE}")

    @property
    def words(self) -> Words:
        """What its profile calls the data; models of older versions speak of papers."""
        return Words(**{key: self._words[key] for key in self._words if key != "label_names"})

    @property
    def label_names(self) -> Mapping[str, str]:
        """What labels are called, those with a name."""
        return dict(self._words.get("label_names", {}))

    @cached_property
    def _words(self) -> dict[str, Any]:
        return self._read_object(f"{self._folder}/{names.EXTRA_ASSETS_DIR}/{names.WORDS_FILE}")

    @property
    def _info_path(self) -> str:
        return f"{self._folder}/{names.EXTRA_ASSETS_DIR}/{names.MODEL_INFO_FILE}"

    @cached_property
    def _info(self) -> dict[str, Any]:
        return self._read_object(self._info_path)

    def _read_vocabulary(self, name: str) -> list[bytes]:
        lines = self._read(f"{self._folder}/assets/{name}").split(b"\n")
        return [line for line in lines if line]

    def _number(self, name: str) -> float:
        try:
            return float(self._info[name])
        except (KeyError, TypeError, ValueError) as error:
            raise BadInputError(f"{self._info_path}: unusable {name} ({error!r}).") from error

    def _read_object(self, path: str) -> dict[str, Any]:
        """Reads a JSON object; an empty one if there is no such file."""
        try:
            content = json.loads(self._read(path))
        except ValueError as error:
            raise BadInputError(f"{path}: not JSON ({error}). Push the model again.") from error
        except BadInputError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return {}
            raise
        if not isinstance(content, dict):
            raise BadInputError(f"{path}: not a JSON object. Push the model again.")
        return content

    def _read(self, path: str) -> bytes:
        try:
            with self._open_file(path, "rb") as file:
                return file.read()
        except OSError as error:
            raise BadInputError(f"{path}: can't be read: {error}. Push the model again.") from error
