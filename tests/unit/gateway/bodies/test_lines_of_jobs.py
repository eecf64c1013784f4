"""Lines of jobs are judged as DIRAC's own classes treat them."""

# ruff: noqa: RUF001  the signs of text processors are the subject

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid import command_line, task_values
from dirac_prodsys.core.grid.specs import Command, JobSpec
from dirac_prodsys.core.job_types import JobContext
from dirac_prodsys.core.job_types.script import Script
from dirac_prodsys.gateway.bodies import render

LINES = [
    "--label it's",
    '--label "a b',
    "a b \\",
    '--cut "pt > 5 && eta < 2" --pct 50% --s %s %n %j; echo `id` $HOME',
    "'a b' \"c 'd'\" e\\ f",
    "–seed “5”",
    "a > log 2>&1 | b",
    '"a \\" b" \\\\',
]


def split_by_dirac(executable: str, arguments: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What DIRAC's Script starts for this line; nothing is started."""
    from DIRAC.Workflow.Modules import Script as ScriptModule

    started: list[list[str]] = []

    def system_call(**call: object) -> dict[str, object]:
        started.append(list(call["cmdSeq"]))  # type: ignore[call-overload]
        return {"OK": True, "Value": (0, "", "")}

    monkeypatch.setattr(ScriptModule, "systemCall", system_call)
    script = ScriptModule.Script()
    script.executable, script.arguments, script.applicationLog = executable, arguments, "x.log"
    script._setCommand()
    script._executeCommand()
    return started[0]


@pytest.mark.parametrize("line", LINES)
def test_diracs_script_splits_a_line_as_it_is_judged(line, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    if command_line.mistake(line) is not None:
        with pytest.raises(ValueError, match=r"No (closing quotation|escaped character)"):
            split_by_dirac("run", line, monkeypatch)
        return
    expected = [word.text for word in command_line.words(line)]
    assert split_by_dirac("run", line, monkeypatch) == ["run", *expected]


def resolved(arguments: str) -> str:
    """The arguments as DIRAC's workflow resolves them for task 7 of transformation 42."""
    from DIRAC.Core.Workflow.Utility import resolveVariables
    from DIRAC.Core.Workflow.Workflow import fromXMLString

    command = Command(executable="run", arguments=arguments)
    workflow = fromXMLString(
        render(JobSpec(name="a", job_type="Merging", commands=(command,), environment={"A": "b"}))
    )
    workflow.resolveGlobalVars()
    left = workflow.step_instances[0].parameters.find("arguments").getValue()
    # as Workflow.execute does, whose steps are linked to these two
    values = {"arguments": left, "JOB_ID": "00000007", "PRODUCTION_ID": "00000042"}
    resolveVariables(values)
    return values["arguments"]


def test_diracs_workflow_fills_in_every_value_that_passes() -> None:
    written = " ".join(f"@{{{name}}}" for name in task_values.FILLED)
    assert "@{" not in resolved(written)


@pytest.mark.parametrize("text", ["@{JOBID}", "@{TASK_ID}", "@{ JOB_ID }", "@{JOB_ID", "@{}"])
def test_diracs_workflow_leaves_what_is_refused(text: str) -> None:
    assert list(task_values.mistakes(text))
    assert resolved(f"--seed {text}") == f"--seed {text}"


def test_a_variable_of_the_environment_is_not_resolved_by_the_workflow() -> None:
    from DIRAC.Core.Workflow.Workflow import fromXMLString

    command = Command(executable="run")
    spec = JobSpec(name="a", job_type="b", commands=(command,), environment={"A": "@{JOB_ID} ]]>"})
    workflow = fromXMLString(render(spec))
    workflow.resolveGlobalVars()
    kept = workflow.parameters.find("ExecutionEnvironment").getValue()
    assert kept == "A=%40%7BJOB_ID%7D%20%5D%5D%3E"


def test_a_line_that_passes_comes_out_of_the_xml_as_it_was_written() -> None:
    line = "--cut \"a < b & c\" '>' ]] > %n %(x)s"
    job = Script(type="script", executable="run", arguments=line)
    from DIRAC.Core.Workflow.Workflow import fromXMLString

    workflow = fromXMLString(render(job.body(JobContext("a", "Merging", ()))))
    assert workflow.step_instances[0].parameters.find("arguments").getValue() == line
