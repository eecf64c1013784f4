"""Checks what the deployment allows to authors of production files, and to people who act on them.

::

    file      the site's file: read, checked, and the limits of one Dag bundle
    limits    whether a plan keeps to them
    removals  whether somebody must agree to what a step removes
    asked     who will be asked, as far as a file shows
    rights    who may act on which productions

The file belongs to the deployment: it lies where no author can write. The same checks are made by
``lint``, by the Dag bundle and, on the plan of the run itself, by the tasks that write to the grid.

Invariant: pure. A limit that is not written allows everything; one that cannot be read allows
nothing.
"""

from __future__ import annotations
