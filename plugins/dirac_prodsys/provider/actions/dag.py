"""Defines the DAG of people's actions; its trigger form is the page on which they ask for one.

Permission to act is permission to trigger this DAG; its runs are the record of who did what.

Invariant: a form that is submitted unchanged touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param

from dirac_prodsys.core.actions.commands import DAG_ID
from dirac_prodsys.core.actions.kinds import ACTIONS, VALUES
from dirac_prodsys.core.actions.request import (
    CONNECTION,
    MAX_PATTERN,
    MAX_REASON,
    NAMES,
)
from dirac_prodsys.core.grid.status import (
    ENDED_TRANSFORMATION,
    WORKING_TRANSFORMATION,
    TransformationStatus,
)
from dirac_prodsys.provider.actions.offer import OFFER
from dirac_prodsys.provider.actions.tasks import (
    ACT_TASK,
    PREVIEW_TASK,
    ProductionActionOperator,
    ProductionPreviewOperator,
)
from dirac_prodsys.provider.hook import DiracHook

#: names of the form's collapsed sections; a parameter in no section shows at once
_TAKERS = " and ".join(kind.name.replace("_", " ") for kind in ACTIONS.values() if kind.takes)
_VALUES, _MORE = f"Values of {_TAKERS}", "More"

#: states by which people select
_STATES = (
    WORKING_TRANSFORMATION
    | ENDED_TRANSFORMATION
    | {TransformationStatus.NEW, TransformationStatus.STOPPED}
)


def actions_dag(productions: Sequence[str] = ()) -> DAG:
    """Return the DAG, the same whenever it is built.

    :param productions: names that the form offers; others, and patterns, can be typed.
    """
    with DAG(
        dag_id=DAG_ID,
        description=f"Acts on a production: {', '.join(map(_words, ACTIONS))}",
        doc_md=_documentation(),
        tags=["dirac", "operations"],
        schedule=None,
        params=_params(productions),
        catchup=False,
        is_paused_upon_creation=False,
        # an offer that nobody answers must not keep a stop from starting
        max_active_runs=64,
        default_args={"owner": "dirac", "retries": 3, "retry_delay": timedelta(seconds=10)},
    ) as dag:
        preview = ProductionPreviewOperator(task_id=PREVIEW_TASK)
        preview >> ProductionActionOperator(task_id=ACT_TASK)
    return dag


def _params(productions: Sequence[str]) -> dict[str, Param]:
    offered = {"examples": list(productions)} if productions else {}
    return {
        "action": Param(
            description="What is done. Everything is previewed first.",
            type="string",
            enum=list(ACTIONS),
            values_display={name: _label(name) for name in ACTIONS},
            title="Action",
        ),
        "production": Param(
            description="Name of a production, or a pattern with * and ?.",
            type="string",
            pattern=f"^{NAMES}$",
            maxLength=MAX_PATTERN,
            title="Production",
            **offered,
        ),
        "run": _text(
            "The production's run: its ID or its tag, or a pattern of tags; empty: all its runs. "
            "Clean and delete need it.",
            "Run",
            NAMES,
        ),
        "steps": Param(
            [],
            "Only these steps, one on each line, or patterns; empty: all.",
            type=["array", "null"],
            items={"type": "string", "pattern": f"^{NAMES}$", "maxLength": MAX_PATTERN},
            title="Steps",
        ),
        "reason": Param(
            "",
            "Why, in one line. Required for complete, clean and delete, and with force.",
            type=["string", "null"],
            maxLength=MAX_REASON,
            title="Reason",
        ),
        "preview": Param(
            True,
            "Only show what would be touched. Switch it off to act.",
            type="boolean",
            title="Preview only",
        ),
        OFFER: Param(
            True,
            "After a preview, ask under Required Actions whether to carry it out: you alone can "
            "answer. Only the form asks by default.",
            type="boolean",
            title="Offer to carry it out",
        ),
        "confirm": _text(
            "To act, clean and delete need the production's name typed here, and complete a "
            "pattern of productions.",
            "Confirm",
            NAMES,
        ),
        **{name: _value(name) for name in VALUES},
        "states": Param(
            [],
            "Only transformations in these states; empty: in any.",
            type=["array", "null"],
            items={"type": "string", "enum": [str(s) for s in TransformationStatus]},
            examples=[str(s) for s in TransformationStatus if s in _STATES],
            title="States",
            section=_MORE,
        ),
        "digest": _text(
            "Act only if what would be touched is still what the preview of this digest showed.",
            "Digest of a preview",
            "[0-9a-f]{16}",
            _MORE,
        ),
        "force": Param(
            False,
            "Take also the one transformation that we did not create, of this VO or another, whose "
            "whole name, no pattern, is Production.",
            type="boolean",
            title="Force",
            section=_MORE,
        ),
        "connection": Param(
            DiracHook.default_conn_name,
            "Airflow connection of type dirac.",
            type="string",
            pattern=f"^{CONNECTION}$",
            maxLength=MAX_PATTERN,
            title="Connection",
            section=_MORE,
        ),
    }


def _text(description: str, title: str, pattern: str, section: str = "") -> Param:
    schema = {"section": section} if section else {}
    return Param(
        "",
        description,
        type=["string", "null"],
        pattern=f"^(?:{pattern})?$",
        maxLength=MAX_PATTERN,
        title=title,
        **schema,
    )


def _value(name: str) -> Param:
    value = VALUES[name]
    takers = " and ".join(kind.name for kind in ACTIONS.values() if name in kind.takes)
    about = f"{takers}: {value.about[0].lower()}{value.about[1:]}"
    bounds: dict[str, Any] = {"minimum": 1} if value.integer else {"exclusiveMinimum": 0}
    return Param(
        None,
        about,
        type=["integer" if value.integer else "number", "null"],
        **bounds,
        maximum=value.most,
        title=_words(name).capitalize(),
        section=_VALUES,
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _label(name: str) -> str:
    return f"{_words(name)}: {ACTIONS[name].does}"


def _documentation() -> str:
    rows: list[Any] = [
        "| action | does | |",
        "|---|---|---|",
        *(
            f"| `{kind.name}` | {kind.does} | {'reason required' if kind.risky else ''}"
            f"{', name typed' if kind.typed else ''} |"
            for kind in ACTIONS.values()
        ),
    ]
    return "\n".join([_ABOUT, "", *rows, ""])


_ABOUT = """\
What people do to productions that run, or ran. **A run touches nothing unless `preview` is
switched off**, or whoever asked for it answers *Carry it out* under Required Actions; its task
`preview` tells in its log, and as XCom, which transformations, files and bytes are meant, and by
which command it is done. The same again with `preview` off does it, too.

Who asked, why, and what was done to which transformation stays in the run. What failed is listed;
clear the task `act` to try that again, what is done stays done. A production's own run accepts
what was done here, and does not undo it.
"""
