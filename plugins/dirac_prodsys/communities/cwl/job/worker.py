"""Runs one CWL process as the payload of a job; only Python's own library is needed for it.

The text of this file travels with the job. ``main`` gets what was packed, the numbers of the task
and of the transformation, and the task's files. It writes the process and its inputs, runs the
site's ``cwltool`` on them, and gives each output the name under which the job uploads it.

Invariant: a job that ends well has left each of those files; one that cannot says why and fails.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from typing import Any

PROCESS, INPUTS, FOLDER = "process.cwl", "inputs.json", "cwl-outputs"
#: runners that take the options of cwltool for the folder and the environment; the second, of
#: dirac-cwl, has none for containers
CWLTOOL, DIRAC_CWL = "cwltool", "dirac-cwl-run"


class Failed(Exception):
    """The job cannot go on."""


def main(packed: str, task: str, transformation: str, files: str) -> None:
    """Run the process.

    :param files: LFNs of the task, separated by semicolons; a placeholder if it has none.
    """
    job = json.loads(zlib.decompress(base64.b64decode(packed)))
    text = json.dumps(job["process"], sort_keys=True, separators=(",", ":"))
    if "sha256:" + hashlib.sha256(text.encode()).hexdigest() != job["digest"]:
        raise Failed("the process is not the one that was planned")
    lfns = [] if files.startswith("@{") else [lfn for lfn in files.split(";") if lfn.strip()]
    inputs = {port: value_of(how, task, lfns) for port, how in job["inputs"].items()}
    process, options = with_containers(job["process"], job["images"])
    if "--no-container" in options:
        process = without_hint(process, "DockerRequirement")
    write(PROCESS, process)
    write(INPUTS, inputs)
    made = run(job["runner"], options)
    for port, named in job["outputs"].items():
        names = named if isinstance(named, list) else [named]
        keep(port, made.get(port), [filled(name, task, transformation) for name in names])
    if not job["outputs"]:
        for name in sorted(os.listdir(FOLDER)):
            shutil.move(os.path.join(FOLDER, name), name)


def filled(name: str, task: str, transformation: str) -> str:
    """Return the name of a file with the numbers filled in, as DIRAC does."""
    return name.replace("@{JOB_ID}", task).replace("@{PRODUCTION_ID}", transformation)


def value_of(how: dict[str, Any], task: str, lfns: list[str]) -> Any:
    """Return what goes into one input."""
    if "files" in how:
        found = [a_file(lfn) for lfn in lfns]
        if how["files"] == "all" or (how["files"] == "any" and len(found) > 1):
            return found
        if len(found) != 1:
            raise Failed(f"{len(found)} files came to an input that takes one")
        return found[0]
    if "file" in how:
        named = how["file"]
        return [a_file(lfn) for lfn in named] if isinstance(named, list) else a_file(named)
    if "number" in how:
        return int(task)
    value = how["each"][(int(task) - 1) % len(how["each"])] if "each" in how else how["value"]
    return with_task(value, task)


def with_task(value: Any, task: str) -> Any:
    """Return a value with the number of the task filled in."""
    if isinstance(value, str):
        return value.replace("@{JOB_ID}", task)
    if isinstance(value, list):
        return [with_task(entry, task) for entry in value]
    if isinstance(value, dict):
        return {key: with_task(entry, task) for key, entry in value.items()}
    return value


def a_file(lfn: str) -> dict[str, str]:
    """Return a file that DIRAC has brought to the working directory, as CWL names it."""
    name = lfn.rpartition("/")[2]
    if not os.path.isfile(name):
        raise Failed(f"{name} is not in the working directory")
    return {"class": "File", "path": os.path.abspath(name)}


def with_containers(process: Any, images: str) -> tuple[Any, list[str]]:
    """Return the process with its images where the site has them, and what cwltool must be told."""
    found = list(requirements(process, "DockerRequirement"))
    if not found:
        return process, []
    if images:
        for _, entry in found:
            name = entry.pop("dockerPull", "") or entry.get("dockerImageId", "")
            entry["dockerImageId"] = os.path.join(images, name)
        return process, ["--singularity", "--disable-pull"]
    needed = any(key == "requirements" for key, _ in found)
    return process, ["--singularity"] if needed else ["--no-container"]


def requirements(value: Any, wanted: str) -> Iterator[tuple[str, Any]]:
    """Yield where a requirement of that class stands, and the requirement."""
    if isinstance(value, list):
        for entry in value:
            yield from requirements(entry, wanted)
    if not isinstance(value, dict):
        return
    for key, entry in value.items():
        if key in ("requirements", "hints"):
            if isinstance(entry, dict) and isinstance(entry.get(wanted), dict):
                yield key, entry[wanted]
            if isinstance(entry, list):
                for one in entry:
                    if isinstance(one, dict) and one.get("class") == wanted:
                        yield key, one
        yield from requirements(entry, wanted)


def without_hint(value: Any, name: str) -> Any:
    """Return a process without hints of that class."""
    if isinstance(value, list):
        return [without_hint(entry, name) for entry in value]
    if not isinstance(value, dict):
        return value
    made = {key: without_hint(entry, name) for key, entry in value.items()}
    held = made.get("hints")
    if isinstance(held, dict):
        made["hints"] = {key: entry for key, entry in held.items() if key != name}
    elif isinstance(held, list):
        made["hints"] = [e for e in held if not isinstance(e, dict) or e.get("class") != name]
    return made


def run(runner: str, options: list[str]) -> dict[str, Any]:
    """Run the process and return what it has made, by output."""
    words = shlex.split(runner)
    name = os.path.basename(words[0])
    if name in (CWLTOOL, DIRAC_CWL):
        words += ["--outdir", FOLDER, "--preserve-entire-environment"]
    if name == CWLTOOL:
        words += options
    elif name == DIRAC_CWL and "--singularity" in options:
        raise Failed(f"{name} runs no containers by apptainer: let the runner be {CWLTOOL}")
    os.makedirs(FOLDER, exist_ok=True)
    print("runs:", *words, PROCESS, INPUTS, flush=True)
    try:
        done = subprocess.run([*words, PROCESS, INPUTS], stdout=subprocess.PIPE)
    except OSError as error:
        raise Failed(f"{words[0]} cannot be run: {error}") from error
    text = done.stdout.decode("utf-8", "replace")
    print(text, flush=True)
    if done.returncode:
        raise Failed(f"{words[0]} ended with {done.returncode}")
    made = outputs_in(text)
    if made is None:
        raise Failed(f"{words[0]} named no outputs")
    return made


def outputs_in(text: str) -> dict[str, Any] | None:
    """Return the last JSON object that begins on a line of its own: a runner may say more."""
    found = None
    for start in re.finditer(r"^\{", text, re.MULTILINE):
        try:
            found, _ = json.JSONDecoder().raw_decode(text, start.start())
        except ValueError:
            continue
    return found


def keep(port: str, value: Any, names: list[str]) -> None:
    """Give the files of an output the names under which they are uploaded, in order."""
    files = value if isinstance(value, list) else [value]
    files = [one for one in files if isinstance(one, dict) and one.get("class") == "File"]
    if len(files) != len(names):
        wanted = "one is" if len(names) == 1 else f"{len(names)} are"
        raise Failed(f"output {port} is {len(files)} files, and {wanted} uploaded")
    for number, name in enumerate(names):
        file = files[number]
        path = file.get("path") or file["location"].replace("file://", "", 1)
        shutil.move(path, name)
        print("output", port, "is", name, flush=True)


def write(name: str, value: Any) -> None:
    """Write a file of JSON."""
    with open(name, "w") as file:
        json.dump(value, file, indent=1)


if __name__ == "__main__":
    try:
        main(*sys.argv[-4:])
    except Failed as error:
        sys.exit(f"the CWL job failed: {error}")
