"""Notifies people by Airflow's own notifiers.

The deployment's rules stand in its Airflow configuration, section ``dirac_prodsys``; a production
refines them by ``notify``. Mail is the default, chats stand beside it. The deployment, and nobody
else, can name any notifier class: a production file is data.

Invariant: a notifier that fails, or is set up wrongly, is reported in the task's log and never
fails a task. Nothing of a production or a job is rendered as a template on its way.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.configuration import conf

from dirac_prodsys.core import naming
from dirac_prodsys.core.policy.notice_kinds import DEFAULT_KINDS, KINDS
from dirac_prodsys.core.policy.notices import Notice, NotifyRules, keys_of_alarm
from dirac_prodsys.errors import ProdsysError
from dirac_prodsys.gateway.procedures import claims
from dirac_prodsys.gateway.protocol import ProductionGateway
from dirac_prodsys.provider.addresses.links import run_page_url, runbook_url
from dirac_prodsys.provider.hook import DiracHook
from dirac_prodsys.provider.reporting.task_records import TaskRecords

if TYPE_CHECKING:
    from airflow.sdk import Context

    from dirac_prodsys.core.production.production import Production

#: section of Airflow's configuration
SECTION = "dirac_prodsys"

_SMTP = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
#: option with the connections of chats, and their notifier
_CHATS = "webhook_conn_ids"
_WEBHOOK = "dirac_prodsys.provider.people.webhook.WebhookNotifier"

#: result of a notice; ``known``: it was sent before, or nobody wants it
Sending = Literal["sent", "known", "failed"]

log = logging.getLogger(__name__)


def rules_for(production: Production | None) -> NotifyRules:
    """Return who is notified, and about what: the deployment's rules, refined by the production's.

    :raises ValueError: the configuration is wrong.
    """
    on = _listed("notify_on")
    if unknown := sorted(set(on) - set(KINDS)):
        raise ValueError(
            f"[{SECTION}] notify_on: {', '.join(unknown)}: known are {', '.join(KINDS)}"
        )
    rules = NotifyRules(tuple(on) or DEFAULT_KINDS, tuple(_listed("notify_to")))
    own = None if production is None else production.notify
    return rules if own is None else rules.refined(own.on, own.to)


def wanted(production: Production | None) -> bool:
    """Check whether anybody wants notices."""
    try:
        rules = rules_for(production)
    except ValueError as error:
        log.warning("no notices are sent: %s", error)
        return False
    others = any(conf.get(SECTION, option, fallback="") for option in ("notifier", _CHATS))
    return bool(rules.on) and bool(rules.to or others)


def why_not_sent() -> str:
    """Return why the deployment's notices cannot be sent; empty: they can, or none are wanted."""
    try:
        rules = rules_for(None)
        if wanted(None):
            for path, _ in _notifiers(rules):
                _class_of(path)
    except Exception as error:
        return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return ""


class NoticeSender:
    """Notifies people on behalf of a task.

    :param production: the one that the task serves; None for a task written by hand.
    :param transformation: ID of the transformation that records sent notices, if the task serves no
        production.
    """

    def __init__(
        self,
        context: Context,
        dirac_conn_id: str,
        production: Production | None,
        transformation: int | None = None,
    ) -> None:
        self.context = context
        self.production = production
        self.by = task_of(context)
        self._transformation = transformation
        self._hook = DiracHook(dirac_conn_id)

    def send(self, notice: Notice, *, always: bool = False) -> Sending:
        """Send a notice if its causes are new in this run.

        :param always: it is known to be new.
        """
        first = notice.text.splitlines()[0] if notice.text else notice.kind
        try:
            rules = rules_for(self.production)
            if notice.kind not in rules.on or not wanted(self.production):
                return "known"
            keys = [] if always else [notice.key(cause) for cause in notice.causes]
            kept = self._kept() if keys else None
            if kept is not None:
                gateway, number = kept
                keys = claims.claim(gateway, number, keys, self.by, settle=settle_of(gateway))
                if not keys:
                    return "known"
            _send(notice, self.context, self.production, rules)
            if kept is not None:
                claims.mark_sent(*kept, keys, self.by)
        except Exception as error:
            log.warning("the notice was not sent: %s: %s", first, _why(error))
            return "failed"
        log.info("notice sent: %s: %s", notice.kind, first)
        TaskRecords(self.context, self.production).notice(notice, rules.to)
        return "sent"

    def send_recovered(self, causes: Sequence[str], step: str, text: str) -> Sending:
        """Report that a wait goes on, if in this run somebody was notified that it does not."""
        keys = [key for cause in causes for key in keys_of_alarm(cause, step)]
        try:
            kept = self._kept()
            known = claims.withdraw(*kept, keys) if kept is not None else []
        except ProdsysError as error:
            log.warning("the record of sent notices cannot be changed: %s", error.reason)
            return "failed"
        if not known:
            return "known"
        return self.send(Notice("recovered", (), f"{step} goes on: {text}", step), always=True)

    def _kept(self) -> tuple[ProductionGateway, int] | None:
        """Return where the run records sent notices: with the first of its transformations."""
        gateway = self._hook.gateway()
        number = self._transformation
        if self.production is not None:
            run = naming.run_tag(str(self.context["run_id"]))
            record = gateway.find_transformation(first_transformation(self.production, run))
            number = None if record is None else record.id
        return None if number is None else (gateway, number)


def first_transformation(production: Production, run: str) -> str:
    """Return the name of the first transformation of a plan: of the first step without a parent."""
    first = next(step.name for step in production.steps if not (step.parents or step.after))
    return naming.transformation_name(production.name, run, first)


def _send(
    notice: Notice, context: Context, production: Production | None, rules: NotifyRules
) -> None:
    """Send a notice by all notifiers.

    What one of them could not send is a line in the log: it is not sent again by the others.

    :raises Exception: it reached nobody.
    """
    run = naming.run_tag(str(context["run_id"]))
    name = production.name if production is not None else task_of(context).split("/")[0]
    words = _words(notice, name, run, rules)
    notifiers = _notifiers(rules)
    failed: list[Exception] = []
    for path, arguments in notifiers:
        filled = {key: _filled(value, words, rules.to) for key, value in arguments.items()}
        try:
            # use ``notify`` and do not call it: calling would render what jobs wrote as templates
            _class_of(path)(**filled).notify(context)
        except Exception as error:
            failed.append(error)
    if failed and len(failed) == len(notifiers):
        raise failed[0]
    for one in failed:
        log.warning("one of %d notifiers did not send it: %s", len(notifiers), _why(one))


def _words(notice: Notice, name: str, run: str, rules: NotifyRules) -> dict[str, str]:
    """Return what notifiers may fill in."""
    page, runbook = run_page_url(name, run, notice.step), runbook_url(notice.kind)
    links = [("See the run", page), ("What to do", runbook)]
    links = [(title, address) for title, address in links if address]
    lines = "".join(f"\n{title}: {address}" for title, address in links)
    anchors = " · ".join(f'<a href="{escape(address)}">{title}</a>' for title, address in links)
    if links:
        log.info("%s%s", notice.kind, lines)
    # the text, too: after a recovery, the same cause is news
    same = "\n".join((name, run, notice.kind, notice.step, *notice.causes, notice.text))
    return {
        "subject": notice.subject(name, run),
        "text": f"{notice.text}\n{lines}" if lines else notice.text,
        "bare_text": notice.text,
        "html": f"<pre>{escape(notice.text)}</pre>{notice.html}"
        + (f"<p>{anchors}</p>" if links else ""),
        "to": ", ".join(rules.to),
        "kind": notice.kind,
        "production": name,
        "run": run,
        "step": notice.step,
        "page": page,
        "runbook": runbook,
        "key": hashlib.sha256(same.encode()).hexdigest()[:32],
    }


def _notifiers(rules: NotifyRules) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the classes of all notifiers with their arguments; empty: nobody is notified."""
    chats = [(_WEBHOOK, {**_CHAT, "conn_id": name}) for name in _listed(_CHATS)]
    text = conf.get(SECTION, "notifier", fallback="")
    if not text:
        mail: dict[str, Any] = {"to": "{to}", "subject": "{subject}", "html_content": "{html}"}
        if connection := conf.get(SECTION, "smtp_conn_id", fallback=""):
            mail["smtp_conn_id"] = connection
        return [*([(_SMTP, mail)] if rules.to else []), *chats]
    data: Any = json.loads(text)
    entries = data if isinstance(data, list) else [data]
    own = [(str(one["class"]), dict(one.get("kwargs") or {})) for one in entries]
    return [*own, *chats]


#: arguments of the notifier of a chat
_CHAT: Mapping[str, Any] = {
    "subject": "{subject}",
    "text": "{bare_text}",
    "page": "{page}",
    "runbook": "{runbook}",
    "key": "{key}",
}


def _why(error: Exception) -> str:
    return error.reason if isinstance(error, ProdsysError) else repr(error)


def _filled(value: Any, words: Mapping[str, str], to: Sequence[str]) -> Any:
    if value == "{to}":
        return list(to)
    if not isinstance(value, str):
        return value
    return re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]), value)


def _class_of(path: str) -> Any:
    from importlib import import_module

    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def task_of(context: Context) -> str:
    """Return the task, the same for all its tries."""
    instance: Any = context.get("ti")
    parts = [getattr(instance, name, "") for name in ("dag_id", "run_id", "task_id", "map_index")]
    return "/".join(str(part) for part in parts)


def settle_of(gateway: Any) -> float:
    """Return the seconds after which another task that read at the same moment has written."""
    return 5 * float(getattr(gateway, "settle_seconds", claims.SETTLE / 5))


def _listed(option: str) -> list[str]:
    text = conf.get(SECTION, option, fallback="") or ""
    return [word.strip() for word in text.split(",") if word.strip()]
