"""Twice as many of anything cost about twice as much: calls are counted, and no clock is read."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dirac_prodsys.core.grid import command_line
from dirac_prodsys.core.proof import read
from dirac_prodsys.core.query.meta_query import MetaQuery, join
from dirac_prodsys.core.query.spans import Spans
from dirac_prodsys.errors import MetaQueryError

#: calls of twice as many, at most so many times those of one: what is quadratic has four
MOST = 2.6

JOB = "job: {type: script, executable: x, arguments: '--task @{JOB_ID}'}"


def calls(act: Callable[[], object]) -> int:
    """How many functions are called, those of the interpreter as well."""
    count = 0

    def called(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def output(name: str, metadata: str = "", more: str = "") -> str:
    metadata = metadata or f"run: '${{{{ run }}}}', step: {name}"
    directory = f"'/sim/p/${{{{ run }}}}/{name}'"
    return (
        f"output: {{directory: {directory}, se: A, metadata: {{{metadata}}}{more}, "
        "files: ['a_@{JOB_ID}']}"
    )


def first(name: str, metadata: str = "", more: str = "", kind: str = "MCSimulation") -> str:
    return f"  {name}: {{type: {kind}, tasks: 2, {JOB}, {output(name, metadata, more)}}}\n"


def child(name: str, source: str, job: str = JOB) -> str:
    return f"  {name}: {{type: Merging, input: {{{source}}}, {job}, {output(name)}}}\n"


def production(*steps: str, head: str = "") -> str:
    return f"version: 1\nproduction: {{name: p, vo: sim}}\n{head}steps:\n{''.join(steps)}"


def of_one(n: int, where: str) -> str:
    """Children of one step, each with its own condition."""
    children = (
        child(f"t{i}", f"from: s, where: {{f: {where.format(low=i, high=i + 1)}}}")
        for i in range(n)
    )
    return production(first("s"), *children)


def without_output(n: int) -> str:
    """Steps that do the same with the same files."""
    same = (
        f"  t{i}: {{type: Merging, input: {{from: s, where: {{f: 1}}}}, {JOB}}}\n" for i in range(n)
    )
    return production(first("s"), *same)


def gathered(n: int) -> str:
    names = ", ".join(f"s{i}" for i in range(n))
    return production(*(first(f"s{i}") for i in range(n)), child("t", f"from: [{names}]"))


def fields_of_their_own(n: int) -> str:
    return production(
        *(first(f"s{i}", f"m{i}: 1") for i in range(n)),
        *(child(f"t{i}", f"where: {{m{i}: 1, x: 1}}") for i in range(n)),
    )


def ranges_of_nobody(n: int) -> str:
    return production(
        *(first(f"s{i}", f"x: {i}, run: '${{{{ run }}}}'") for i in range(n)),
        *(child(f"t{i}", f"where: {{x: {{'>': {n + i}}}, z: 1}}") for i in range(n)),
    )


def declared_types(n: int) -> str:
    types = ", ".join(f"T{i}: {{input: false}}" for i in range(n))
    steps = (first(f"s{i}", kind=f"T{i}") for i in range(n))
    return production(*steps, head=f"types: {{{types}}}\n")


def wanted_fields(n: int) -> str:
    where = ", ".join(f"f{i}: 1" for i in range(n))
    return production(first("s"), child("t", f"from: s, where: {{{where}}}"))


def listed_values(n: int) -> str:
    values = ", ".join(str(i) for i in range(n))
    steps = (child(f"t{i}", f"from: s, where: {{f: {{in: [{values}]}}}}") for i in range(10))
    return production(first("s"), *steps)


@pytest.mark.parametrize(
    "text",
    [
        lambda n: of_one(n, "{low}"),
        lambda n: of_one(n, "{{'>': {low}, '<': {high}}}"),
        lambda n: of_one(n, "{{'>': {low}}}"),
        lambda n: of_one(n, "1"),
        without_output,
        gathered,
        fields_of_their_own,
        ranges_of_nobody,
        declared_types,
        wanted_fields,
        listed_values,
    ],
    ids=[
        "each another value",
        "ranges side by side",
        "ranges in each other",
        "the same value",
        "the same work",
        "a gather",
        "fields of their own",
        "ranges of nobody",
        "declared types",
        "fields asked for",
        "values listed",
    ],
)
def test_twice_as_many_are_read_with_twice_the_calls(text: Callable[[int], str]) -> None:
    def reading(n: int) -> int:
        read(text(n), "many.yaml")  # what is made once is made
        return calls(lambda: read(text(n), "many.yaml"))

    assert reading(100) < MOST * reading(50)


def test_queries_with_lists_are_joined_with_twice_the_calls() -> None:
    def joining(n: int) -> int:
        queries = [MetaQuery.parse({"step": f"s{i}", "q": [i, i + 1]}) for i in range(n)]

        def act() -> None:
            with pytest.raises(MetaQueryError):
                join(queries)

        act()
        return calls(act)

    assert joining(200) < MOST * joining(100)


def test_a_union_is_sorted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sorts = []
    real = join.__globals__["OneOf"]
    monkeypatch.setitem(join.__globals__, "OneOf", _Counted(real, sorts))
    joined = join(MetaQuery.parse({"step": f"s{i}"}) for i in range(500))
    assert len(joined.listed["step"]) == 500
    assert len(sorts) == 1


def test_what_is_part_of_another_is_found_as_if_each_were_asked() -> None:
    forms = [1, 2, [1, 2], [2, 3], [1, 2, 3], {">": 0}, {">": 2, "<": 9}, "Any", "Missing"]
    chosen = random.Random(1)  # noqa: S311
    for _ in range(300):
        queries = [
            MetaQuery.parse({f: chosen.choice(forms) for f in "abc" if chosen.random() < 0.6})
            for _ in range(5)
        ]
        distinct = list(dict.fromkeys(queries))
        widest = [q for q in distinct if not any(o != q and o.subsumes(q) for o in distinct)]
        if len(widest) == 1:
            assert join(queries) == widest[0]


@pytest.mark.parametrize("sign", ["a", "\\\\a", '"a" ', "'a\\' ", " "])
def test_a_line_of_twice_the_length_is_split_with_twice_the_calls(sign: str) -> None:
    def splitting(n: int) -> int:
        command_line.words.cache_clear()
        return calls(lambda: command_line.words(sign * n))

    assert splitting(2_000) < MOST * splitting(1_000)


def test_a_line_that_steps_share_is_split_once() -> None:
    command_line.words.cache_clear()
    line = "--long " * 50
    steps = (first(f"s{i}").replace("--task", line) for i in range(20))
    read(production(*steps), "many.yaml")
    assert command_line.words.cache_info().misses == 2  # the program, and its arguments


VALUES = st.sampled_from([1, 2, 3, 2.5, "x", "y", "Z"])
LISTS = st.lists(VALUES, min_size=1, max_size=3)
ENDS = st.tuples(st.sampled_from([">", ">=", "<", "<=", "nin"]), VALUES)
RANGES = ENDS.map(lambda end: {end[0]: [end[1]] if end[0] == "nin" else end[1]})
CONDITIONS = st.one_of(LISTS, RANGES, st.sampled_from(["Any", "Missing"]))
QUERIES = st.dictionaries(st.sampled_from("ab"), CONDITIONS, min_size=1)


@given(st.lists(QUERIES, min_size=1, max_size=6), QUERIES)
def test_queries_that_lie_apart_share_no_file(forms: list[dict[str, object]], form: object) -> None:
    try:
        known = {str(n): MetaQuery.parse(one) for n, one in enumerate(forms)}
        asked = MetaQuery.parse(form)  # type: ignore[arg-type]
    except MetaQueryError:  # no text is below the least
        return
    apart = Spans(known).apart(asked)
    assert not any(known[name].intersects(asked) for name in apart)


def test_of_ranges_side_by_side_only_neighbours_are_left() -> None:
    known = {str(n): MetaQuery.parse({"f": {">": n, "<": n + 1}}) for n in range(10)}
    apart = Spans(known).apart(known["5"])
    assert sorted(known.keys() - apart) == ["4", "5", "6"]


class _Counted:
    """A class that notes how often it is called."""

    def __init__(self, real: type, made: list[None]) -> None:
        self._real, self._made = real, made

    def __call__(self, *args: object) -> object:
        self._made.append(None)
        return self._real(*args)

    def __instancecheck__(self, one: object) -> bool:
        return isinstance(one, self._real)
