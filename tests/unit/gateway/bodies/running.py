"""A body run as the workflow of a task, as dirac-jobexec does."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from dirac_prodsys.core.grid.specs import JobSpec
from dirac_prodsys.gateway.bodies import render


def run(body: JobSpec, folder: Path, task: int = 7) -> subprocess.CompletedProcess[str]:
    """Run a body as the workflow of a task, in a process of its own, as dirac-jobexec does."""
    code = """
        import os, sys, types
        from DIRAC.Core.Workflow.Parameter import Parameter
        from DIRAC.Core.Workflow.Workflow import fromXMLString

        class Catalogue:
            def __init__(self, **_):
                pass

            def isFile(self, lfn):
                uploads = open("uploads").read().split() if os.path.exists("uploads") else ()
                known = lfn in uploads and not os.path.exists("unregistered")
                return {"OK": True, "Value": {"Successful": {lfn: known}, "Failed": {}}}

            def getMetadataFields(self):
                if not os.path.exists("fields"):
                    return {"OK": False, "Message": "there is no catalogue here"}
                fields = dict.fromkeys(open("fields").read().split(), "int")
                return {"OK": True, "Value": {"FileMetaFields": fields, "DirectoryMetaFields": {}}}

            def getFileUserMetadata(self, lfn):
                return {"OK": True, "Value": {"TransformationID": 2} if "other" in lfn else {}}

            def setMetadata(self, lfn, metadata):
                if not os.path.exists("fields"):
                    return {"OK": False, "Message": "there is no catalogue here"}
                print(lfn, metadata, file=open("signed", "a"))
                return {"OK": True, "Value": None}

        for name in ("FileCatalog", "FileCatalogClient"):
            place = f"DIRAC.Resources.Catalog.{name}"
            sys.modules[place] = types.ModuleType(place)
            setattr(sys.modules[place], name, Catalogue)
        workflow = fromXMLString(sys.stdin.read())
        for name, value in (("PRODUCTION_ID", "00000003"), ("JOB_ID", sys.argv[1])):
            workflow.addParameter(Parameter(name, value, "string", "", "", True, False, ""))
        result = workflow.execute()
        print("RESULT", result["OK"], result.get("Errno"), result.get("Message"))
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), f"{task:08d}"],
        input=render(body),
        cwd=folder,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
