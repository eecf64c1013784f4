"""The ten invariants, watched from the grid's side while a production walks.

I1  at most one started transformation for each step (and generation) of a run
I2  none is started that differs from its plan, and none before all are created
I3  no flush before the input is settled
I4  no Completed while a file is open, or fewer are done than the policy asks for
I5  an outage fails no task; and no task fails without a reason that lies in the grid
I6  nothing is done twice and nothing is lost: files, tasks
I7  what we noted down equals what we did
I8  nothing is destroyed that anybody may still want
I9  each file is in one living task at most
I10 what was decided can be decided again from what was written down

Invariant: everything is judged by what the grid holds and by the plan, never by the code that is
watched.
"""

from __future__ import annotations

from tests.walk.ending import Ending
from tests.walk.notifying import Notifying
from tests.walk.starting import Starting


class Observer(Starting, Notifying, Ending):
    """All of it."""
