"""Copying, moving and removing for real: what lies on the disks of two storage elements decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from dirac_prodsys.core.grid.specs import (
    DirectorySpec,
    RequestOperation,
    RequestSpec,
    TransformationSpec,
)
from dirac_prodsys.core.naming import transformation_name
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import OnDirac
from tests.e2e.site import Site
from tests.patience import until

A, B = "DISK-A-SE", "DISK-B-SE"


class Disks:
    """Files of one directory of the catalogue, and where they lie."""

    def __init__(self, site: Site, name: str) -> None:
        self.site = site
        self.name = name
        self.directory = f"/sim/data/{name}"
        self.system = OnDirac(site.grid)
        self.gateway = self.system.gateway()
        self.gateway.prepare_directories(
            [DirectorySpec(path=self.directory, metadata={"production": name})]
        )

    def path(self, file: str, se: str) -> Path:
        """Where a storage element keeps a file."""
        return self.site.grid.state.storage / se / f"{self.directory[1:]}/{file}"

    def put(self, file: str) -> str:
        """Store a file at A and register it."""
        lfn = f"{self.directory}/{file}"
        self.system.register(lfn, {}, f"the bytes of {file}\n".encode())
        return lfn

    def register_copy(self, file: str) -> None:
        """Tell the catalogue of a copy at B, without making one."""
        lfn = f"{self.directory}/{file}"
        facts = {"SE": B, "PFN": f"file://localhost{self.path(file, B)}"}
        assert (
            lfn in self.gateway.services.call(CATALOGUE, "addReplica", {lfn: facts})["Successful"]
        )

    def copy(self, file: str, *, register: bool = True) -> None:
        """Make a good copy at B."""
        self.path(file, B).parent.mkdir(parents=True, exist_ok=True)
        self.path(file, B).write_bytes(self.path(file, A).read_bytes())
        if register:
            self.register_copy(file)

    def lose(self, file: str) -> None:
        """Let A be without the file; it comes back by `put_back`."""
        self.path(file, A).rename(self.path(f"{file}.lost", A))

    def put_back(self, file: str) -> None:
        """Undo `lose`."""
        self.path(f"{file}.lost", A).rename(self.path(file, A))

    def replicas(self, file: str) -> set[str]:
        """Where the catalogue says that the file is; nowhere: it does not know it."""
        lfn = f"{self.directory}/{file}"
        reply = self.gateway.services.call(CATALOGUE, "getReplicas", [lfn], False)
        return set(reply["Successful"].get(lfn, {}))

    def good(self, file: str, se: str) -> bool:
        """Whether the storage element has the very bytes."""
        path = self.path(file, se)
        return path.exists() and path.read_text() == f"the bytes of {file}\n"


STEPS = {
    "mended": f"""
  copy:
    type: Replication
    plugin_parameters: {{SourceSE: {A}, TargetSE: {B}}}
    input: {{where: {{production: mended}}}}
    policy: {{recovery: {{max_resets: 30}}}}
""",
    "moving": f"""
  move:
    type: Moving
    group_size: 2
    plugin_parameters: {{SourceSE: {A}, TargetSE: {B}}}
    input: {{where: {{production: moving}}}}
""",
    "removal": f"""
  files:
    type: Removal
    group_size: 2
    input: {{lfns: [/sim/data/removal/one, /sim/data/removal/two]}}
    job: {{type: request, operations: [{{type: RemoveFile}}]}}
  replicas:
    type: Removal
    input: {{lfns: [/sim/data/removal/three]}}
    job: {{type: request, operations: [{{type: RemoveReplica, TargetSE: {A}}}]}}
""",
}


@pytest.fixture(scope="module")
def begun(full_site: Site) -> dict[str, Disks]:
    """Both productions at work, and beside them one request of DIRAC that copies and removes."""
    disks = {name: Disks(full_site, name) for name in (*STEPS, "at-once")}
    for file in ("good", "stale", "spoilt"):
        disks["moving"].put(file)
    disks["moving"].register_copy("stale")  # DIRAC takes it for copied
    for file in ("one", "two", "three", "four"):
        disks["removal"].put(file)
    for file in ("three", "four"):
        disks["removal"].copy(file)
    for name, steps in STEPS.items():
        head = f"version: 1\nproduction: {{name: {name}, vo: sim}}\nsteps:"
        (full_site.productions / f"{name}.yaml").write_text(head + steps)
    for file in ("one", "two"):
        disks["mended"].put(file)
        disks["mended"].lose(file)
    disks["at-once"].put("stale")
    disks["at-once"].register_copy("stale")
    move_at_once(disks["at-once"])
    for name in STEPS:
        full_site.begin(name, "run")
    return disks


def move_at_once(disks: Disks) -> None:
    """What a Moving would be as one request."""
    copy = {"SourceSE": A, "TargetSE": "TASK:TargetSE"}
    operations = (
        RequestOperation(type="ReplicateAndRegister", attributes=copy),
        RequestOperation(type="RemoveReplica", attributes={"TargetSE": A}),
    )
    made = disks.gateway.create_transformation(
        TransformationSpec(
            name="at-once",
            description="",
            type="Replication",
            plugin="Broadcast",
            body=RequestSpec(operations=operations),
            input_query=MetaQuery.parse({"production": disks.name}),
            parameters={"SourceSE": A, "TargetSE": B},
        )
    )
    disks.gateway.start_transformation(made.id)


@pytest.mark.timeout(1800)
def test_failed_requests_tell_why_and_are_made_again_until_the_storage_is_mended(
    full_site: Site, begun: dict[str, Disks]
) -> None:
    disks = begun["mended"]
    name = transformation_name("mended", "run", "copy")

    def failed() -> bool:
        found = disks.gateway.find_transformation(name)
        seen = disks.gateway.snapshot([found.id])[found.id] if found else None
        return seen is not None and seen.tasks.get("Failed", 0) >= 2

    until("failed requests", 600, failed)
    for file in ("one", "two"):
        disks.put_back(file)
    full_site.succeeds("mended", "run", seconds=600)
    for file in ("one", "two"):
        assert disks.good(file, B)
        assert disks.replicas(file) == {A, B}
    report = full_site.rest.xcom("mended", "run", "copy.wait_for_completion", "job_report")
    assert report["statuses"]["Done"] == 2
    assert report["statuses"]["Failed"] >= 2
    why = f"Failed: File doesn't exist: ReplicateAndRegister, at {A} to {B}"
    assert [f"{cause['text']}, at {cause['site']}" for cause in report["causes"]] == [why]
    assert report["requeued"] == {"Failed: File doesn't exist": report["statuses"]["Failed"]}


@pytest.mark.timeout(1800)
def test_a_moving_removes_the_sources_of_verified_copies_and_of_no_others(
    full_site: Site, begun: dict[str, Disks]
) -> None:
    disks = begun["moving"]
    until("the copy of a file", 600, lambda: disks.good("spoilt", B))
    disks.path("spoilt", B).write_text("other bytes\n")

    ended = full_site.ended("moving", "run", 600)
    states = full_site.states("moving", "run")
    assert ended["state"] == "failed"
    assert states["move.complete"] == "success"
    assert states["move__remove.start"] == "failed"
    for file in ("good", "stale", "spoilt"):
        assert disks.good(file, A)
        assert disks.replicas(file) == {A, B}
    assert disks.good("good", B)

    # somebody mends the two copies, and clears what failed
    for file in ("stale", "spoilt"):
        disks.copy(file, register=False)
    full_site.rest.call(
        "POST",
        "dags/moving/clearTaskInstances",
        json={"dag_run_id": "run", "only_failed": True, "dry_run": False},
    )
    full_site.succeeds("moving", "run", seconds=600)
    for file in ("good", "stale", "spoilt"):
        assert disks.good(file, B)
        assert not disks.path(file, A).exists()
        assert disks.replicas(file) == {B}


@pytest.mark.timeout(1800)
def test_a_removal_removes_what_it_lists_and_where_it_says(
    full_site: Site, begun: dict[str, Disks]
) -> None:
    disks = begun["removal"]
    full_site.succeeds("removal", "run", seconds=600)
    for file in ("one", "two"):
        assert disks.replicas(file) == set()
        assert not disks.path(file, A).exists()
    assert disks.replicas("three") == {B}
    assert disks.good("three", B)
    assert not disks.path("three", A).exists()
    assert disks.replicas("four") == {A, B}
    assert disks.good("four", A)
    assert disks.good("four", B)


def test_dirac_itself_takes_a_registered_copy_for_one_that_is_there(
    begun: dict[str, Disks],
) -> None:
    """Why a Moving is two transformations; should DIRAC look one day, it may be one again."""
    disks = begun["at-once"]
    until("the end of the request", 600, lambda: disks.replicas("stale") == {B})
    assert not disks.path("stale", A).exists()
    assert not disks.path("stale", B).exists()
