"""The types of arguments and options that click has no type for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click
from click.types import IntParamType


class GivenPath(click.Path):
    """A path that is not empty, as that of a variable that is not set would be: it would mean this folder."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(path_type=Path, **kwargs)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; an empty one is a usage error."""
        if value == "":
            self.fail("it is empty.", param, ctx)
        return super().convert(value, param, ctx)


class Real(click.FloatRange):
    """A number with a fraction, unlike “nan”, which no range keeps out."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the float; anything else is a usage error."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


class Identity(IntParamType):
    """The number of a face, a decision and so on. Databases have none of more than 64 bits."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the int; anything else is a usage error."""
        number = super().convert(value, param, ctx)
        if abs(number) >= 2**63:
            self.fail(f"{value} is too large.", param, ctx)
        return number


PATH, IDENTITY = GivenPath(), Identity()
