"""Two linked transformations by DIRAC's own client, for any grid.

Two simulation tasks register a file each; a merging task takes both as local files, fails the first
time, and its files are taken up by another task.
"""

from __future__ import annotations

import json
from pathlib import Path

from sandbox import Grid
from tests.integration.conftest import run_client
from tests.patience import patience

PAYLOAD = """\
#!/usr/bin/env python3
import os, subprocess, sys
from pathlib import Path

kind, task, folder = sys.argv[1:]
inputs = sorted(path.name for path in Path.cwd().glob("simulated_*.txt"))
if kind == "merge" and task == "00000001":
    sys.exit(3)
lines = [Path(name).read_text() for name in inputs] if kind == "merge" else [f"{task}\\n"]
output = f"{'merged' if kind == 'merge' else 'simulated'}_{task}.txt"
Path(output).write_text("".join(lines))
lfn = f"{folder}/{kind}/{task}/{output}"
subprocess.run(["dirac-dms-add-file", lfn, output, "DISK-B-SE"], check=True)
"""

CLIENT = """
import json, sys, time
import DIRAC
DIRAC.initialize()
from DIRAC.Interfaces.API.Job import Job
from DIRAC.DataManagementSystem.Client.DataManager import DataManager
from DIRAC.Resources.Catalog.FileCatalog import FileCatalog
from DIRAC.TransformationSystem.Client.TransformationClient import TransformationClient

payload, vo, seconds = {payload!r}, {vo!r}, {seconds}
client, catalogue, folder = TransformationClient(), FileCatalog(), f"/{{vo}}/jobs"

def value(result):
    assert result["OK"], result
    return result["Value"]

def body(kind, job_type):
    job = Job()
    job.setType(job_type)
    job.setInputDataPolicy("download")
    job.setExecutable(payload, arguments=f"{{kind}} @{{{{JOB_ID}}}} {{folder}}")
    return job.workflow.toXML()

for kind in ("simulate", "merge"):
    value(catalogue.createDirectory(f"{{folder}}/{{kind}}"))
    value(catalogue.setMetadata(f"{{folder}}/{{kind}}", {{"production": "jobs", "step": kind}}))
query = {{"production": {{"=": "jobs"}}, "step": {{"=": "simulate"}}}}
simulate = value(client.addTransformation("jobs_s", "d", "d", "MCSimulation", "Standard",
    "Automatic", "", body=body("simulate", "MCSimulation")))
merge = value(client.addTransformation("jobs_m", "d", "d", "Merging", "Standard",
    "Automatic", "", groupSize=2, body=body("merge", "Merging"), inputMetaQuery=query))
value(client.extendTransformation(simulate, 2))
value(client.startTransformation(simulate))
value(client.startTransformation(merge))
deadline = time.monotonic() + seconds
seen = {{}}
while time.monotonic() < deadline:
    seen = {{
        "simulate": value(client.getTransformationTaskStats(simulate)),
        "merge": value(client.getTransformationTaskStats(merge)),
        "files": value(client.getTransformationStats(merge)),
    }}
    if seen["files"].get("Processed") == 2 and seen["merge"].get("Done"):
        break
    time.sleep(0.5)
files = value(catalogue.findFilesByMetadata({{"production": "jobs", "step": "merge"}}))
got = value(DataManager().getFile(files))["Successful"]
seen["failed"] = f"{{merge:08d}}_00000001"
seen["merged"] = [open(path).read() for path in got.values()]
print(json.dumps(seen))
"""


def work(grid: Grid, folder: Path, vo: str, seconds: float) -> dict:
    """Run both to their end; return the counts of tasks and files, and what was merged."""
    seconds = patience(seconds)
    payload = folder / "payload.py"
    payload.write_text(PAYLOAD)
    payload.chmod(0o755)
    code = CLIENT.format(payload=str(payload), vo=vo, seconds=seconds)
    done = run_client(
        grid,
        f"import os; os.chdir({str(folder)!r})\n{code}",
        group=f"{vo}_prod",
        seconds=seconds + 60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def assert_worked(seen: dict) -> None:
    """Check that one merging task failed and another took its files."""
    assert seen["simulate"]["Done"] == 2
    assert seen["merge"]["Failed"] == 1
    assert seen["merge"]["Done"] == 1
    assert seen["files"] == {"Processed": 2, "Total": 2}
    assert seen["merged"] == ["00000001\n00000002\n"]
