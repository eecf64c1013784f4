"""Formats findings for a person, an editor, a code-scanning service and a GitHub workflow.

Invariant: every form names the same findings; ``json`` has no other keys than those documented, and
``sarif`` is SARIF 2.1.0 (OASIS), with the table of ``core/proof/findings.py`` as its rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from dirac_prodsys import __version__

if TYPE_CHECKING:
    from dirac_prodsys.core.proof.findings import Finding

Format = Literal["text", "json", "sarif", "github"]

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(findings: Sequence[Finding]) -> str:
    """Return each finding's place, severity, reason and code, its line with a caret, and its hint.

    The first line is ``file:line:column: severity: what is wrong [code]``.
    """
    blocks = []
    for found in findings:
        place = f"{found.file}:{found.line}:{found.column}"
        lines = [f"{place}: {found.severity}: {found.message} [{found.code}]"]
        if found.severity != "note":
            lines += [found.excerpt] if found.excerpt else []
            lines += [f"  hint: {found.hint}"] if found.hint else []
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def as_json(findings: Sequence[Finding]) -> str:
    """Return ``{"findings": […]}``: errors and warnings, as these are its two severities."""
    reported = [found.to_dict() for found in findings if found.severity != "note"]
    return json.dumps({"findings": reported}, indent=2)


def as_sarif(findings: Sequence[Finding]) -> str:
    """Return one run of SARIF 2.1.0."""
    from dirac_prodsys.core.proof.findings import rules

    known = rules()
    codes = list(known)
    known_rules = [
        {
            "id": rule.code,
            "shortDescription": {"text": rule.meaning},
            "defaultConfiguration": {"level": rule.severity},
        }
        for rule in known.values()
    ]
    results = [
        {
            "ruleId": found.code,
            "ruleIndex": codes.index(found.code),
            "level": found.severity,
            "message": {"text": f"{found.message}\n{found.hint}" if found.hint else found.message},
            "locations": [_location(found)],
        }
        for found in findings
    ]
    driver = {"name": "dirac-prodsys lint", "semanticVersion": __version__, "rules": known_rules}
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _location(found: Finding) -> dict[str, Any]:
    path = Path(found.file)
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri},
            "region": {"startLine": found.line, "startColumn": found.column},
        }
    }


def as_github(findings: Sequence[Finding]) -> str:
    """Return workflow commands, which GitHub shows beside the changed lines."""
    commands = {"error": "error", "warning": "warning", "note": "notice"}
    lines = []
    for found in findings:
        properties = {
            "file": found.file,
            "line": found.line,
            "col": found.column,
            "title": found.code,
        }
        where = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
        text = f"{found.message}\n{found.hint}" if found.hint else found.message
        lines.append(f"::{commands[found.severity]} {where}::{_data(text)}")
    return "\n".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


FORMATS: dict[str, Callable[[Sequence[Finding]], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
}
