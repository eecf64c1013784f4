"""Commands that carry out a preview: whole, quoted, and bound to its digest."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from dirac_prodsys.core.actions.commands import to_carry_out
from dirac_prodsys.core.actions.request import read_request

DIGEST = "0123456789abcdef"


def commands(**given: Any) -> tuple[dict[str, Any], list[str]]:
    airflow, ours = to_carry_out(read_request(given), DIGEST)
    conf: dict[str, Any] = json.loads(shlex.split(airflow)[-1])
    return conf, shlex.split(ours)


def test_a_command_holds_what_was_asked_for_and_no_more() -> None:
    conf, ours = commands(action="stop", production="ba*", steps=["a", "b"], states=["Active"])
    assert conf == {
        "action": "stop",
        "production": "ba*",
        "steps": ["a", "b"],
        "states": ["Active"],
        "preview": False,
        "digest": DIGEST,
    }
    assert ours == [
        *("dirac-prodsys", "stop", "ba*", "--digest", DIGEST),
        *("--step", "a", "--step", "b", "--state", "Active"),
    ]


@pytest.mark.parametrize("reason", ['it\'s "wrong"; rm -rf $HOME `x`', "größer"])
def test_no_word_of_a_person_leaves_its_quotes(reason: str) -> None:
    conf, ours = commands(action="clean", production="bands", run="r1", reason=reason)
    assert (conf["reason"], conf["confirm"]) == (reason, "bands")
    assert ours[ours.index("--reason") + 1] == reason
    assert read_request(conf).preview is False


def test_a_reason_that_is_missing_is_not_made_up() -> None:
    conf, ours = commands(action="complete", production="bands")
    assert "reason" not in conf
    assert "--reason" not in ours


@pytest.mark.parametrize(("size", "word"), [(10, "10"), (2.5, "2.5"), (1_000_000, "1000000")])
def test_numbers_are_written_out(size: float, word: str) -> None:
    conf, ours = commands(action="set_group_size", production="bands", group_size=size)
    assert conf["group_size"] == size
    assert ours[:4] == ["dirac-prodsys", "set-group-size", "bands", word]
