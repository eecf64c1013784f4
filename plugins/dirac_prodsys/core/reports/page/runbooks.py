"""Makes what the page shows of a runbook: its parts, in the few forms of Markdown that it draws.

Invariant: pure. There are no links in it: the page draws none.
"""

from __future__ import annotations

import re

from dirac_prodsys.core.reports.page.answers.draft import RunbookAnswer, RunbookPart

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
#: an entry of a list that goes on in the next line
_GOES_ON = re.compile(r"\n +(?=\S)")


def runbook(name: str, text: str) -> RunbookAnswer:
    """Return a runbook.

    :param text: Markdown: ``# NAME: title``, and parts below ``##``; links become their words.
    """
    plain = _GOES_ON.sub(" ", _LINK.sub(r"\1", text))
    head, *parts = re.split(r"^## ", plain, flags=re.MULTILINE)
    titled = [part.partition("\n") for part in parts]
    return RunbookAnswer(
        name=name,
        title=head.strip().removeprefix("# "),
        parts=tuple(
            RunbookPart(title=title.strip(), text=_joined(body)) for title, _, body in titled
        ),
    )


def _joined(body: str) -> str:
    """Return a part with one line for each paragraph and each entry of a list, all with a dash."""
    lines = re.sub(r"^(?:- |\d+\. )", "- ", body.strip(), flags=re.MULTILINE).split("\n")
    found: list[str] = []
    for line in lines:
        if found and found[-1] and line and not line.startswith("- "):
            found[-1] = f"{found[-1]} {line}"
        else:
            found.append(line)
    return re.sub(r"(?<!\*)\*([^*\n]+)\*(?!\*)", r"**\1**", "\n".join(found))
