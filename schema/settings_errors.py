"""What a person is told about a wrong setting: in a profile, in `--set`, or in a cloud's run."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from schema.errors import UsageError
from schema.settings import Settings

_Section = TypeVar("_Section", bound=Settings)

RENAMED: Final[Mapping[str, str]] = {
    "features.text": "features.input",
    "trainer.members": "trainer.ensemble_size",
    "trainer.bias_start": "trainer.output_bias_init",
    "trainer.decay": "trainer.lr_schedule",
    "trainer.served_kernel": "trainer.first_layer_dtype",
}
_NO_PER_LABEL: Final = (
    "thresholds of its own for each label suggested worse than one for all on 5 of 6 splits; "
    "choose 'global' or 'half_f1'"
)
REMOVED: Final[Mapping[str, str]] = {
    "trainer.monitor": "early stopping always watches validation LRAP",
    "trainer.rare_label_papers": "`trainer.rare_label_weight` always fades over 200 papers",
    "trainer.threshold_shrinkage": "it tuned per-label thresholds, which suggested worse than one "
    "for all labels",
}
# Choices of a setting that is still there.
REMOVED_CHOICES: Final[Mapping[tuple[str, str], str]] = {
    ("trainer.optimizer", "lazy_adam"): "`lazy_rms` takes half its time",
    ("trainer.thresholds", "per_label"): _NO_PER_LABEL,
    ("trainer.thresholds", "auto"): _NO_PER_LABEL,
}

# How pydantic is told the two forms of what a tuner searches.
RANGE: Final = "[range]"
VALUES: Final = "[values]"

# In the words of a YAML file; pydantic's are those of JSON and Python.
_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "must be given",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "union_tag_not_found": "must be a list of values, or a range such as {{min: 1, max: 3}}",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "string_too_short": "must have at least {min_length} character",
    "too_short": "must be a list of at least {min_length}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
}


def explain(
    error: ValidationError,
    kind: type[BaseModel],
    section: str = "",
    where: Callable[[tuple[str, ...]], str] = lambda _: "",
) -> str:
    """Returns a line for each wrong setting.

    Args:
        error: What pydantic found.
        kind: The class that was to be made.
        section: Where it stands in the configuration; empty for the whole of it.
        where: Returns what is added about the place where a setting was set, by its path.
    """
    lines: dict[str, str] = {}
    for fault in error.errors():
        if fault["type"] == "too_short" and fault["input"]:
            # Pydantic counts right entries only; the wrong ones have lines of their own.
            continue
        path = [str(part) for part in fault["loc"] if not _is_notation(part)]
        name = ".".join([section, *path] if section else path)
        # Of a union, pydantic names a fault for each member; the first is the one that is meant.
        lines.setdefault(name, f"  {_explain_one(fault, name, path, kind)}{where(tuple(path))}")
    return "\n".join(lines.values())


def read_section(kind: type[_Section], text: str, section: str) -> _Section:
    """Reads a section that travelled as JSON, such as a parameter of a run in a cloud.

    Args:
        kind: The section's class.
        text: The JSON.
        section: Its name in the configuration.

    Raises:
        UsageError: A setting is wrong; the message names each.
    """
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        lines = explain(error, kind, section)
        raise UsageError(f"The settings of this run are not valid:\n{lines}") from error


def _explain_one(fault: Any, name: str, path: list[str], kind: type[BaseModel]) -> str:
    value = fault["input"]
    if fault["type"] == "extra_forbidden":
        if name in RENAMED:
            return f"`{name}` is now `{RENAMED[name]}`"
        if name in REMOVED:
            return f"`{name}` was removed: {REMOVED[name]}"
        similar = _similar(name, path, kind)
        hint = f"; did you mean `{similar}`?" if similar else ""
        return f"{name}: there is no such setting{hint}"
    if isinstance(value, str) and (name, value) in REMOVED_CHOICES:
        return f"`{name}: {value}` was removed: {REMOVED_CHOICES[name, value]}"
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":
        return f"{name}: {context['error']}".removeprefix(": ")
    message = _MESSAGES.get(fault["type"], fault["msg"]).format(**context)
    return f"{name}: {message}, got {json.dumps(value, ensure_ascii=False, default=str)}"


def _is_notation(part: int | str) -> bool:
    """Tells whether pydantic says by it which key or member of a union it means."""
    return part in ("[key]", "constrained-str", RANGE, VALUES) or str(part).startswith("literal[")


def _similar(name: str, path: list[str], kind: type[BaseModel]) -> str | None:
    """Returns the setting that was meant: a similar key beside it, or the same one elsewhere."""
    prefix, _, key = name.rpartition(".")
    beside: Any = kind
    for part in path[:-1]:
        beside = beside.model_fields[part].annotation
        if not hasattr(beside, "model_fields"):
            return None
    close = difflib.get_close_matches(key, beside.model_fields, n=1)
    if close:
        return f"{prefix}.{close[0]}".lstrip(".")
    return next((other for other in _names(kind) if other.endswith(f".{key}")), None)


def _names(kind: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in kind.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _names(field.annotation, f"{prefix}{name}.")
