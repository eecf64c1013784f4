"""What people may do to running productions: which transformations, what to each, in which words.

::

    parameters ──> ActionRequest ──select──> candidates ──decide──> Preview ──> acts ──> Outcome

Invariant: pure. What would be touched is decided and told as a whole before anything is touched,
and what is done afterwards is what was told, by ID.

Nothing is imported here: the command line needs only the names of the actions to start.
"""

from __future__ import annotations
