"""CTADIRAC's side of the comparison: what ``cta-prod-submit`` would send, built by its own classes.

Run as a program in a process of its own, so that DIRAC meets no proxy and no configuration:
``ctadirac_side.py REQUEST ANSWER``, both JSON files. Only the catalogue is replaced, as there is
none: by the queries of datasets that the request names, and by no files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def main(request: Path, answer: Path) -> None:
    """Build every file of the request."""
    from CTADIRAC.ProductionSystem.Client import WorkflowElement

    wanted = json.loads(request.read_text())
    WorkflowElement.get_dataset_MQ = lambda name: json.loads(json.dumps(wanted["datasets"][name]))
    WorkflowElement.FileCatalogClient = EmptyCatalogue
    answer.write_text(json.dumps({name: built(text) for name, text in wanted["files"].items()}))


class EmptyCatalogue:
    """A catalogue without files."""

    def findFilesByMetadata(self, query: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        """DIRAC's answer when nothing is found."""
        return {"OK": True, "Value": []}


def built(text: str) -> dict[str, Any]:
    """The transformations of one file, or why there are none."""
    from CTADIRAC.ProductionSystem.Client.Utilities import production_utils as submit
    from ruamel.yaml import YAML

    try:
        config = YAML(typ="safe", pure=True).load(text)
        submit.check_and_sort_workflow_config(config)
        parents = submit.get_parents_list(config["ProdSteps"])
        elements: list[Any] = []
        sent = []
        for count, step in enumerate(config["ProdSteps"], 1):
            parent = submit.find_parent_prod_step(elements, step)
            element = submit.instanciate_and_build_workflow_element(
                step, config, parent, parents, "ps"
            )
            # as ProductionClient.addProductionStep names it, at once: children refer to the name
            element.prod_step.Name = f"Step{count}_{element.prod_step.Name}"
            elements.append(element)
            sent.append(json.loads(json.dumps(element.prod_step.getAsDict()["Value"])))
    except (Exception, SystemExit) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"steps": sent}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
