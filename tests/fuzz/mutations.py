"""How a file is broken: in its bytes, its tokens, its keys, its values, its structure.

Invariant: what comes out depends on the random numbers and the seed files alone.
"""

from __future__ import annotations

import copy
import datetime
import math
import re
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

from tests.fuzz.seeds import seeds

#: a place in the data: what contains it, and by which key or index
Place = tuple[Any, Any]

_TOKEN = re.compile(rb"\w+|\s+|[^\w\s]")

#: what a text may be strewn with
TOKENS = tuple(
    token.encode("utf-8", "surrogatepass")
    for token in (
        *("{", "}", "[", "]", ",", ":", "-", "?", "|", ">", "&", "*", "!", "%", "@", "`", "#"),
        *("'", '"', "~", "<<", "=", "${{", "}}", "@{", "\t", "\r", "\x00", "\x07", "\x85"),
        *("\n", "\r\n", "\n\n", "\n  ", "  ", ": ", "- ", "? ", "---\n", "...\n", "--- !!x\n"),
        *("%YAML 9.9\n", "%TAG ! x:\n", "<<: *a\n", "&a ", "*a", "!!binary ", "!!set ", "!x "),
        *("!!python/object/apply:os.system ['true']", "!!python/name:os.system"),
        *("!!python/object/new:subprocess.Popen [['true']]", "!!python/module:socket "),
        *("${{ run }}", "${{ parameters.x }}", "${{ matrix.x }}", "${{ __import__('os') }}"),
        *("{{ 1 }}", "{% raw %}", "@{JOB_ID}", "${{ run", "${{ ${{ run }} }}", "$(true)"),
        *('"\\ud800"', '"\\U0010ffff"', '"\\x00"', '"\\N"', "\ud800", "\ufeff", "\u2028", "😀"),
        *("1e400", "-1e400", ".nan", ".inf", "0x1f", "0o17", "1_000", "190:20:30", "9" * 5000),
        *("2026-11-20", "NO", "yes", "null", "1.10", "-0", "a" * 5000, "é" * 300, "[" * 60),
        *("{a: " * 60, "- " * 60, "../", "/", "//", "/..", "\\", "file:///etc/passwd"),
    )
)
#: what a value may become
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, math.nan, math.inf, -math.inf, 10**400),
    *(2**31, 2**63, 20, 20.0, "20", "1e3", "1.10", "NO", "null", "", " ", "\n", "\t", "\x00"),
    *(
        "a" * 300,
        "ä" * 200,
        "a" * 20_000,
        "😀",
        "\u202e",
        "x\ny",
        "'",
        '"',
        "%",
        "\\",
        "a;b",
        "a b",
    ),
    *("/", "//", "/..", "../x", "/a/../b", ".", "~", "/a//b", "*", "?", "[a]", "@{JOB_ID}", "@{"),
    *("${{ run }}", "${{run}}", "${{ }}", "${{", "}}", "${{ step }}", "${{ parameters.x }}"),
    *("${{ matrix.x }}", "${{ parameters }}", "${{ a.b.c }}", "${{ '' }}", "{{ ti }}", "$X"),
    *([], {}, [[]], [None], {"": ""}, {"=": 1}, {"in": []}, {"in": [1, "1"]}, {">": "a"}),
    *({"<": 1, ">": 2}, {"!=": None}, {"nin": [1.0]}, {"=": {"=": 1}}, {"exists": True}, {"=": []}),
    *({"from": "x"}, {"from": []}, {"dataset": "x"}, {"query": {}}, {"lfns": ["/a"]}, [1, 1.0]),
    *(datetime.date(2026, 11, 20), datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC), b"\xff"),
)
#: what a key may become
KEYS: tuple[Any, ...] = (
    *(
        "",
        " ",
        "a" * 300,
        "é",
        "x\ny",
        "${{ run }}",
        "${{ matrix.x }}",
        ".",
        "a.b",
        "-",
        "__class__",
    ),
    *("=", "in", "<", "from", "where", "query", "dataset", "extends", "matrix", "defaults"),
    *("parameters", "common", "version", "ProdSteps", "Common", "steps", "production", "name"),
    *(None, 1, 1.5, True, datetime.date(2026, 11, 20)),
)


def text_of(data: Any) -> bytes:
    """The data as YAML, without anchors."""
    return yaml.dump(
        data, Dumper=_Plain, sort_keys=False, allow_unicode=True, default_flow_style=None
    ).encode("utf-8", "surrogatepass")


class _Plain(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def break_bytes(random: Random, text: bytes) -> bytes:
    """One byte, or a span of them, changed, taken out, doubled or cut off."""
    here = random.randrange(len(text) + 1)
    there = min(len(text), here + random.choice((1, 1, 1, 2, 10, 100)))
    new = random.choice(
        (
            bytes([random.randrange(256)]),
            bytes([text[here] ^ (1 << random.randrange(8))]) if here < len(text) else b"\n",
            b"",
            text[here:there] * 2,
            text[here:there][::-1],
        )
    )
    return text[:here] + new + (b"" if random.random() < 0.05 else text[there:])


def break_tokens(random: Random, text: bytes) -> bytes:
    """Words and signs swapped, strewn in, taken out, or of another file."""
    tokens = _TOKEN.findall(text) or [b""]
    here, there = random.randrange(len(tokens)), random.randrange(len(tokens))
    what = random.randrange(5)
    if what == 0:
        tokens[here], tokens[there] = tokens[there], tokens[here]
    elif what == 1:
        tokens.insert(here, random.choice(TOKENS))
    elif what == 2:
        tokens[here] = random.choice(TOKENS)
    elif what == 3:
        del tokens[here]
    else:
        others = _TOKEN.findall(random.choice(seeds()).text) or [b""]
        tokens[here] = random.choice(others)
    return b"".join(tokens)


def break_key(random: Random, data: Any) -> None:
    """A key misspelt, replaced, taken out, or one more."""
    mappings = [d for d in [data, *(c[k] for c, k in places(data))] if isinstance(d, dict) and d]
    if not mappings:
        return
    mapping = random.choice(mappings)
    key = random.choice(list(mapping))
    what = random.randrange(4)
    if what == 0:
        del mapping[key]
        return
    if what == 1:
        mapping[random.choice(KEYS)] = copy.deepcopy(random.choice(VALUES))
        return
    new: Any = random.choice(KEYS)
    if what == 2:
        word = str(key)
        cut = random.randrange(len(word) + 1)
        new = word[:cut] + random.choice(("", "x", "_", word[cut:][:1])) + word[cut + 1 :]
    items = [(new if k is key else k, v) for k, v in mapping.items()]
    mapping.clear()
    mapping.update(items)


def break_value(random: Random, data: Any) -> None:
    """A value replaced: by a nasty one, or by one of another file."""
    where = places(data)
    if not where:
        return
    container, key = random.choice(where)
    if random.random() < 0.3:
        others = places(random.choice(seeds()).data)
        if others:
            other, other_key = random.choice(others)
            container[key] = copy.deepcopy(other[other_key])
            return
    container[key] = copy.deepcopy(random.choice(VALUES))


def break_structure(random: Random, data: Any) -> None:
    """Parts wrapped, unwrapped, doubled, moved, swapped, or put into themselves."""
    where = places(data)
    if not where:
        return
    (one, key), (other, other_key) = random.choice(where), random.choice(where)
    part = one[key]
    what = random.randrange(7)
    if what == 0:
        one[key] = [part] * random.choice((1, 2, 3, 40))
    elif what == 1:
        one[key] = {random.choice(KEYS): part}
    elif what == 2 and isinstance(part, dict | list) and part:
        one[key] = next(iter(part.values() if isinstance(part, dict) else part))
    elif what == 3:
        one[key], other[other_key] = copy.deepcopy(other[other_key]), copy.deepcopy(part)
    elif what == 4:
        other[other_key] = copy.deepcopy(part)
    elif what == 5 and isinstance(part, list):
        part.extend(copy.deepcopy(part))
    elif what == 6 and isinstance(part, dict):
        part.update({f"{name}{n}": copy.deepcopy(v) for n in range(5) for name, v in part.items()})


def places(data: Any) -> list[Place]:
    """Every place in the data."""
    found: list[Place] = []
    stack = [data]
    while stack:
        container = stack.pop()
        if isinstance(container, dict):
            inside: list[Any] = list(container)
        elif isinstance(container, list):
            inside = list(range(len(container)))
        else:
            continue
        found += [(container, key) for key in inside]
        stack += [container[key] for key in inside]
    return found


IN_TEXT: tuple[Callable[[Random, bytes], bytes], ...] = (break_bytes, break_tokens)
IN_DATA: tuple[Callable[[Random, Any], None], ...] = (break_key, break_value, break_structure)
