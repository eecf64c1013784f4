"""Says in lines how two queries differ, field by field.

Invariant: equal queries give no line.
"""

from __future__ import annotations

from dirac_prodsys.core.query.meta_query import MetaQuery, form_text


def differences(asked: MetaQuery, found: MetaQuery) -> tuple[str, ...]:
    """Return one line for each field that differs: ``site: asked A, found B``."""
    mine, theirs = asked.conditions, found.conditions
    wanted, there = asked.to_dirac(), found.to_dirac()
    return tuple(
        f"{field}: asked {_text(wanted, field)}, found {_text(there, field)}"
        for field in sorted({*mine, *theirs})
        if mine.get(field) != theirs.get(field)
    )


def _text(form: dict[str, object], field: str) -> str:
    return form_text(form[field]) if field in form else "no condition"
