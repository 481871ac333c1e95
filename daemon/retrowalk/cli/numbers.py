"""Numbers of a command line."""

import math
from typing import Any

import click


class Within(click.FloatRange):
    """A number from `min` to `max`. click's own range lets NaN in: it is neither below nor above."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; a usage error where it is none, or out of range."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return float(super().convert(number, param, ctx))


class Whole(click.IntRange):
    """A whole number from `min` to `max`; what is none is no "integer range" to a person."""

    name = "whole number"
