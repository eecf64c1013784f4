"""What outlives the files of a dataset: its list, and who takes them."""

from __future__ import annotations

import pytest

from dirac_prodsys.core.grid.catalogue_files import CatalogueFile
from dirac_prodsys.core.grid.dataset_origin import DatasetOrigin, annotated
from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.gateway.procedures.dataset_changes import reading_transformations
from dirac_prodsys.gateway.procedures.dataset_lists import keep_list, kept_list
from dirac_prodsys.gateway.procedures.dataset_reports import check_of, content_of
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from tests.contract.systems import Gateway, System, prepared, spec, unique

#: the catalogue of DIRAC 9.0 cannot describe a dataset, nor freeze one of several files
pytestmark = pytest.mark.dirac_91


def test_the_list_of_a_dataset_is_kept_and_names_the_file_that_went(
    system: System, gateway: Gateway
) -> None:
    production = unique()
    directory = prepared(gateway)
    names = [f"{directory.path}/{number}" for number in range(3)]
    for name in names:
        system.register(name, {"runNumber": name[-1]})
    made = gateway.create_transformation(spec(f"{production}__r1__make"))
    origin = DatasetOrigin(production, "r1", "make", "0123456789abcdef", "v1")
    dataset = DatasetSpec(
        name=f"/sim/datasets/{unique()}",
        query=MetaQuery.parse(directory.metadata),
        annotation=annotated("for a test", origin),
    )
    record = gateway.create_dataset(dataset)
    assert record.annotation == dataset.annotation
    assert keep_list(gateway, made.id, gateway.describe_files(names).values())
    assert check_of(gateway, dataset.name).holds
    gateway.services.call(CATALOGUE, "removeFile", {names[1]: True})
    checked = check_of(gateway, dataset.name)
    assert (checked.gone, checked.was, checked.files) == ((names[1],), 3, 2)
    content, _ = content_of(gateway, dataset.name, "runNumber")
    assert (content.files, content.missing) == (2, 1)
    assert content.by is not None
    assert ([share.what for share in content.by.shares], content.by.gaps) == (["0", "2"], ("1",))
    assert [share.what for share in content.places] == ["DISK-A-SE"]


def test_a_list_of_many_files_is_kept_to_the_last_one(gateway: Gateway) -> None:
    production = unique()
    made = gateway.create_transformation(spec(f"{production}__r1__make"))
    files = [CatalogueFile(f"/sim/{number}/é", number, f"{number:08x}") for number in range(20_000)]
    assert keep_list(gateway, made.id, files)
    dataset = DatasetSpec(
        name=f"/sim/datasets/{unique()}",
        query=MetaQuery.parse({"run": unique()}),
        freeze=False,
        annotation=annotated("", DatasetOrigin(production, "r1", "make")),
    )
    listed = kept_list(gateway, gateway.create_dataset(dataset))
    assert listed is not None
    assert {one.lfn: one.size for one in listed} == {one.lfn: one.size for one in files}


def test_a_transformation_that_takes_files_of_a_dataset_only_reads_it_until_it_is_over(
    gateway: Gateway,
) -> None:
    mark = unique()
    query = MetaQuery.parse({"run": mark})
    dataset = DatasetSpec(name=f"/sim/datasets/{unique()}", query=query, freeze=False)
    record = gateway.create_dataset(dataset)
    narrow = MetaQuery.parse({"run": mark, "step": "merge"})
    reader = gateway.create_transformation(spec(unique(), input_query=narrow))
    gateway.create_transformation(spec(unique(), input_query=MetaQuery.parse({"run": unique()})))
    gateway.create_transformation(spec(unique()))
    assert gateway.input_query(reader.id) == narrow
    (found,) = reading_transformations(gateway, record)
    assert found == f"transformation {reader.id} {reader.name} (New)"
    gateway.start_transformation(reader.id)
    gateway.complete_transformation(reader.id)
    assert reading_transformations(gateway, record) == []
