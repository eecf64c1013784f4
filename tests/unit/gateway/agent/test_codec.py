"""Whatever the contract's verbs take and return is the same after it has travelled as JSON."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue

from dirac_prodsys import errors
from dirac_prodsys.core.grid.specs import CommunityBody, MetaValue
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.errors import DefinitionError, DefinitionErrors, GatewayRejected, ProdsysError
from dirac_prodsys.gateway.agent.codec import VERBS, read_error, verb, write_error
from dirac_prodsys.gateway.protocol import ProductionGateway

QUERIES: list[dict[str, Any]] = [
    {"run": "7"},
    {"run": 7, "site": {"in": ["La Palma", "Paranal"]}},
    {"zenith": {">=": 19.5, "<": 20.25}, "particle": {"nin": ["gamma", "é"]}},
    {"level": "Any", "chunk": "Missing"},
]
texts = st.text(max_size=8)  # all of Unicode but surrogates
values = texts | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
metas = st.text("abz_é/1", min_size=1, max_size=5) | st.integers(-9, 2**40) | st.floats(-2, 2)
plain = st.recursive(
    st.none() | st.booleans() | values,
    lambda each: st.lists(each, max_size=2) | st.dictionaries(texts, each, max_size=2),
    max_leaves=4,
)
queries = st.sampled_from([MetaQuery.parse(form) for form in QUERIES])


def of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type as the contract names it."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint == MetaValue:
        return metas
    if hint in (Any, JsonValue):
        return plain
    if hint is MetaQuery:
        return queries
    if hint is CommunityBody:
        pairs = st.lists(st.tuples(texts, plain), max_size=2).map(tuple)
        return st.builds(CommunityBody, kind=st.just("dice"), job_class=texts, settings=pairs)
    if origin is typing.Annotated:
        return of(parts[0])
    if origin is typing.Literal:
        return st.sampled_from(parts)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([of(part) for part in parts])
    if origin is tuple and parts[-1] is not ...:
        return st.tuples(*map(of, parts))
    if origin in (dict, Mapping):
        return st.dictionaries(*map(of, parts), max_size=2)
    if origin in (list, tuple, frozenset, Sequence):
        made = tuple if origin is Sequence else origin
        return st.lists(of(parts[0]), max_size=2).map(made)
    if dataclasses.is_dataclass(hint) or issubclass(hint, BaseModel):
        hints = typing.get_type_hints(hint, include_extras=True)
        known = hint.model_fields if issubclass(hint, BaseModel) else hint.__dataclass_fields__
        return st.builds(hint, **{name: of(hints[name]) for name in known})
    if hint is float:
        return st.floats(allow_nan=False)
    return st.from_type(hint)


def exact(value: Any) -> Any:
    """A value with the types of all that it holds: 1, 1.0 and True are three."""
    if isinstance(value, frozenset):
        return sorted(map(exact, value))
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(exact, value)]
    if isinstance(value, Mapping):
        return sorted([exact(key), exact(each)] for key, each in value.items())
    if isinstance(value, BaseModel):
        return [type(value).__name__, exact(dict(value))]
    if dataclasses.is_dataclass(value):
        held = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return [type(value).__name__, exact(held)]
    return repr(value)


def there_and_back(form: Any) -> Any:
    return json.loads(json.dumps(form))


@pytest.mark.parametrize("name", VERBS)
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_a_verb_takes_and_returns_comes_back(name: str, data: st.DataObject) -> None:
    hints = typing.get_type_hints(getattr(ProductionGateway, name), include_extras=True)
    answer = data.draw(of(hints.pop("return")))
    arguments = {each: data.draw(of(hint)) for each, hint in hints.items()}
    asked = verb(name)
    call = asked.read_call(there_and_back(asked.write_call((), arguments)))
    read = asked.read_answer(there_and_back(asked.write_answer(answer)))
    assert (read, exact(read)) == (answer, exact(answer))
    for each, value in arguments.items():
        same = tuple(call[each]) if isinstance(value, tuple) else call[each]
        assert (same, exact(same)) == (value, exact(value))


def test_all_verbs_are_there() -> None:
    assert {"ping", "create_transformation", "caller"} <= set(VERBS)
    assert len(VERBS) > 70
    with pytest.raises(GatewayRejected, match="no verb '__init__'"):
        verb("__init__")


def classes(kind: type[ProdsysError]) -> list[type[ProdsysError]]:
    return [kind, *(each for sub in kind.__subclasses__() for each in classes(sub))]


@pytest.mark.parametrize(
    "kind",
    [each for each in classes(ProdsysError) if each.__module__ == errors.__name__],
    ids=lambda kind: kind.__name__,
)
def test_an_error_comes_back(kind: type[ProdsysError]) -> None:
    one = DefinitionError("it is wrong", "mend it", file="a.yaml", line=3, code="x")
    error = kind([one]) if kind is DefinitionErrors else kind("it is wrong", "mend it")  # type: ignore[arg-type]
    read = read_error(there_and_back(write_error(error)))
    assert type(read) is kind
    assert (str(read), read.reason, read.hint) == (str(error), error.reason, error.hint)
    assert read.retryable == error.retryable


def test_an_error_of_another_module_is_one_of_the_services() -> None:
    class Own(ProdsysError):
        pass

    read = read_error(there_and_back(write_error(Own("it is wrong", "mend it"))))
    assert type(read) is GatewayRejected
    assert read.hint == "mend it"
    assert type(read_error({"class": "Counter", "facts": {}})) is GatewayRejected
