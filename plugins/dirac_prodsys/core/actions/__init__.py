"""Decides what people may do to running productions: which transformations, and what to each.

::

    parameters ──> ActionRequest ──select──> candidates ──decide──> Preview ──> acts ──> Outcome

Invariant: pure. Everything that would be touched is decided and reported as a whole before anything
is touched, and exactly that is done afterwards, by ID.

Nothing is imported here: the command line needs only the names of the actions to start.
"""

from __future__ import annotations
