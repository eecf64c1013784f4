"""The tutorial is true: its files are written, its changes made and its commands run, in order.

Each ``console`` block shows commands and what they print. To write the output anew, and then read
the difference: ``python -m tests.unit.docs.test_tutorial``.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from dirac_prodsys.cli.main import app

TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorial.md"
FILE = Path("bands.yaml")
BLOCK = re.compile(r"^```(yaml|diff|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def output_of(line: str) -> str:
    """What a command line prints, in the current folder."""
    program, *arguments = shlex.split(line)
    if program == "cp":
        shutil.copy(*arguments)
        return ""
    assert program == "dirac-prodsys"
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return "\n".join(text.rstrip() for text in result.output.splitlines()) + "\n"


def changed(text: str, difference: str) -> str:
    """The text with each line that begins with a minus replaced by the one after it."""
    lines = difference.splitlines()
    for old, new in zip(lines[::2], lines[1::2], strict=True):
        assert (old[0], new[0]) == ("-", "+")
        assert text.count(old[1:] + "\n") == 1, old
        text = text.replace(old[1:], new[1:])
    return text


def blocks(document: str) -> Iterator[tuple[re.Match[str], str]]:
    """Every block, and what it should be; for this the files are made in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        FILE.write_text("")
        for block in BLOCK.finditer(document):
            kind, text = block[1], block[2]
            if kind == "yaml":
                FILE.write_text(text)
            elif kind == "diff":
                FILE.write_text(changed(FILE.read_text(), text))
            else:
                commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
                text = "".join(f"$ {line}\n{output_of(line)}" for line in commands)
            yield block, text


def filled(document: str) -> str:
    """The document with the output that its commands have."""
    made, end = "", 0
    for block, text in blocks(document):
        made += f"{document[end : block.start()]}```{block[1]}\n{text}```"
        end = block.end()
    return made + document[end:]


def test_every_command_prints_what_the_tutorial_shows(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    document = TUTORIAL.read_text("utf-8")
    found = list(blocks(document))
    assert len(found) > 3
    for block, text in found:
        assert block[2] == text


def test_the_tutorial_shows_commands_of_every_kind() -> None:
    commands = re.findall(r"^\$ dirac-prodsys (\w+)", TUTORIAL.read_text("utf-8"), re.MULTILINE)
    assert set(commands) == {"lint", "plan", "graph", "explain", "diff"}
    assert "dirac-prodsys rehearse bands.yaml --tasks" in TUTORIAL.read_text("utf-8")


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    TUTORIAL.write_text(filled(TUTORIAL.read_text("utf-8")), "utf-8")
