"""What was taken into the ledger is compared with grid and catalogue, and what differs is found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dirac_prodsys.core.grid.dataset_origin import DatasetOrigin, annotated
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.reports.ledger.drift import book_of
from dirac_prodsys.core.reports.ledger.record import Record
from dirac_prodsys.core.reports.ledger.records import CountsRecord, DatasetRecord, StepRecord
from dirac_prodsys.core.run.registry import Member
from dirac_prodsys.gateway.procedures.dataset_lists import keep_list
from dirac_prodsys.gateway.procedures.sweeping import Sweep, sweep
from dirac_prodsys.gateway.procedures.taking_in import Known, read_past
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import Gateway, System, prepared, spec, unique

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def taken_in(gateway: Gateway, *names: str, known: Known | None = None) -> list[Record]:
    past = read_past(gateway, names, lambda number, name: known, NOW, folders=["/sim/datasets"])
    return [record for one in past for record in one.records]


def swept(gateway: Gateway, records: list[Record], *, quick: bool = False) -> Sweep:
    return sweep(gateway, book_of(records), NOW, quick=quick)


def looked_up(gateway: Gateway) -> int:
    """How often files were looked up one by one."""
    return gateway.services.calls[f"{CATALOGUE}.getFileMetadata"]


def what(seen: Sweep) -> list[str]:
    return [one.what for one in seen.findings]


@pytest.mark.dirac_91
def test_a_transformation_of_others_is_read_with_queries_counts_and_dataset(
    gateway: Gateway,
) -> None:
    mark = unique()
    takes, leaves = MetaQuery.parse({"run": mark}), MetaQuery.parse({"run": mark, "step": "out"})
    group = f"group_{mark}"
    made = gateway.create_transformation(
        spec(mark, input_query=takes, output_query=leaves, group=group, group_size=3)
    )
    dataset = DatasetSpec(name=f"/sim/datasets/{unique()}", query=leaves, freeze=False)
    gateway.create_dataset(dataset)
    assert gateway.output_query(made.id) == leaves
    step, in_catalogue, counts = taken_in(gateway, group)
    assert isinstance(step, StepRecord)
    assert (step.origin, step.production, step.run, step.step) == ("import", group, "", mark)
    assert (step.transformation, step.group_size, step.dataset) == (made.id, 3, dataset.name)
    assert MetaQuery.from_dirac(step.query) == takes
    assert MetaQuery.from_dirac(step.output_query) == leaves
    assert isinstance(in_catalogue, DatasetRecord)
    assert (in_catalogue.dataset, in_catalogue.frozen) == (dataset.name, False)
    assert isinstance(counts, CountsRecord)
    assert (counts.status, counts.final) == ("New", False)
    assert taken_in(gateway, group, known=Known(step, counts)) == []
    assert taken_in(gateway, str(made.id))[0].key == step.key
    gateway.complete_transformation(made.id)
    (last,) = taken_in(gateway, mark, known=Known(step, counts))
    assert isinstance(last, CountsRecord)
    assert (last.status, last.final) == ("Completed", True)
    assert taken_in(gateway, mark, known=Known(step, last)) == []


def test_a_production_of_dirac_is_read_by_its_name(gateway: Gateway) -> None:
    mark = unique()
    made = gateway.create_transformation(spec(mark))
    gateway.register_production(f"p{mark}", "for a test", [Member(made.id)])
    past = read_past(gateway, [], lambda number, name: None, NOW, production=f"p{mark}")
    assert [one.place.transformation for one in past] == [made.id]
    assert past[0].place.production == f"p{mark}"


@pytest.mark.in_process  # it counts calls
@pytest.mark.dirac_91
def test_what_goes_behind_our_back_is_found(system: System, gateway: Gateway) -> None:
    production = unique()
    directory = prepared(gateway)
    names = [f"{directory.path}/{number}" for number in range(3)]
    for name in names:
        system.register(name, {})
    made = gateway.create_transformation(spec(f"{production}__r1__make", group=production))
    origin = DatasetOrigin(production, "r1", "make")
    dataset = DatasetSpec(
        name=f"/sim/datasets/{unique()}",
        query=MetaQuery.parse(directory.metadata),
        annotation=annotated("", origin),
    )
    gateway.create_dataset(dataset)
    assert keep_list(gateway, made.id, gateway.describe_files(names).values())
    gateway.start_transformation(made.id)
    records = taken_in(gateway, f"{production}/make")
    assert {one.production for one in records} == {production}
    clean = swept(gateway, records)
    assert (clean.findings, clean.learned, clean.notes) == ((), (), ())
    assert (clean.transformations, clean.datasets) == (1, 1)
    before = looked_up(gateway)
    assert before > 0
    assert swept(gateway, records, quick=True) == clean
    assert looked_up(gateway) == before

    gateway.services.call(CATALOGUE, "removeFile", {names[1]: True})
    (finding,) = swept(gateway, records).findings
    assert (finding.what, finding.recorded, finding.found) == ("files", 3, 2)
    assert names[1] in finding.text
    assert swept(gateway, records, quick=True).findings == (finding,)
    assert finding.record(NOW).key == swept(gateway, records).findings[0].record(NOW).key

    gateway.services.call(CATALOGUE, "releaseDataset", {dataset.name.rpartition("/")[2]: True})
    assert "frozen" in what(swept(gateway, records))
    gateway.remove_dataset(dataset.name)
    gateway.stop_transformation(made.id)
    assert what(swept(gateway, records)) == ["status", "dataset"]
    gateway.delete_transformation(made.id)
    assert what(swept(gateway, records)) == ["transformation", "dataset"]
