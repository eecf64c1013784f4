"""Defines the parameters of a production: typed values that a run chooses, with defaults.

A parameter fills placeholders ``${{ parameters.name }}``. If the placeholder is the whole value,
the value keeps its type; inside a text, its text is put in.

Invariant: a value that passes :meth:`Parameter.check` is one scalar that cannot break out of the
place it is put into: one line, without quotes, backslashes and placeholders of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import StrictFloat, StrictInt, StrictStr, model_validator

from dirac_prodsys.core.grid.specs import Spec
from dirac_prodsys.core.models import invalid, spelled
from dirac_prodsys.core.problems import nearest, short
from dirac_prodsys.core.production.patterns import check_pattern, matches
from dirac_prodsys.errors import DefinitionError

Scalar = bool | int | float | str

#: maximum characters of a text value
MAX_TEXT = 255

#: maximum number of choices that are named in a message
_SHOWN_CHOICES = 20

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FORBIDDEN = re.compile(r"[\"'\\`$]|@\{")


class Parameter(Spec):
    """A value that a run may choose; its key is its name.

    :param type: ``string``, ``int``, ``number``, ``boolean`` or ``choice``.
    :param default: what a run gets that does not say; without it, each run must say.
    :param min: least value of an int or a number.
    :param max: the greatest.
    :param choices: what there is to choose from, for ``choice``.
    :param pattern: regular expression, as RE2 reads it, that the whole of a string must match.
    :param description: shown in the form.
    """

    type: Literal["string", "int", "number", "boolean", "choice"]
    default: Any = None
    min: StrictInt | StrictFloat | None = None
    max: StrictInt | StrictFloat | None = None
    choices: tuple[Any, ...] = ()
    pattern: StrictStr | None = None
    description: StrictStr = ""

    @model_validator(mode="after")
    def _makes_sense(self) -> Parameter:
        self._check_keys()
        if self.min is not None and self.max is not None and self.min > self.max:
            raise invalid(f"min {self.min:g} is above max {self.max:g}", "exchange them")
        if self.default is not None:
            try:
                self.check(self.default)
            except DefinitionError as error:
                raise invalid(f"the default is wrong: {error.reason}", error.hint) from None
        return self

    def _check_keys(self) -> None:
        if (self.min is not None or self.max is not None) and self.type not in ("int", "number"):
            raise invalid(f"a {self.type} has no min and max", "drop them")
        if bool(self.choices) != (self.type == "choice"):
            hint = "write type: choice, choices: [a, b]"
            raise invalid("choices and the type choice go together", hint)
        for choice in self.choices:
            if not isinstance(choice, str | int | float):
                raise invalid(f"{spelled(choice)} is no choice", "choose between words and numbers")
            if isinstance(choice, str):
                try:
                    _check_text(choice)
                except DefinitionError as error:
                    raise invalid(error.reason, error.hint) from None
        if self.pattern is None:
            return
        if self.type != "string":
            raise invalid(f"a {self.type} has no pattern", "drop it")
        try:
            check_pattern(self.pattern)
        except DefinitionError as error:
            raise invalid(error.reason, error.hint) from None

    @property
    def example(self) -> Scalar:
        """Return the default; without one, a value that is allowed as far as that can be known."""
        if self.default is not None:
            return self.check(self.default)
        if self.type == "choice":
            return self.check(self.choices[0])
        if self.type == "boolean":
            return False
        if self.type == "string":
            return "value"
        low = self.min if self.min is not None else min(1, self.max if self.max is not None else 1)
        return math.ceil(low) if self.type == "int" else low

    @property
    def allowed(self) -> str:
        """Say what a run may give, and what it gets by default, in words for a form."""
        if self.default is None:
            return f"{self._kind()}; must be given"
        return f"{self._kind()}; default {as_text(self.check(self.default))}"

    def _kind(self) -> str:
        match self.type:
            case "boolean":
                return "true or false"
            case "choice":
                shown = [as_text(choice) for choice in self.choices[:_SHOWN_CHOICES]]
                more = len(self.choices) - len(shown)
                return f"one of {', '.join(shown)}{f' and {more} more' if more else ''}"
            case "string":
                matching = "" if self.pattern is None else f", matching {self.pattern}"
                return f"one line of at most {MAX_TEXT} characters{matching}"
        what = "whole number" if self.type == "int" else "number"
        if self.min is not None and self.max is not None:
            return f"{what} from {self.min} to {self.max}"
        if self.min is not None:
            return f"{what}, at least {self.min}"
        return what if self.max is None else f"{what}, at most {self.max}"

    def check(self, value: Any) -> Scalar:
        """Return the value as it is filled in.

        :raises DefinitionError: it is not allowed.
        """
        match self.type:
            case "boolean":
                flag: bool = _need(value, bool, "true or false")
                return flag
            case "string":
                return self._check_string(_need(value, str, "text"))
            case "choice":
                return self._check_choice(value)
            case _:
                return self._check_number(value)

    def _check_number(self, value: Any) -> Scalar:
        if isinstance(value, float) and self.type == "int" and value.is_integer():
            value = int(value)  # a form of a browser knows one kind of number
        kinds = (int,) if self.type == "int" else (int, float)
        what = "a whole number" if self.type == "int" else "a number"
        number: int | float = _need(value, kinds, what)
        if not math.isfinite(number):
            raise DefinitionError(f"{number} is no number to work with", f"write {what}")
        if self.min is not None and number < self.min:
            raise DefinitionError(f"{number} is below {self.min}", f"choose {self.min} or more")
        if self.max is not None and number > self.max:
            raise DefinitionError(f"{number} is above {self.max}", f"choose {self.max} or less")
        return number

    def _check_string(self, text: str) -> str:
        _check_text(text)
        if self.pattern is not None and not matches(self.pattern, text):
            raise DefinitionError(
                f"{spelled(text)} does not match {short(self.pattern)}", "match it"
            )
        return text

    def _check_choice(self, value: Any) -> Scalar:
        for choice in self.choices:
            if isinstance(choice, bool) == isinstance(value, bool) and choice == value:
                found: Scalar = choice
                return found
        raise DefinitionError(
            f"{spelled(value)} is not one of the choices",
            nearest(str(value), [str(choice) for choice in self.choices]),
        )


def check_name(name: str) -> None:
    """Check the name of a parameter or of an axis of a matrix.

    :raises DefinitionError: it is not a valid name.
    """
    if not _NAME.fullmatch(name):
        raise DefinitionError(f"{name!r} is no name for a value", "use letters, digits and _")


def values_for(parameters: Mapping[str, Parameter], given: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the value of every parameter in a run.

    :param given: the values of the run; the others get their defaults.
    :raises DefinitionError: the first that is unknown, missing or wrong, by its name.
    """
    for name in given:
        if name not in parameters:
            raise DefinitionError(f"there is no parameter {name!r}", nearest(name, parameters))
    values = {}
    for name, parameter in parameters.items():
        value = given.get(name, parameter.default)
        if value is None:
            hint = f"give it a value of type {parameter.type}"
            raise DefinitionError(f"parameter {name!r} has no default", hint)
        try:
            values[name] = parameter.check(value)
        except DefinitionError as error:
            raise DefinitionError(f"parameter {name!r}: {error.reason}", error.hint) from None
    return values


def taken(parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> str:
    """Write the values of a run in one line, with defaults marked; empty: none.

    Values without a parameter, and wrong ones, are written as they are.
    """
    parts = []
    for name, value in sorted(values.items()):
        parameter = parameters.get(name)
        default = None if parameter is None else parameter.default
        same = default is not None and (type(value), value) == (type(default), default)
        text = as_text(value) if isinstance(value, Scalar) else repr(value)
        parts.append(f"{name} = {text}{' (default)' if same else ''}")
    return ", ".join(parts)


def as_text(value: Scalar) -> str:
    """Write a value inside a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _need(value: Any, kinds: Any, what: str) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        raise DefinitionError(f"{spelled(value)} is not {what}", f"write {what}")
    return value


def _check_text(text: str) -> None:
    if not text.isprintable() or len(text) > MAX_TEXT or _FORBIDDEN.search(text):
        raise DefinitionError(
            f"{spelled(text)} is not one line of at most {MAX_TEXT} plain characters",
            "take out line breaks, quotes, backslashes, $ and @{",
        )
