"""Files as somebody would write them who wants reading to take for ever: much of one thing.

Each is one kind of thing, thousands of times: names that do not exist, placeholders that are not
closed, patterns that can be matched in too many ways, entries, levels, letters, branches.

Invariant: no file is longer than what is read of one.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from dirac_prodsys.core.text.reader import MAX_BYTES

#: how many of a thing
SIZES = (30, 300, 1_000, 3_000, 10_000, 20_000, 60_000)

_HEAD = "version: 1\nproduction: {name: p, vo: sim}\n"
_JOB = "job: {type: script, executable: x, arguments: '--task @{JOB_ID}'}"

#: an expression of a user, and text that it does not match
_PATTERNS = ("(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*a){20}", "([a-z]+)*!", "(a?){30}a{30}")


def _output(name: str, more: str = "") -> str:
    metadata = f"{{{more}run: '${{{{ run }}}}', step: '{name}'}}"
    directory = f"'/sim/p/${{{{ run }}}}/{name}'"
    return (
        f"output: {{directory: {directory}, se: A, metadata: {metadata}, files: ['a_@{{JOB_ID}}']}}"
    )


def _first(name: str, more: str = "", job: str = _JOB, extra: str = "") -> str:
    keys = f"type: MCSimulation, tasks: 2, {job}, {_output(name, more)}{extra}"
    return f"  {name}: {{{keys}}}\n"


def _next(name: str, source: str) -> str:
    return f"  {name}: {{type: Merging, input: {source}, {_JOB}, {_output(name)}}}\n"


def _steps(*steps: str) -> str:
    return f"{_HEAD}steps:\n{''.join(steps)}"


def _listed(n: int, word: str) -> str:
    return ", ".join(word.replace("#", str(i)) for i in range(n))


def _named(words: str) -> str:
    return _steps(_first("s", job=_JOB.replace("--task", words)))


def _matrix(lines: str, step: str = "") -> str:
    return f"{_HEAD}matrix:\n{lines}steps:\n{step or _first('s')}"


def _range(n: int) -> str:
    return f"  a: [{_listed(min(n, 500), '#')}]\n"


HOSTILE: tuple[Callable[[Random, int], str], ...] = (
    # names that do not exist
    lambda r, n: _steps(*(_next(f"step{i}", f"{{from: stop{i}}}") for i in range(n))),
    lambda r, n: _steps(_first("s"), _next("t", f"{{from: [{_listed(n, 'x#')}]}}")),
    lambda r, n: _steps(_first("s", extra=f", after: [{_listed(n, 'x#')}]")),
    lambda r, n: _steps(*(_first(f"s{i}", extra=", typo: 1") for i in range(n))),
    lambda r, n: _steps(_first("s")) + "".join(f"key{i}: 1\n" for i in range(n)),
    lambda r, n: _steps(*(_first(f"s{i}").replace("MCS", f"M{i}") for i in range(n))),
    # placeholders
    lambda r, n: _named(r.choice(("${{ ", "${{ run ", "${{parameters.", "${{", "}} ${{ ")) * n),
    lambda r, n: _named(r.choice(("@{", "@{JOBID} ", "@{JOB_ID", "$", '" ', "}} ")) * n),
    lambda r, n: _named(_listed(n, "${{ r# }}")),
    lambda r, n: _named(_listed(n, "${{ parameters.r# }}")),
    lambda r, n: _matrix(
        _range(n), _named(_listed(n, "${{ matrix.r# }}")).partition("steps:\n")[2]
    ),
    lambda r, n: _matrix(_range(n), _named("${{ matrix.a }} " * n).partition("steps:\n")[2]),
    # parameters and their patterns
    lambda r, n: (
        f"{_HEAD}parameters:\n  p: {{type: string, default: '{'a' * min(n, 250)}!', "
        f"pattern: '{r.choice(_PATTERNS)}'}}\nsteps:\n{_first('s')}"
    ),
    lambda r, n: (
        f"{_HEAD}parameters:\n  p: {{type: string, default: a, "
        f"pattern: '{r.choice(('(', 'a?', '(a{1,9}', '[a-', 'a|', '(?:')) * n}'}}\n"
        f"steps:\n{_first('s')}"
    ),
    lambda r, n: (
        f"{_HEAD}parameters:\n"
        + "".join(f"  p{i}: {{type: {r.choice(('int', 'imt'))}}}\n" for i in range(n))
        + f"steps:\n{_first('s')}"
    ),
    lambda r, n: (
        f"{_HEAD}parameters: {{p: {{type: choice, default: zz, choices: [{_listed(n, 'c#')}]}}}}\n"
        f"steps:\n{_first('s')}"
    ),
    # branches
    lambda r, n: _matrix(
        _range(n) + "  exclude:\n" + "".join(f"  - {{a: {i}}}\n" for i in range(n))
    ),
    lambda r, n: _matrix(_range(n) + "  exclude:\n" + "  - {a: 1}\n" * n),
    lambda r, n: _matrix(
        _range(n) + "  exclude:\n" + "".join(f"  - {{b{i}: 1}}\n" for i in range(n))
    ),
    lambda r, n: _matrix(
        _range(n) + "  include:\n" + "".join(f"  - {{a: {i}, k{i}: 1}}\n" for i in range(n))
    ),
    lambda r, n: _matrix(
        "".join(f"  a{i}: [{_listed(r.choice((1, 2)), '#')}]\n" for i in range(n))
    ),
    lambda r, n: _matrix(f"  a: [{_listed(n, r.choice(('#', 'x')))}]\n"),
    lambda r, n: _matrix(
        _range(n),
        "".join(_first(f"s{i}", extra=", matrix: []") for i in range(min(n, 500)))
        + _next("t", "{from: [s0, s1]}"),
    ),
    # what steps share
    lambda r, n: (
        f"{_HEAD}common: {{metadata: {{{_listed(n, 'm#: 1')}}}}}\nsteps:\n"
        + "".join(_first(f"s{i}") for i in range(min(n, 1_000)))
    ),
    lambda r, n: (
        f"{_HEAD}defaults: {{job: {{type: script, executable: x, arguments: '{'y' * n}'}}}}\n"
        "steps:\n"
        + "".join(
            f"  s{i}: {{type: MCSimulation, tasks: 1, {_output(f's{i}')}}}\n"
            for i in range(min(n, 1_000))
        )
    ),
    # graphs
    lambda r, n: _steps(_first("s"), *(_next(f"t{i}", "{from: s}") for i in range(n))),
    lambda r, n: _steps(*(_next(f"s{i}", f"{{from: s{(i + 1) % n}}}") for i in range(n))),
    lambda r, n: _steps(
        *(_first(f"s{i}") for i in range(min(n, 900))),
        _next("t", f"{{from: [{_listed(min(n, 900), 's#')}]}}"),
    ),
    lambda r, n: _steps(*(_first(f"s{i}").replace(f"/s{i}'", "/s'") for i in range(n))),
    lambda r, n: _steps(
        *(_first(f"s{i}").replace(f"/s{i}'", "/x" * (i % 12 + 1) + "'") for i in range(n))
    ),
    # entries, levels and letters
    lambda r, n: _steps(
        _next("t", f"{{lfns: [{_listed(n, r.choice(('/sim/#', 'x#', '/sim/a')))}]}}")
    ),
    lambda r, n: _steps(_first("s"), _next("t", f"{{from: s, where: {{{_listed(n, 'f#: 1')}}}}}")),
    lambda r, n: _steps(
        _first("s"), _next("t", f"{{from: s, where: {{f: {{in: [{_listed(n, '#')}]}}}}}}")
    ),
    lambda r, n: _steps(_first("s", more=f"{_listed(n, 'm-#: 1.10')}, ")),
    lambda r, n: _steps(_first("s").replace("'a_@{JOB_ID}'", _listed(n, "'a #_@{JOB_ID}'"))),
    lambda r, n: f"{_HEAD}x: {r.choice(('[', '{a: ', '- ', '? ', '&a [', '!!x ', '[a, ')) * n}",
    lambda r, n: _steps(_first("s" * n)) + f"? '{'k' * n}'\n: 1\n",
    lambda r, n: _steps(_first("s")).replace("name: p", f"name: {'p' * n}, tags: ['{'t' * n}']"),
    lambda r, n: _steps(_first("s").replace("/sim/", "/sim/" + "a/" * n)),
    lambda r, n: (
        "Common: {base_path: /ctao/x}\nProdSteps:\n"
        + "".join(
            f"- {{ID: {r.choice((1, i))}, job_config: {{type: Merging, a{i}: 1}}, "
            f"input_meta_query: {{parentID: {i + 90_000}}}}}\n"
            for i in range(n)
        )
    ),
)


def hostile(random: Random) -> bytes:
    """One such file."""
    make, size = random.choice(HOSTILE), random.choice(SIZES)
    text = make(random, size).encode()
    while len(text) > MAX_BYTES and size > 1:  # it would be refused unread
        size = size * MAX_BYTES // len(text) - 1
        text = make(random, size).encode()
    return text
