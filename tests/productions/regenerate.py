"""Write the expected messages and plans anew: ``python tests/productions/regenerate.py``.

Read the difference before committing it: the golden files are the judgement, not this script.
"""

from __future__ import annotations

import json
from pathlib import Path

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan import compile
from dirac_prodsys.errors import DefinitionErrors

HERE = Path(__file__).parent


def expected_messages(file: Path) -> str:
    """What a user reads about a broken file."""
    try:
        load_production(file.read_bytes(), file.name)
    except DefinitionErrors as errors:
        return f"{errors}\n"
    return "no mistake was found\n"


def expected_plan(file: Path) -> str:
    """The plan of a good file, for a run named r1."""
    plan = compile(load_production(file.read_bytes(), file.name), run="r1")
    return json.dumps(plan.to_dict(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """All of them."""
    for file in sorted((HERE / "bad").glob("*.yaml")):
        file.with_suffix(".expected").write_text(expected_messages(file), encoding="utf-8")
    for file in sorted((HERE / "good").glob("*.yaml")):
        file.with_suffix(".plan.json").write_text(expected_plan(file), encoding="utf-8")


if __name__ == "__main__":
    main()
