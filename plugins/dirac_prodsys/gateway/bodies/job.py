"""Renders a job body: the workflow XML that DIRAC's own ``Interfaces.API.Job`` writes.

Every command is a step; then every output file is one: ``dirac-dms-add-file LFN FILE SE``. DIRAC
continues with the next step after a failed one, and would register the leftovers of a failed
command. So a guard in the workflow's Script module skips every step after a failure. Module code
inside the workflow is DIRAC's own means (``Core/Workflow/Module.py``); workers need nothing
installed for it.

A file with metadata of its own gets them in one more step, also by module code: a stock DIRAC has
no command for it. The same holds for a directory named after its transformation: a job knows that
number with leading zeros only. Every file that a job makes is signed with that number, because
DIRAC's TransformationCleaningAgent finds files by it; steps and runs share directories.

Invariant: nothing of this machine gets in: no file, proxy, configuration or order of a set.
"""

from __future__ import annotations

import json
import posixpath
from typing import Any

from dirac_prodsys.core.grid.specs import TRANSFORMATION_ID, JobSpec
from dirac_prodsys.errors import GatewayRejected
from dirac_prodsys.gateway.dirac_import import import_dirac

#: modules that bring input files (``Operations/InputDataPolicy`` of a stock DIRAC)
INPUT_DATA_POLICY = {
    "Download": "DIRAC.WorkloadManagementSystem.Client.DownloadInputData",
    "Protocol": "DIRAC.WorkloadManagementSystem.Client.InputDataByProtocol",
}

#: section of the agent that removes the outputs of a transformation
CLEANING_AGENT = "/Systems/Transformation/Agents/TransformationCleaningAgent"

#: uploads and registers one file
UPLOAD = "dirac-dms-add-file"

#: stands in place of a program in the step that sets metadata of a file; its arguments are the
#: task's number, the LFN, then field and value in turn (``core/steps/file_values.py``)
SET_METADATA = "set-file-metadata"

#: stands for the transformation's ID in arguments until the job knows it
_OWN_ID = "#{TransformationID}"

#: before the guard, in jobs that need it
WITH_METADATA = '''
class Script(Script):
    """DIRAC's Script, which can set metadata of a file, too."""

    def _executeCommand(self):
        if self.executable != "SET_METADATA":
            return super()._executeCommand()
        from json import loads
        from DIRAC.Resources.Catalog.FileCatalogClient import FileCatalogClient

        task, lfn, turns = self.arguments.split(" ", 2)
        turns = loads(turns)
        result = FileCatalogClient().setMetadata(lfn, turns[(int(task) - 1) % len(turns)])
        if not result["OK"]:
            raise RuntimeError(f"metadata of {lfn}: {result['Message']}", 1)
'''.replace("SET_METADATA", SET_METADATA)

#: the same, where a directory is named after the transformation
WITH_OWN_ID = '''
class Script(Script):
    """DIRAC's Script, which knows the transformation's ID as the file catalogue writes it."""

    def _resolveInputVariables(self):
        super()._resolveInputVariables()
        number = str(int(self.workflow_commons["PRODUCTION_ID"]))
        self.arguments = self.arguments.replace("OWN_ID", number)
'''.replace("OWN_ID", _OWN_ID)

#: appended to the import line of the workflow's Script module. It repeats the first failure, so
#: that status and exit code of the job stay those of the failed command. It tries an upload twice:
#: two jobs that make the same directory at once collide in DIRAC's ``FileStorage.putFile``. It also
#: looks the upload up: ``dirac-dms-add-file`` succeeds even if the file was stored but not
#: registered (``DataManager.putAndRegister`` reports that beside its ``S_OK``), and the input would
#: count as processed
GUARD = '''
class Script(Script):
    """DIRAC's Script, skipped when an earlier step failed; uploads are tried twice, looked up."""

    def _executeCommand(self):
        if not self._checkWFAndStepStatus():
            code = self.workflowStatus.get("Errno", 1)
            message = self.workflowStatus.get("Message", "an earlier step failed")
            # without what S_ERROR put round it, and will put again
            raise RuntimeError(message.split(f"( {code} : ")[-1].rstrip(")"), code)
        if self.executable != "UPLOAD":
            return super()._executeCommand()
        lfn = self.arguments.split()[0]
        before = self._known(lfn)
        try:
            self._upload(lfn)
        except RuntimeError:
            from time import sleep  # the code of a module has no globals of its own

            sleep(3)
            self._upload(lfn)
        if before is False:
            self._sign(lfn)

    def _upload(self, lfn):
        super()._executeCommand()
        if not self._known(lfn):
            raise RuntimeError(f"{lfn} was stored and is not in the file catalogue", 3)

    def _known(self, lfn):
        from DIRAC.Resources.Catalog.FileCatalog import FileCatalog

        result = FileCatalog().isFile(lfn)
        return result["Value"]["Successful"].get(lfn) if result["OK"] else None
'''.replace("UPLOAD", UPLOAD)

#: before the guard: a file carries its transformation's ID, by which DIRAC's cleaning agent finds
#: it. Only files that this job made are signed: one that existed before, or is signed, may belong
#: to another job. A site without this field of files cleans no files; no job fails because of that
SIGNATURE = '''
class Script(Script):
    """DIRAC's Script, which can sign a file with the transformation's ID."""

    def _sign(self, lfn):
        from DIRAC import gConfig
        from DIRAC.Resources.Catalog.FileCatalogClient import FileCatalogClient

        field = gConfig.getValue("AGENT/TransfIDMeta", "TransformationID")
        catalogue = FileCatalogClient()
        result = catalogue.getMetadataFields()
        if result["OK"] and field not in result["Value"]["FileMetaFields"]:
            return
        result = catalogue.getFileUserMetadata(lfn) if result["OK"] else result
        if result["OK"] and field not in result["Value"]:
            number = int(self.workflow_commons["PRODUCTION_ID"])
            result = catalogue.setMetadata(lfn, {field: number})
        if not result["OK"]:
            self.log.error("Not signed, so that cleaning will leave it", f"{lfn}: {result}")
'''.replace("AGENT", CLEANING_AGENT)


def render(body: JobSpec) -> str:
    """Return the workflow XML of a job.

    :raises GatewayRejected: the spec has a text that DIRAC's XML cannot hold.
    """
    if "]]>" in body.model_dump_json(exclude={"environment"}):  # that is quoted for URLs
        raise GatewayRejected(
            "a job holds the text ]]>, which ends DIRAC's XML", "write it otherwise"
        )
    job = import_dirac("DIRAC.Interfaces.API.Job").Job()
    job.setName(body.name)
    job.setType(body.job_type)
    job.setJobGroup("")  # the constructor's depends on the proxy; tasks get the transformation's ID
    job.setCPUTime(body.cpu_time)
    job.setPriority(body.priority)
    if body.processors > 1:
        job.setNumberOfProcessors(body.processors)
    if body.tags:
        job.setTag(sorted(body.tags))
    if body.environment:
        job.setExecutionEnv(dict(sorted(body.environment.items())))
    _set(job, "InputDataPolicy", INPUT_DATA_POLICY[body.input_data_policy], "Input data policy")
    # these setters look the values up on the rendering machine
    if body.sites:
        _set(job, "Site", ";".join(sorted(body.sites)), "Destination sites")
    if body.sandbox:
        _set(job, "InputSandbox", ";".join(body.sandbox), "Input sandbox file list")
    if body.platform:
        _set(job, "Platform", body.platform, "Platform ( Operating System )")
    job.setOutputSandbox(["std.out", "std.err", "*.log"])
    for command in body.commands:
        _add_step(job, command.executable, command.arguments)
    for output in body.outputs:
        lfn = posixpath.join(output.directory, output.name).replace(TRANSFORMATION_ID, _OWN_ID)
        _add_step(job, UPLOAD, f"{lfn} {output.name} {output.se}")
        if output.metadata:
            turns = json.dumps(output.metadata, separators=(",", ":"))
            _add_step(job, SET_METADATA, f"@{{JOB_ID}} {lfn} {turns}")
    for name, module in job.workflow.module_definitions.items():
        if name == "Script":
            module.setBody(module.getBody() + _more(body) + GUARD)
            module.setDescription("")  # else DIRAC's docstring, which may change with a patch
    xml: str = job.workflow.toXML()
    return xml


def _add_step(job: Any, executable: str, arguments: str) -> None:
    name = posixpath.basename(executable)
    number = job.stepCount + 1
    sandbox = list(job.addToInputSandbox)
    reply = job.setExecutable(executable, logFile=f"{number:02d}_{name}.log")
    # a file of that name here is none of the job's; DIRAC 9.0 has no argument that says so
    job.addToInputSandbox[:] = sandbox
    # set here, as setExecutable takes a "%n" in them for a parametric job and drops them
    reply["Value"].setValue("arguments", arguments)


def _more(body: JobSpec) -> str:
    """Return the code for the Script module that only some jobs need."""
    carried = any(output.metadata for output in body.outputs)
    named = any(TRANSFORMATION_ID in output.directory for output in body.outputs)
    return WITH_METADATA * carried + WITH_OWN_ID * named + SIGNATURE * bool(body.outputs)


def _set(job: Any, name: str, value: str, description: str) -> None:
    job._addParameter(job.workflow, name, "JDL", value, description)
