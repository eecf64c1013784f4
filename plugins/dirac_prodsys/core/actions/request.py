"""Reads and checks the request for an action as a whole.

The checks are those of a form, and some that no form can make: a run that was triggered in another
way is checked just as well. Nothing here is ever rendered or evaluated, only compared and shown.

Invariant: a request that exists is complete and consistent in itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dirac_prodsys.core.actions.kinds import ACTIONS, VALUES, ActionKind
from dirac_prodsys.core.grid.status import TransformationStatus
from dirac_prodsys.core.problems import nearest
from dirac_prodsys.errors import DefinitionError, DefinitionErrors

#: maximum characters of a reason, and of a name with wildcards
MAX_REASON, MAX_PATTERN = 500, 255
#: maximum number of transformations that a pattern may match without a preview, for actions that
#: cannot be undone
MOST_UNSEEN = 20

#: form of names, including Airflow's run IDs, and of shell patterns of names
NAMES = r"[A-Za-z0-9_.*?+:~-]+"
CONNECTION = r"[A-Za-z0-9_.-]+"

_KNOWN = (
    "action",
    "production",
    "run",
    "steps",
    "states",
    *VALUES,
    "reason",
    "preview",
    "confirm",
    "digest",
    "force",
    "connection",
)


@dataclass(frozen=True)
class ActionRequest:
    """An action, what it is for, and why.

    :param production: name, or a pattern of names (``*`` and ``?``).
    :param run: run ID or tag, or a pattern of tags; empty: all runs.
    :param steps: names or patterns; empty: all steps.
    :param states: only transformations in these states; empty: in any.
    :param values: the given ones of ``VALUES``.
    :param preview: show what would be touched, and touch nothing.
    :param digest: act only if what would be touched is what the preview of this digest shows.
    :param force: include transformations that we did not create, by their whole name.
    """

    action: str
    production: str
    run: str = ""
    steps: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    preview: bool = True
    confirm: str = ""
    digest: str = ""
    force: bool = False
    connection: str = ""

    @property
    def kind(self) -> ActionKind:
        """Return the kind of the action."""
        return ACTIONS[self.action]

    @property
    def needs_confirming(self) -> bool:
        """Whether ``production`` must be typed once more.

        It must for actions that cannot be undone, if they remove something or concern many
        productions.
        """
        return self.kind.typed or (self.kind.risky and _wild(self.production))

    @property
    def is_pattern(self) -> bool:
        """Whether it may concern more than one run of one production."""
        return not self.run or _wild(self.production) or _wild(self.run)

    @property
    def scope(self) -> str:
        """Say in words what it is for."""
        parts = [f"production {self.production}"]
        parts.append(f"run {self.run}" if self.run else "all runs")
        parts.append(f"steps {', '.join(self.steps)}" if self.steps else "all steps")
        if self.states:
            parts.append(" or ".join(self.states))
        return ", ".join(parts)


def read_request(given: Mapping[str, Any]) -> ActionRequest:
    """Read a request from the parameters of a run or of a command; None: not given.

    :raises DefinitionErrors: all that is wrong with it.
    """
    reader = _Reader({name: value for name, value in given.items() if value is not None})
    request = reader.request()
    if reader.errors:
        raise DefinitionErrors(reader.errors)
    return request


class _Reader:
    """Collects every mistake, and reads on."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.errors: list[DefinitionError] = []

    def request(self) -> ActionRequest:
        for name in self.given:
            if name not in _KNOWN:
                self.wrong(f"unknown parameter {name!r}", nearest(str(name), _KNOWN))
        action = self.text("action")
        if action not in ACTIONS:
            reason = f"unknown action {action!r}" if action else "no action is named"
            self.wrong(reason, nearest(action, ACTIONS))
        request = ActionRequest(
            action=action,
            production=self.names("production", required=True),
            run=self.names("run"),
            steps=self.many("steps", NAMES),
            states=self.many("states", r"\w+"),
            values=self.values(),
            reason=one_line(self.text("reason"))[:MAX_REASON],
            preview=self.flag("preview", default=True),
            confirm=self.text("confirm"),
            digest=self.text("digest"),
            force=self.flag("force", default=False),
            connection=self.matching("connection", CONNECTION),
        )
        known = {str(status) for status in TransformationStatus}
        for state in request.states:
            if state not in known:
                self.wrong(f"no transformation is ever {state!r}", nearest(state, known))
        if action in ACTIONS:
            self.check_kind(request)
        return request

    def check_kind(self, request: ActionRequest) -> None:
        kind = request.kind
        given = sorted(request.values)
        if foreign := [name for name in given if name not in kind.takes]:
            self.wrong(f"{kind.name} takes no {' and no '.join(foreign)}", "leave it empty")
        elif kind.takes and len(given) != 1:
            wanted = " or ".join(kind.takes)
            self.wrong(f"{kind.name} needs {wanted}", f"give {wanted}, a number above 0")
        if kind.typed and not request.run:
            self.wrong(
                f"{kind.name} needs the run that is meant",
                "name the run; * for all runs of the production",
            )
        if kind.typed and _wild(request.production):
            self.wrong(
                f"{kind.name} is for one production at a time", "write its name without * and ?"
            )
        if request.force and _wild(request.production):
            self.wrong(
                f"force is for one whole name, and {request.production!r} is a pattern",
                "write the name of one transformation, as DIRAC has it, without * and ?",
            )
        if request.preview:
            return
        if (kind.risky or request.force) and not request.reason:
            what = f"{kind.name} cannot be undone" if kind.risky else "force is an exception"
            self.wrong(f"{what}: it needs a reason", "say why, in one line, as 'reason' (--reason)")
        if request.needs_confirming and request.confirm != request.production:
            self.wrong(
                f"{kind.name} is not confirmed: 'confirm' is {request.confirm!r}",
                f"type {request.production!r} as 'confirm', as it stands in 'production'",
            )

    # -- values ---------------------------------------------------------------------------------

    def wrong(self, reason: str, hint: str) -> None:
        self.errors.append(DefinitionError(reason, hint))

    def text(self, name: str) -> str:
        value = self.given.get(name, "")
        if isinstance(value, str):
            return value.strip()
        self.wrong(f"{name!r} is {value!r}, which is no text", "write a text")
        return ""

    def matching(self, name: str, pattern: str, *, required: bool = False) -> str:
        text = self.text(name)
        if not text and required:
            self.wrong(f"{name!r} is missing", "name one, or a pattern with * and ?")
        if text and (len(text) > MAX_PATTERN or not re.fullmatch(pattern, text)):
            self.wrong(f"{name!r} is {text[:80]!r}, which is no name", _NAME_HINT)
            return ""
        return text

    def names(self, name: str, *, required: bool = False) -> str:
        return self.matching(name, NAMES, required=required)

    def many(self, name: str, pattern: str) -> tuple[str, ...]:
        value = self.given.get(name, ())
        values = value.split() if isinstance(value, str) else value
        if not isinstance(values, Sequence) or not all(isinstance(v, str) for v in values):
            self.wrong(f"{name!r} is {value!r}, which is no list of names", "write a list")
            return ()
        cleaned = [text.strip() for text in values if text.strip()]
        for text in cleaned:
            if len(text) > MAX_PATTERN or not re.fullmatch(pattern, text):
                self.wrong(f"{name!r} has {text[:80]!r}, which is no name", _NAME_HINT)
        return tuple(dict.fromkeys(cleaned))

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.given.get(name, default)
        if not isinstance(value, bool):
            self.wrong(f"{name!r} is {value!r}", "write true or false")
            return default
        return value

    def values(self) -> dict[str, float]:
        read = {name: self.number(name) for name in VALUES}
        return {name: value for name, value in read.items() if value is not None}

    def number(self, name: str) -> float | None:
        value, kind = self.given.get(name), VALUES[name]
        if value is None:
            return None
        is_number = isinstance(value, int if kind.integer else int | float)
        if not is_number or isinstance(value, bool) or not 0 < value <= kind.most:
            form = f"a whole number from 1 to {kind.most}" if kind.integer else "a number above 0"
            self.wrong(f"{name!r} is {value!r}", f"write {form}")
            return None
        return value if kind.integer else float(value)


def _wild(text: str) -> bool:
    return bool(set("*?[") & set(text))


def one_line(text: str) -> str:
    """Write a person's text as one line without control characters, for logs and DIRAC's tables."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


_NAME_HINT = "names have letters, digits and _ . - + : ~ ; patterns * and ?"
