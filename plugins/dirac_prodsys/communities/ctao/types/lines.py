"""Checks the settings of a CTAO job for text that CTADIRAC and DIRAC cannot take.

CTADIRAC writes ``options`` unchanged into the arguments of a program, and the configuration of the
simulation pipeline between single quotes (``SimPipeJob.run_simpipe``). ``Job.setExecutable`` drops
arguments that hold ``%n`` or ``%(…)s``, which it reserves for parametric jobs.

Invariant: a setting that passes can be rendered (``communities/ctao/body.py``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from dirac_prodsys.core.grid import command_line, task_values
from dirac_prodsys.core.problems import Path, Problems

#: text that such a job may not hold → why
UNFIT = {
    command_line.CDATA_END: "ends the XML in which DIRAC keeps the job",
    "%n": "stands for the number of a parametric job: DIRAC drops a line that holds it",
    "%(": "begins a value of a parametric job: DIRAC drops a line that holds it",
}


def check(settings: Mapping[str, Any], place: Callable[[str], Path], problems: Problems) -> None:
    """Note what is wrong with the texts among the settings of a job.

    :param place: returns the path of a key.
    """
    for key, value in settings.items():
        path = place(key)
        text = value if isinstance(value, str) else json.dumps(value)
        for sign, reason in UNFIT.items():
            if sign in text:
                problems.add(
                    path, f"the text {sign} {reason}", "write it otherwise", code="wrong-value"
                )
        task_values.check(value, path, problems)
    options = settings.get("options")
    if isinstance(options, str):
        path = place("options")
        found = command_line.mistake(options)
        if found is not None and command_line.CDATA_END not in options:
            problems.add(path, *found, code="wrong-value")
        for code, reason, hint in command_line.remarks("", options):
            problems.remark(path, reason, hint, code=code)
    piped = settings.get("simpipe_config")
    if isinstance(piped, Mapping) and "'" in json.dumps(piped):
        problems.add(
            place("simpipe_config"),
            "an apostrophe ends the quotes in which CTADIRAC hands the configuration on: every "
            "job would fail",
            "write it without apostrophes",
            code="wrong-value",
        )
