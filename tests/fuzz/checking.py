"""What must hold of every file, however broken: it is a production, or the errors say why not.

Invariant: every error has a file, a line and a column within it, a reason, a way out and a code;
there are not many of a kind, and all of them together are not long.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

import dirac_prodsys.core
from dirac_prodsys.core.dialects import inspect
from dirac_prodsys.core.problems import bounded_guesses
from dirac_prodsys.core.proof import Subject, prove
from dirac_prodsys.core.proof.findings import RULES
from dirac_prodsys.errors import MOST_OF_A_KIND, DefinitionError, DefinitionErrors
from tests.fuzz.cases import Case
from tests.fuzz.guard import Forbidden, TooSlow, nothing_happens
from tests.fuzz.seeds import seeds

#: seconds of CPU time that one file may take on a machine of usual speed
SECONDS = 1.0
#: how often a file that took longer is read
ATTEMPTS = 4
#: entries of the yardstick below, and the CPU seconds that they take a machine of usual speed
ENTRIES, USUAL = 20_000, 0.2
#: bytes of all messages about one file
MESSAGE = 64 * 1024


def warm_up() -> None:
    """Import all that reading may import, and all files once as they are.

    Later nothing may be opened or compiled; networkx compiles an algorithm when it is first used.
    """
    for module in pkgutil.walk_packages(dirac_prodsys.core.__path__, "dirac_prodsys.core."):
        importlib.import_module(module.name)
    for seed in seeds():
        _errors_of(Case(seed.name, seed.text, seed.others))


def slowness() -> float:
    """How many times slower than usual this machine is now; at least 1.

    The yardstick makes, sorts and throws away many small values, as reading a file does: what
    slows it down is the memory that a machine shares, and a plain loop does not feel that.
    """
    started = time.process_time()
    entries = [{"name": f"n{i}", "of": [i, str(i), {"a": float(i)}]} for i in range(ENTRIES)]
    read = json.loads(json.dumps(entries))
    found = {(entry["name"], tuple(map(str, entry["of"]))): entry for entry in read}
    {name: frozenset(of) for (name, of), _ in sorted(found.items(), key=lambda pair: pair[0])}
    return max(1.0, (time.process_time() - started) / USUAL)


def complaint(one: Case, seconds: float = SECONDS) -> str:
    """What is wrong with how the file is read; empty if nothing is."""
    try:
        errors = _errors_in_time(one, seconds)
    except (Exception, Forbidden, TooSlow) as error:
        return "".join(traceback.format_exception(error)[-6:])
    mistakes = DefinitionErrors(errors)
    size = len(str(mistakes).encode("utf-8", "replace"))
    if size > MESSAGE:
        return f"{size:,} bytes of messages about it: {mistakes.errors[0]}"
    kinds = Counter(error.code for error in mistakes.errors)
    if kinds and max(kinds.values()) > MOST_OF_A_KIND + 2:
        return f"too many of a kind: {kinds.most_common(1)}"
    return "\n".join(text for error in mistakes.errors for text in _lacks(error, one))


def _errors_in_time(one: Case, seconds: float) -> list[DefinitionError]:
    """All errors of the file, read again if that took too long.

    Neighbours on the machine take its caches: they can make a file slow, but never fast. So the
    fastest of some attempts says how long it takes.

    :raises TooSlow: no attempt was fast enough.
    """
    allowed = seconds
    for _ in range(ATTEMPTS - 1):
        with suppress(TooSlow), nothing_happens(allowed):
            return _errors_of(one)
        allowed = seconds * slowness()
    with nothing_happens(allowed):
        return _errors_of(one)


def _errors_of(one: Case) -> list[DefinitionError]:
    """All errors of the file."""
    try:
        reading = inspect(one.text, one.name, read_sibling=one.others.get)
    except DefinitionErrors as errors:
        str(errors)
        return list(errors.errors)
    problems = [*reading.mistakes, *reading.remarks]
    if reading.plan is not None and reading.production is not None:
        reading.plan.to_dict()
        subject = Subject(reading.production, reading.plan)
        with bounded_guesses():  # as ``proof.read`` does
            problems += [reading.at_place(problem) for problem in prove(subject)]
    elif not reading.mistakes:
        raise AssertionError("there is no plan, and no mistake")
    str(DefinitionErrors(problems))
    return problems


def _lacks(error: DefinitionError, one: Case) -> Iterable[str]:
    rule = RULES.get(error.code)
    if rule is None:
        yield f"no rule {error.code!r}: {error}"
        return
    if error.file != one.name and error.file not in one.others:
        yield f"no such file {error.file!r}: {error}"
        return
    own = one.text.decode("utf-8", "replace")
    text = own if error.file == one.name else one.others[error.file]
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not 1 <= error.line <= len(lines):
        yield f"no line {error.line} of {len(lines)}: {error}"
    elif not 1 <= error.column <= len(lines[error.line - 1]) + 1:
        yield f"no column {error.column}: {error}"
    if not error.reason.strip():
        yield f"no reason: {error}"
    if not error.hint.strip() and rule.severity != "note":
        yield f"no way out: {error}"
