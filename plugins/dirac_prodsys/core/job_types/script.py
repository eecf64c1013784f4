"""Defines the job type that runs one program with arguments, and leaves the step's output files.

The program finds its input files in the working directory (``input_data_policy: Download``) or
their access URLs in the job's input data (``Protocol``). Nothing is added to its environment.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictInt, StrictStr

from dirac_prodsys.core import limits
from dirac_prodsys.core.grid import command_line, task_values
from dirac_prodsys.core.grid.specs import Command, JobSpec
from dirac_prodsys.core.job_types import JobAttributes, JobContext, JobType
from dirac_prodsys.core.models import Text, invalid
from dirac_prodsys.core.problems import Path, Problems
from dirac_prodsys.core.text.characters import unprintable


def _one_line(text: str) -> str:
    if hidden := unprintable(text):
        raise invalid(
            f"should be one line of characters that print, and has {hidden}",
            "take it out, or write a plain blank in its place",
        )
    return text


def _in_xml(text: str) -> str:
    """Check that the text is one line that the job's XML can hold."""
    if command_line.CDATA_END in text:
        reason, hint = command_line.mistake(text) or ("", "")
        raise invalid(reason, hint)
    return _one_line(text)


def _arguments(text: str) -> str:
    _one_line(text)
    if found := command_line.mistake(text):
        raise invalid(*found)
    return text


def _program(text: str) -> str:
    if not text or text != text.strip() or " " in text:
        raise invalid(f"{text!r} is not the name of one program", "arguments go into 'arguments'")
    _one_line(text)
    if found := command_line.executable_mistake(text):
        raise invalid(*found)
    return text


def _site(name: str) -> str:
    if name != "ANY" and not re.fullmatch(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+\.[a-z]{2,}", name):
        raise invalid(f"{name!r} is no name of a site", "write it in full: LCG.CERN.ch")
    return name


def _sandbox_file(name: str) -> str:
    for found in task_values.mistakes(name, frozenset()):
        raise invalid(*found)
    if len(name.rpartition("/")[2]) > limits.FILE_NAME.most or len(name) - 4 > limits.LFN.most:
        raise invalid(
            f"{name!r} is longer than a file of the catalogue can be",
            f"its name has at most {limits.FILE_NAME.most} characters, its path {limits.LFN.most}",
        )
    if not re.fullmatch(r"LFN:(/[A-Za-z0-9_.+=@-]+)+", name):
        raise invalid(
            f"{name!r} is no file of the catalogue",
            "write LFN:/vo/folder/file: files of this machine do not travel with a production",
        )
    return name


def _setup_script(path: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9_.+=@-]+)+", path):
        raise invalid(f"{path!r} is no absolute path", "write it in full: /cvmfs/…/setup.sh")
    return path


def _variables(environment: dict[str, str]) -> dict[str, str]:
    for name in environment:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise invalid(
                f"{name!r} cannot name an environment variable", "use letters, digits and _"
            )
    return environment


Arguments = Annotated[Text, AfterValidator(_arguments)]
Line = Annotated[Text, AfterValidator(_one_line)]
SandboxFile = Annotated[Text, AfterValidator(_sandbox_file)]
SetupScript = Annotated[Text, AfterValidator(_setup_script)]
Platform = Annotated[Text, Field(max_length=limits.PLATFORM.most), AfterValidator(_in_xml)]
Site = Annotated[Text, Field(max_length=limits.SITE.most), AfterValidator(_site)]
Tag = Annotated[Text, Field(min_length=1, max_length=limits.TAG.most), AfterValidator(_in_xml)]
Word = Annotated[Text, Field(min_length=1), AfterValidator(_in_xml)]
Environment = Annotated[dict[StrictStr, Line], AfterValidator(_variables)]


class Script(JobAttributes):
    """Attributes of a script.

    :param executable: a program on the worker's PATH, or an absolute path.
    :param arguments: one line; ``@{JOB_ID}`` is the task ID, eight digits.
    :param sandbox: ``LFN:/…`` of files that every job gets beside its input: a configuration, a
        script.
    :param software: absolute paths of shell scripts that are sourced, in this order, before the
        program runs.
    :param job_type: DIRAC JobType, if not that of the transformation.
    :param cpu_time: seconds of normalised CPU.
    :param priority: DIRAC's UserPriority.
    :param sites: where it may run; empty: anywhere.
    :param tags: of the resources it needs.
    :param input_data_policy: copy the input first, or open it where it is.
    :param type: ``script``.
    :param processors: number of processors.
    :param platform: DIRAC platform.
    :param environment: environment variables.
    """

    type: Literal["script"]
    executable: Annotated[StrictStr, AfterValidator(_program)]
    arguments: Arguments = ""
    sandbox: tuple[SandboxFile, ...] = ()
    software: tuple[SetupScript, ...] = ()
    job_type: Word | None = Field(default=None, max_length=limits.JOB_TYPE.most)
    cpu_time: StrictInt = Field(default=86400, ge=1)
    processors: StrictInt = Field(default=1, ge=1)
    priority: StrictInt = Field(default=1, ge=0)
    sites: tuple[Site, ...] = ()
    tags: tuple[Tag, ...] = ()
    platform: Platform = ""
    environment: Environment = Field(default={})
    input_data_policy: Literal["Download", "Protocol"] = "Download"

    def check(self, path: Path, problems: Problems) -> None:
        """Note what DIRAC does not fill in, and what only a shell would understand."""
        for key in ("executable", "arguments"):
            task_values.check(getattr(self, key), (*path, key), problems)
        nowhere = frozenset[str]()
        for key in ("job_type", "tags", "platform", "environment"):
            task_values.check(getattr(self, key), (*path, key), problems, filled=nowhere)
        for key, text in (("arguments", self.arguments), ("executable", self.executable)):
            if written := task_values.alike(text):
                problems.remark(
                    (*path, key),
                    f"{written} is not filled in: the program gets it as it stands",
                    "did you mean @{JOB_ID}? It is the number of the task",
                    code="placeholder-like",
                )
        for code, reason, hint in command_line.remarks(self.executable, self.arguments):
            problems.remark((*path, "arguments"), reason, hint, code=code)
        for code, reason, hint in command_line.remarks("", self.executable):
            problems.remark((*path, "executable"), reason, hint, code=code)
        for name, value in self.environment.items():
            if found := command_line.fills_in(value):
                problems.remark(
                    (*path, "environment", name),
                    f"no shell reads this value: {name} is set to {found} as it stands",
                    "write the value itself, or let the program fill it in",
                    code="no-shell",
                )

    def body(self, context: JobContext) -> JobSpec:
        """Return the job."""
        return JobSpec(
            name=context.name,
            job_type=self.job_type or context.job_type,
            commands=(self._command(),),
            outputs=context.outputs,
            environment=self.environment,
            input_data_policy=self.input_data_policy,
            cpu_time=self.cpu_time,
            processors=self.processors,
            priority=self.priority,
            sites=self.sites,
            tags=self.tags,
            platform=self.platform,
            sandbox=self.sandbox,
        )

    def _command(self) -> Command:
        """Return the program; through a shell if there is something to source first.

        DIRAC splits the line as a shell does, and runs it without one (``Modules/Script.py``).
        """
        if not self.software:
            return Command(executable=self.executable, arguments=self.arguments)
        sourced = " && ".join(f". {path}" for path in self.software)
        line = f"-c '{sourced} && exec \"$@\"' {self.executable} {self.executable}"
        return Command(executable="bash", arguments=f"{line} {self.arguments}".rstrip())


JOB_TYPE = JobType("script", Script)
