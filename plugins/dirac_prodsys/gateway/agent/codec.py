"""Writes the verbs of the contract, their values and their errors as JSON, by their type hints.

Nothing is listed here: a new verb, or a new field of a record, travels as soon as the contract
has it.

Invariant: what is read equals what was written, for each value of a type that the contract names.
Reading makes values of the hinted types and errors of ``dirac_prodsys.errors`` only, whatever was
sent.
"""

from __future__ import annotations

import base64
import functools
import inspect
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from dirac_prodsys import errors
from dirac_prodsys.core.query.meta_query import SENT
from dirac_prodsys.errors import GatewayRejected, ProdsysError
from dirac_prodsys.gateway.protocol import ProductionGateway

#: keys of a mapping that JSON has, or that are read back from its text
_PLAIN_KEYS = (str, int)


class Form:
    """The JSON form of one type: pydantic's, but for what JSON does not have.

    Bytes are Base64; a mapping whose keys are neither text nor numbers is a list of pairs.

    :param hint: the type, as the contract names it.
    """

    def __init__(self, hint: Any) -> None:
        key, value = (*typing.get_args(hint), None, None)[:2]
        origin = typing.get_origin(hint)
        self._pairs = (
            isinstance(origin, type) and issubclass(origin, Mapping) and key not in _PLAIN_KEYS
        )
        self._bytes = hint is bytes
        self._adapter = TypeAdapter[Any](
            list[tuple[key, value]] if self._pairs else hint  # type: ignore[valid-type]
        )

    def write(self, value: Any) -> Any:
        """Return the JSON form of a value."""
        if self._bytes:
            return base64.b64encode(value).decode()
        found = list(value.items()) if self._pairs else value
        return self._adapter.dump_python(found, mode="json", warnings=False)

    def read(self, form: Any) -> Any:
        """Return the value of a JSON form.

        :raises ValueError: it is not one of the type.
        """
        if self._bytes:
            return base64.b64decode(form)
        found = self._adapter.validate_python(form, context={SENT: True})
        return dict(found) if self._pairs else found


class Verb:
    """A verb of the contract: its arguments by name, and its answer.

    :param name: a method of :class:`ProductionGateway`.
    """

    def __init__(self, name: str) -> None:
        function = getattr(ProductionGateway, name)
        hints = typing.get_type_hints(function, include_extras=True)
        self.name = name
        self._signature = inspect.signature(function)
        self._answer = Form(hints.pop("return"))
        self._arguments = {name: Form(hint) for name, hint in hints.items()}

    def write_call(self, arguments: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON form of a call's arguments, by name."""
        bound = self._signature.bind(None, *arguments, **named).arguments
        bound.pop("self")
        return {name: self._arguments[name].write(value) for name, value in bound.items()}

    def read_call(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call."""
        return {name: self._arguments[name].read(value) for name, value in form.items()}

    def write_answer(self, value: Any) -> Any:
        """Return the JSON form of what the verb returned."""
        return self._answer.write(value)

    def read_answer(self, form: Any) -> Any:
        """Return what the verb returned."""
        return self._answer.read(form)


@functools.cache
def verb(name: str) -> Verb:
    """Return a verb of the contract.

    :raises GatewayRejected: there is no such verb.
    """
    if name not in VERBS:
        raise GatewayRejected(f"the contract has no verb {name!r}")
    return Verb(name)


#: names of all verbs
VERBS = tuple(
    name
    for name, member in inspect.getmembers(ProductionGateway, inspect.isfunction)
    if not name.startswith("_")
)


def write_error(error: ProdsysError) -> dict[str, Any]:
    """Return the JSON form of an error: its class, its sentences, and what else it has in JSON."""
    facts = {name: value for name, value in vars(error).items() if _travels(value)}
    return {"class": type(error).__name__, "facts": facts}


def read_error(form: Mapping[str, Any]) -> ProdsysError:
    """Return the error; one of an unknown class is a :class:`GatewayRejected`."""
    kind = getattr(errors, str(form.get("class")), None)
    facts = dict(form.get("facts") or {})
    reason, hint = str(facts.get("reason", "")), str(facts.get("hint", ""))
    if not (isinstance(kind, type) and issubclass(kind, ProdsysError)):
        return GatewayRejected(reason, hint)
    error = kind.__new__(kind, reason, hint)
    error.args = (reason, hint)
    vars(error).update(facts)
    return error


def _travels(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)
