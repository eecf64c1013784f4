"""Write the expected messages and plans anew: ``python tests/productions/regenerate.py``.

Read the difference before committing it: the golden files are the judgement, not this script.
"""

from __future__ import annotations

import json
from pathlib import Path

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.errors import DefinitionErrors

HERE = Path(__file__).parent
#: productions to learn from; their plans are kept here
EXAMPLES = HERE.parents[1] / "include" / "productions" / "examples"


def load(file: Path) -> Production:
    """Read one of the files, those beside it within reach."""

    def read_sibling(name: str) -> str | None:
        other = file.with_name(name)
        return other.read_text("utf-8") if other.is_file() else None

    return load_production(file.read_bytes(), file.name, read_sibling=read_sibling)


def productions(folder: str) -> list[Path]:
    """The files of a folder; those that only others extend begin with an underscore."""
    return sorted(f for f in (HERE / folder).glob("*.yaml") if not f.name.startswith("_"))


def expected_messages(file: Path) -> str:
    """What a user reads about a broken file."""
    try:
        load(file)
    except DefinitionErrors as errors:
        return f"{errors}\n"
    return "no mistake was found\n"


def expected_plan(file: Path) -> str:
    """The plan of a good file, for a run named r1."""
    plan = compile(load(file), run="r1")
    return json.dumps(plan.to_dict(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """All of them."""
    for file in productions("bad"):
        file.with_suffix(".expected").write_text(expected_messages(file), encoding="utf-8")
    for file in productions("good"):
        file.with_suffix(".plan.json").write_text(expected_plan(file), encoding="utf-8")
    for file in sorted(EXAMPLES.glob("w*.yaml")):
        golden = HERE / "examples" / f"{file.stem}.plan.json"
        golden.write_text(expected_plan(file), encoding="utf-8")


if __name__ == "__main__":
    main()
