"""Checks the metadata fields of the catalogue, and what productions ask of the grid."""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.doctor.check import Check, Trouble
from dirac_prodsys.core.doctor.facts import Facts, known
from dirac_prodsys.core.doctor.grid_settings import grid_of
from dirac_prodsys.core.grid.inventory import STANDARD_FIELDS, UNASKABLE_FIELDS, Inventory
from dirac_prodsys.core.query.stored_values import kind_of
from dirac_prodsys.core.steps.gathering import FIELD


def _inventory(facts: Facts) -> Inventory:
    return known(grid_of(facts).inventory)


def _reserved(facts: Facts) -> Iterator[Trouble]:
    inventory = _inventory(facts)
    for name in sorted({*inventory.directory_fields, *inventory.file_fields}):
        if name in STANDARD_FIELDS or name in UNASKABLE_FIELDS:
            yield Trouble(f"{name} is a metadata field, and DIRAC's own word for a file's property")


def _unknown_kinds(facts: Facts) -> Iterator[Trouble]:
    inventory = _inventory(facts)
    for name, type_ in sorted({**inventory.file_fields, **inventory.directory_fields}.items()):
        if kind_of(type_) == "other":
            yield Trouble(f"{name} is {type_}, and how values of it are compared is not known")


def _by_type(facts: Facts) -> str:
    inventory = _inventory(facts)
    found: dict[str, list[str]] = {}
    for name, type_ in sorted({**inventory.file_fields, **inventory.directory_fields}.items()):
        found.setdefault(type_, []).append(name)
    listed = "; ".join(f"{type_}: {', '.join(names)}" for type_, names in sorted(found.items()))
    return f"metadata fields by type: {listed or 'none'}"


def _floats(facts: Facts) -> Iterator[Trouble]:
    inventory = _inventory(facts)
    fields = {**inventory.file_fields, **inventory.directory_fields}
    floats = sorted(name for name, type_ in fields.items() if kind_of(type_) == "float")
    if floats:
        yield Trouble(
            f"fields of type float keep 24 bits, and conditions on them are sent with the stored "
            f"number: {', '.join(floats)}"
        )


def _gather(facts: Facts) -> Iterator[Trouble]:
    inventory = _inventory(facts)
    type_ = inventory.directory_fields.get(FIELD)
    if type_ is None:
        yield Trouble(f"the catalogue has no field {FIELD}: large gathers are refused")
    elif kind_of(type_) != "int":
        yield Trouble(f"{FIELD} is {type_} in the catalogue, and gathers ask for a whole number")


def _lacks(facts: Facts) -> Iterator[Trouble]:
    grid_of(facts)
    for words in facts.lacks:
        yield Trouble(words)


CHECKS = (
    Check(
        "production-files",
        "the grid has what the production files name",
        "error",
        _lacks,
        "`dirac-prodsys lint --live FILE` shows each with its line and the way out",
    ),
    Check(
        "fields-reserved",
        "no metadata field has one of DIRAC's own names",
        "warning",
        _reserved,
        "use another field in productions: conditions on this one are read as another",
    ),
    Check(
        "fields-unknown-type",
        "metadata fields have types whose comparisons are known",
        "warning",
        _unknown_kinds,
        "use fields of type int, float, date or VARCHAR(128)",
        _by_type,
    ),
    Check(
        "fields-float",
        "no metadata field is a float",
        "note",
        _floats,
        "nothing to do; other tools than this must send the stored number, too",
    ),
    Check(
        "gather-field",
        f"the catalogue has {FIELD}, by which large gathers ask",
        "note",
        _gather,
        f"let a catalogue manager define it: meta index -d {FIELD} int",
    ),
)
