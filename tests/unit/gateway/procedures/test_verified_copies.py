"""Sources are removed only of files whose copies were compared with the catalogue."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.policy import StepRules
from dirac_prodsys.errors import TransformationFailed
from dirac_prodsys.gateway.memory import MemoryGateway
from dirac_prodsys.gateway.memory.grid import MemoryGrid
from dirac_prodsys.gateway.procedures.verified_copies import attach_verified

MOVING = """\
version: 1
production: {name: m, vo: sim}
steps:
  move:
    type: Moving
    group_size: 2
    plugin_parameters: {SourceSE: DISK-A-SE, TargetSE: DISK-B-SE}
    input: {where: {run: r}}
    policy: {max_problematic: 1}
"""
LFNS = [f"/sim/in/{number}" for number in range(4)]
STRICT = StepRules(True)


class Moving:
    """Four files that have been copied by the first step of a Moving."""

    def __init__(self) -> None:
        self.grid = MemoryGrid()
        self.gateway = MemoryGateway(self.grid)
        for lfn in LFNS:
            self.grid.catalogue.register(lfn, run="r")
        copy, remove = compile(load_production(MOVING, "m.yaml"), run="r1").steps
        self.remove_step = remove
        self.copying = self.gateway.create_transformation(copy.transformation).id
        self.removing = self.gateway.create_transformation(remove.transformation).id
        self.gateway.start_transformation(self.copying)
        self.grid.advance(200)
        assert self.gateway.snapshot([self.copying])[self.copying].files == {"Processed": 4}

    def attach(self, rules: StepRules) -> object:
        places = self.remove_step.verified_at
        return attach_verified(self.gateway, self.copying, self.removing, places, rules)

    def attached(self) -> set[str]:
        return set(self.grid.transformations[self.removing].files)

    def spoil(self, *lfns: str) -> None:
        for lfn in lfns:
            self.grid.catalogue.files[lfn].replicas["DISK-B-SE"] = None

    def remove(self) -> dict[str, set[str]]:
        self.gateway.start_transformation(self.removing)
        self.grid.advance(100)
        self.gateway.flush_transformation(self.removing)
        self.grid.advance(100)
        return {lfn: set(self.grid.catalogue.files[lfn].replicas) for lfn in LFNS}


def test_the_second_step_has_no_query_by_which_files_would_come_by_themselves() -> None:
    step = Moving().remove_step
    assert step.name == "move.remove"
    assert step.transformation.input_query is None
    assert step.transformation.type == "Removal"
    assert (step.start, step.parents, step.verified_at) == (
        "on_complete",
        ("move",),
        ("DISK-B-SE",),
    )


def test_good_copies_are_attached_once_and_their_sources_removed() -> None:
    moving = Moving()
    assert moving.attach(STRICT).attached == 4
    assert moving.attach(STRICT).attached == 0
    assert moving.remove() == {lfn: {"DISK-B-SE"} for lfn in LFNS}


def test_a_copy_that_is_registered_and_not_there_keeps_its_source() -> None:
    moving = Moving()
    moving.spoil(LFNS[1])
    found = moving.attach(moving.remove_step.rules)
    assert dict(found.bad) == {LFNS[1]: "the file is not at DISK-B-SE"}
    assert moving.attached() == set(LFNS) - {LFNS[1]}
    assert moving.remove() == {
        **{lfn: {"DISK-B-SE"} for lfn in LFNS},
        LFNS[1]: {"DISK-A-SE", "DISK-B-SE"},
    }


def test_more_bad_copies_than_the_policy_allows_remove_nothing() -> None:
    moving = Moving()
    moving.spoil(LFNS[1], LFNS[2])
    with pytest.raises(TransformationFailed, match=r"2 of 4 copies are not good") as caught:
        moving.attach(moving.remove_step.rules)
    assert LFNS[1] in str(caught.value)
    assert moving.attached() == set()


def test_copies_that_were_mended_are_attached_later() -> None:
    moving = Moving()
    moving.spoil(LFNS[1])
    with pytest.raises(TransformationFailed):
        moving.attach(STRICT)
    file = moving.grid.catalogue.files[LFNS[1]]
    file.replicas["DISK-B-SE"] = (file.size, file.checksum)
    assert moving.attach(STRICT).attached == 4
