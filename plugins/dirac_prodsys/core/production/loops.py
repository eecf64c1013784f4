"""Defines ``loops:`` as a user writes it, and which pass of a loop a step is.

Invariant: a loop has a bound.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictInt, StrictStr

from dirac_prodsys.core.models import Model
from dirac_prodsys.core.production.policy import Hours
from dirac_prodsys.core.production.wait_for import ValueModel

#: maximum number of passes of a loop: each is in the DAG
MAX_PASSES = 20
#: maximum number of steps of a production with all passes of its loops
MAX_STEPS = 1000


class LoopModel(Model):
    """Steps that are gone through again until a condition holds.

    :param steps: their names; they see the number of the pass as ``${{ pass }}``.
    :param until: after a pass that fulfils this, the loop has ended; its file holds
        ``${{ pass }}``.
    :param at_most: passes.
    :param within: hours after a pass in which the file must appear.
    :param otherwise: what it means that the last pass does not fulfil it: ``fail``, or ``go_on``
        with what that pass made.
    """

    steps: tuple[StrictStr, ...] = Field(min_length=1)
    until: ValueModel
    at_most: StrictInt = Field(ge=2, le=MAX_PASSES)
    within: Hours = 24
    otherwise: Literal["fail", "go_on"] = "fail"


class Turn(Model):
    """Which pass of which loop a step is, from 1."""

    loop: StrictStr
    number: StrictInt
