"""Files of CTAO's steps that stay behind: outputs are found by what jobs wrote to them."""

from __future__ import annotations

from typing import Any

from dirac_prodsys.communities.ctao.rules.traces import runs_of
from dirac_prodsys.core.grid.specs import CommunityBody, DirectorySpec, TransformationSpec
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.memory.tables import Task
from dirac_prodsys.gateway.procedures import consistency, recovery

RULES = StepRules(True, group_size=3)
METADATA: dict[str, Any] = {
    "site": "Paranal",
    "particle": "gamma",
    "analysis_prog": "any",
    "analysis_prog_version": "v1",
    "data_level": 2,
    "outputType": "Data",
    "configuration_id": 1,
    "MCCampaign": "PROD6",
}
DATA = "/sim/MC/PROD6/Paranal/gamma/any/1/Data"
#: of the first task of the first transformation
JOB = "1000001"


def number(lfn: str) -> int:
    (run,) = runs_of(lfn)
    return run


class Site:
    """A grid whose first task failed, of three files with the run numbers 1, 2 and 12."""

    def __init__(self, job_class: str = "CtapipeProcessJob", **grid: Any) -> None:
        self.grid = MemoryGrid(fails=lambda task: task.id == 1, **grid)
        self.grid.stopped_agents = {"file_monitoring"}
        self.gateway = MemoryGateway(self.grid)
        for run in (1, 2, 12):
            self.grid.catalogue.register(f"/sim/in/gamma_run{run}___cta.zst", run="r")
        self.body = CommunityBody(
            kind="ctao",
            job_class=job_class,
            settings=(("version", "v1"), ("base_path", "/sim/MC/")),
            output_metadata=tuple(METADATA.items()),
        )
        self.spec = TransformationSpec(
            name="process",
            description="",
            type="DataReprocessing",
            group_size=3,
            body=self.body,
            input_query=MetaQuery.parse({"run": "r"}),
        )
        self.id = self.gateway.create_transformation(self.spec).id
        self.gateway.start_transformation(self.id)
        self.grid.advance(100)

    def uploads(self, name: str, *, job: str = JOB, run: int | None = None) -> None:
        metadata = {"jobID": job} if job else {}
        if run is not None:
            metadata["runNumber"] = f"{run:08}"
        self.grid.catalogue.register(f"{DATA}/000xxx/{name}", **metadata)

    def recover(self) -> recovery.RecoveryPass:
        return recovery.recover(self.gateway, self.id, self.body, RULES)

    @property
    def files(self) -> dict[int, str]:
        found = self.grid.transformations[self.id].files
        return {number(lfn): str(file.status) for lfn, file in found.items()}


def test_the_inputs_of_what_a_failed_job_uploaded_are_not_processed_again() -> None:
    site = Site()
    site.uploads("gamma_run2___cta.DL2.h5", run=2)
    outcome = site.recover()
    fates = {number(d.file.lfn): d.fate for d in outcome.decisions}
    assert fates == {1: "retry", 2: "processed", 12: "retry"}
    assert site.files == {1: "Unused", 2: "Processed", 12: "Unused"}


def test_an_output_of_another_task_is_no_output_of_this_one() -> None:
    site = Site()
    site.uploads("gamma_run2___cta.DL2.h5", job="1000009", run=2)
    site.recover()
    assert site.files == dict.fromkeys((1, 2, 12), "Unused")


def test_one_merged_file_is_the_output_of_all_that_its_task_took() -> None:
    site = Site("CtapipeMergeJob")
    site.uploads("gamma_run1-run12.merged.h5", run=-9999)
    site.recover()
    assert site.files == dict.fromkeys((1, 2, 12), "Processed")


def test_a_person_is_asked_about_what_a_file_that_names_no_job_may_be_made_of() -> None:
    site = Site()
    site.uploads("gamma_run12___cta.DL2.h5", job="")
    outcome = site.recover()
    assert outcome.asked == 1
    assert "ask: 1 files" in (line := outcome.lines()[0])
    assert "files that name no job" in line
    assert site.files == {1: "Unused", 2: "Unused", 12: "Assigned"}


def test_where_the_catalogue_keeps_no_job_ids_files_are_tried_again_and_that_is_reported() -> None:
    site = Site()
    del site.grid.catalogue.file_fields["jobID"]
    site.gateway = MemoryGateway(site.grid)  # the other one believes for a while what it read
    outcome = site.recover()
    (note,) = outcome.notes
    assert note.startswith("outputs of CTAO's jobs cannot be looked up")
    assert note.endswith("no metadata field jobID")
    assert site.files == dict.fromkeys((1, 2, 12), "Unused")


def test_a_look_costs_few_calls_however_many_tasks_failed() -> None:
    site = Site()
    site.recover()
    calls = site.gateway.services.calls
    assert calls["DataManagement/FileCatalog.findFilesByMetadataDetailed"] == 2
    site.uploads("gamma_run2___cta.DL2.h5", run=2)
    before = calls["Transformation/TransformationManager.getTransformationTasks"]
    site.grid.transformations[site.id].files["/sim/in/gamma_run2___cta.zst"].status = "Assigned"
    site.recover()
    assert calls["Transformation/TransformationManager.getTransformationTasks"] - before == 2


def checked(site: Site) -> consistency.Checked:
    """All three files are Processed by a task of its own."""
    site.grid.transformations[site.id].tasks.clear()
    for number, file in enumerate(site.grid.transformations[site.id].files.values(), 1):
        file.status, file.task = "Processed", number
        task = Task(number, site.id, [], status="Done", ends=0.0, good=True)
        site.grid.transformations[site.id].tasks[number] = task
    data = DirectorySpec(path=DATA.replace("/1/", "/@{TransformationID}/"), metadata={})
    spec = site.spec.model_copy(update={"directories": (data,)})
    return consistency.check(site.gateway, site.id, spec)


def test_tasks_that_are_done_and_have_left_nothing_are_named() -> None:
    site = Site()
    site.uploads("gamma_run1___cta.DL2.h5", job="1000001", run=1)
    site.uploads("gamma_run12___cta.DL2.h5", job="1000003", run=12)
    found = checked(site)
    assert [(one.kind, one.detail) for one in found.found] == [
        ("processed_without_output", "task 2: none of its outputs")
    ]
    assert found.notes == ()


def test_where_files_name_no_job_only_their_number_is_reported() -> None:
    site = Site()
    site.uploads("gamma_run1___cta.DL2.h5", job="1000001", run=1)
    site.uploads("gamma_run12___cta.DL2.h5", job="")
    found = checked(site)
    assert found.found == ()
    assert "3 tasks are Done, and 2 files are in" in found.notes[0]
