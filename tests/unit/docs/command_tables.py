"""The tables of commands in *Coming from cta-prod-submit*, as a reader sees them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "coming-from-cta-prod-submit.md"
#: the topic whose rows are words of DIRAC's shell, not programs
SHELL = "In `dirac-transformation-cli`"
_SPAN = re.compile(r"`([^`\n]+)`")
_BLOCK = re.compile(r"^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One row: what people know, and what stands beside it.

    :param sees: what the commands of ours print, one expectation each, in their order.
    """

    topic: str
    line: int
    theirs: tuple[str, ...]
    here: str
    sees: tuple[str, ...]
    differs: str

    @property
    def names(self) -> tuple[str, ...]:
        """Their commands, without arguments."""
        return tuple(each.split()[0] for each in self.theirs)

    @property
    def ours(self) -> tuple[str, ...]:
        """Command lines of ``dirac-prodsys``."""
        return self._commands("dirac-prodsys ")

    @property
    def airflow(self) -> tuple[str, ...]:
        """Command lines of Airflow's own program."""
        return self._commands("airflow ")

    @cached_property
    def yaml(self) -> tuple[dict[str, Any], ...]:
        """What is written into a production file."""
        read = (yaml.safe_load(text) for text in self._spans if re.search(r"\w: ", text))
        return tuple(part for part in read if isinstance(part, dict))

    @property
    def nothing(self) -> bool:
        """Whether it says that we have nothing."""
        return bool(re.match(r"none\b", self.here))

    @property
    def _spans(self) -> list[str]:
        return [filled(text) for text in _SPAN.findall(self.here)]

    def _commands(self, program: str) -> tuple[str, ...]:
        return tuple(text for text in self._spans if text.startswith(program))

    def __str__(self) -> str:
        return f"{self.line}-{self.names[0]}"


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def rows() -> tuple[Row, ...]:
    """Every row below *Commands* that has commands of CTADIRAC or DIRAC at its left."""
    found, topic, inside = [], "", False
    for number, line in enumerate(PAGE.read_text("utf-8").splitlines(), 1):
        if line.startswith("#"):
            inside = line == "## Commands" or (inside and line.startswith("### "))
            topic = line.lstrip("# ")
        elif inside and line.startswith("| `") and len(cells := _cells(line)) == 4:
            theirs, here, sees, differs = cells
            words = tuple(filled(word) for word in _SPAN.findall(sees))
            found.append(Row(topic, number, tuple(_SPAN.findall(theirs)), here, words, differs))
    return tuple(found)


def filled(text: str) -> str:
    """``text`` with the page's own examples for its words in capitals."""
    return re.sub(r"\b[A-Z]+\b", lambda word: _examples().get(word[0], word[0]), text)


def _examples() -> dict[str, str]:
    text = PAGE.read_text("utf-8")
    found = dict(re.findall(r"^\| `([A-Z]+)` \| [^|]+ \| `([^`]+)` \|$", text, re.MULTILINE))
    assert {"FILE", "NAME", "TAG", "STEP"} <= set(found)
    return found


def other_commands() -> tuple[str, ...]:
    """Command lines of ``dirac-prodsys`` that the page names beside its tables, with arguments."""
    text = PAGE.read_text("utf-8")
    prose = _BLOCK.sub("", text)
    lines = [line for block in _BLOCK.findall(text) for line in block.splitlines()]
    named = {re.split(r" +[#>] ", filled(line))[0] for line in (*_SPAN.findall(prose), *lines)}
    known = {line for row in rows() for line in row.ours}
    return tuple(sorted(n for n in named - known if re.match(r"dirac-prodsys \S+ \S", n)))


def example_file() -> str:
    """The file in CTAO's form that the page shows."""
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]
