"""The base of every configuration section: frozen, strict, and closed to unknown keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """A typed, immutable configuration section.

    Parse it with ``model_validate_json``: strict JSON parsing accepts a list for a tuple
    and an integer for a float, and refuses every other change of type.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, allow_inf_nan=False
    )


# Nobody can type a tab on a command line, nor see one in a profile.
Separator = Annotated[
    str, Field(min_length=1), AfterValidator(lambda text: text.replace("\\t", "\t"))
]
