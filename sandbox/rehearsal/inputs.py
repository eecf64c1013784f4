"""Prepares what a rehearsed production finds: metadata fields, input files, datasets.

Files of a query carry metadata that the query selects (``core/rehearsal/examples.py``); files of a
list have the names in the list; all are small. Invariant: nothing is made that a step of the
production makes itself.
"""

from __future__ import annotations

import contextlib
import json
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dirac_prodsys.core.grid.specs import DatasetSpec
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.query.meta_query import MetaQuery
from dirac_prodsys.core.rehearsal.examples import examples_of
from dirac_prodsys.core.rehearsal.fields import fields_of
from dirac_prodsys.core.rehearsal.openers import openers
from dirac_prodsys.core.rehearsal.stand_in import storage_of
from dirac_prodsys.core.steps.step_plan import StepPlan
from dirac_prodsys.errors import GatewayError
from dirac_prodsys.gateway.dirac import DiracGateway
from dirac_prodsys.gateway.dirac.rehearsal import SE
from dirac_prodsys.gateway.verbs.services import CATALOGUE
from sandbox.errors import SandboxError
from sandbox.grid.grid import Grid

#: files registered in one call
_CHUNK = 200

#: metadata field of things made for a rehearsal that no other metadata can find
MARK = "rehearsal"

#: in the home of the grid's jobs: what stand-ins write into files (``software/stand_in.py``)
NUMBERS = "stand-in-numbers.json"


@dataclass
class Inputs:
    """The inputs of some productions of one virtual organisation.

    :param files: number of files for each catalogue query, if it needs no more.
    :param datasets: name → query, for the datasets that the productions take.
    """

    grid: Grid
    gateway: DiracGateway
    plans: Sequence[ProductionPlan]
    files: int
    datasets: Mapping[str, MetaQuery]

    def __post_init__(self) -> None:
        self.of_directories, self.of_files = fields_of(self.plans, self.datasets.values())

    def prepare(self) -> dict[str, int]:
        """Make everything; return ``production.step`` → number of files made for it."""
        self._define_fields()
        made = {}
        for plan in self.plans:
            for step in plan.steps:
                if step.rules.needs_input and not step.parents:
                    number = self._step(plan, step)
                    if number:
                        made[f"{plan.production}.{step.name}"] = number
        for name, query in self.datasets.items():
            self.gateway.create_dataset(DatasetSpec(name=name, query=query, freeze=True))
        for plan in self.plans:
            self._open(plan)
        return made

    # -- gates --------------------------------------------------------------------------------

    def _open(self, plan: ProductionPlan) -> None:
        """Make the files and datasets that its steps wait for."""
        needed = openers(plan)
        content = {lfn: json.dumps(numbers) for lfn, numbers in needed.files.items()}
        self._register({lfn: {} for lfn in needed.files}, SE, content)
        for name in needed.datasets:
            if name in self.datasets:
                continue
            mark = name.rsplit("/", 1)[-1]
            folder = f"/{plan.vo}/rehearsal/{plan.run}/datasets/{mark}"
            self._call("createDirectory", {folder: True})
            self._call("setMetadata", folder, {MARK: mark})
            self._register({f"{folder}/file": {}}, SE)
            query = MetaQuery.parse({MARK: mark})
            self.gateway.create_dataset(DatasetSpec(name=name, query=query, freeze=True))
        if needed.written:
            path = self.grid.state.home / NUMBERS
            path.write_text(json.dumps({**_read(path), **needed.written}))

    # -- metadata -----------------------------------------------------------------------------

    def _define_fields(self) -> None:
        """Define the fields; one of another kind or type is still empty, so it is made anew."""
        known = self._call("getMetadataFields")
        have = {
            **{name: ("-d", kind) for name, kind in known["DirectoryMetaFields"].items()},
            **{name: ("-f", kind) for name, kind in known["FileMetaFields"].items()},
        }
        marked = {**self.of_directories, MARK: "VARCHAR(128)"}
        for wanted, place in ((marked, "-d"), (self.of_files, "-f")):
            for name, kind in wanted.items():
                found = have.get(name)
                if found is not None and _serves(found, (place, kind)):
                    continue
                if found is not None:
                    with contextlib.suppress(GatewayError):  # it is no field of the other kind
                        self._call("deleteMetadataField", name)
                self._call("addMetadataField", name, kind, place)

    # -- files --------------------------------------------------------------------------------

    def _step(self, plan: ProductionPlan, step: StepPlan) -> int:
        spec = step.transformation
        se = storage_of(spec)[0] if "SourceSE" in spec.parameters else SE
        if spec.files:
            self._register({lfn: {} for lfn in spec.files}, se)
            return len(spec.files)
        query = spec.input_query if step.sample is None else step.sample.query
        if query is None:
            return 0
        examples = examples_of(query)
        full = 0 if step.rules.flush == "auto" or spec.plugin == "BySize" else spec.group_size
        limit = 0 if step.sample is None else step.sample.limit
        number = max(self.files, len(examples), int(full), limit)
        base = f"/{plan.vo}/rehearsal/{plan.run}/{plan.production}/{step.name}"
        found: dict[str, dict[str, Any]] = {}
        folders: dict[str, dict[str, Any]] = {}
        for index in range(number):
            metadata = examples[index % len(examples)]
            above = {k: v for k, v in metadata.items() if k in self.of_directories}
            own = {k: v for k, v in metadata.items() if k in self.of_files}
            tag = json.dumps(above, sort_keys=True)
            folder = f"{base}/{zlib.crc32(tag.encode()):08x}"
            folders[folder] = above
            found[f"{folder}/input_{index + 1:08d}"] = own
        self._call("createDirectory", dict.fromkeys(folders, True))
        for folder, above in folders.items():
            if above:
                self._call("setMetadata", folder, above)
        self._register(found, se)
        return number

    def _register(
        self,
        files: Mapping[str, Mapping[str, Any]],
        se: str,
        contents: Mapping[str, str] | None = None,
    ) -> None:
        """Register files.

        :param files: LFN → its own metadata.
        :param contents: LFN → content, where it matters.
        """
        facts = {}
        for lfn in files:
            content = f"{(contents or {}).get(lfn, lfn)}\n".encode()
            file = self.grid.state.storage / se / lfn.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            facts[lfn] = {
                "PFN": f"file://localhost{file}",
                "Size": len(content),
                "SE": se,
                "GUID": str(uuid.uuid4()),
                "Checksum": f"{zlib.adler32(content):08x}",
            }
        for chunk in _chunks(list(facts)):
            reply = self._call("addFile", {lfn: facts[lfn] for lfn in chunk})
            for lfn, reason in reply["Failed"].items():
                raise SandboxError(f"{lfn} cannot be made: {reason}")
        for lfn, own in files.items():
            if own:
                self._call("setMetadata", lfn, dict(own))

    def _call(self, method: str, *arguments: Any) -> Any:
        return self.gateway.services.call(CATALOGUE, method, *arguments)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _serves(found: tuple[str, str], wanted: tuple[str, str]) -> bool:
    """Check whether a field of that kind and type holds such values."""
    (place, kind), (needed_place, needed) = found, wanted
    kinds = [word.lower().split("(")[0] for word in (kind, needed)]
    return place == needed_place and (kinds[0] == kinds[1] or kinds == ["float", "int"])


def _chunks(names: list[str]) -> Iterable[list[str]]:
    return (names[at : at + _CHUNK] for at in range(0, len(names), _CHUNK))
