"""What a walk remembers of its grid, whichever grid it is.

Invariant: the observer reads these names only, and what a grid itself answers; so a walk in memory
and one on DIRAC are judged by the same rules.
"""

from __future__ import annotations


class Remembered:
    """Who did what to the grid, and when, in seconds of the walk.

    :cvar reading: seconds that may lie between the reading of a snapshot and its judgement.
    """

    reading = 0.0

    def __init__(self) -> None:
        #: tasks that left their output
        self.outputs: set[tuple[int, int]] = set()
        #: when tasks were made
        self.made_at: dict[tuple[int, int], float] = {}
        #: when files were last attached, per transformation
        self.attached_at: dict[int, float] = {}
        #: when a file last vanished
        self.vanished_at = 0.0
        #: when a person changed a group size, per transformation
        self.resized_at: dict[int, float] = {}
        #: what persons did, per transformation
        self.hands: dict[int, set[str]] = {}
        self.person_tasks: dict[int, int] = {}
        #: who stopped those that are Stopped
        self.stopped_by: dict[int, str] = {}
        #: steps whose transformation somebody deleted
        self.deleted: set[str] = set()
        self.struck: set[str] = set()
        #: files, per transformation, that a person had tried again
        self.wanted_again: dict[int, set[str]] = {}
        #: input files, per transformation, that were on their way again when such a file came back
        self.excused: set[tuple[int, str]] = set()

    def remember_hand(self, number: int, act: str, now: float) -> None:
        """Remember what a person does; a number is a new group size."""
        self.hands.setdefault(number, set()).add(act if not act.isdigit() else "group_size")
        if act == "extend":
            self.person_tasks[number] = self.person_tasks.get(number, 0) + 1
        elif act.isdigit():
            self.resized_at[number] = now
