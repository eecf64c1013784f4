"""Loads DIRAC once in the light executor's fork server, so that each task starts with it.

Invariant: importing it starts no thread and opens no connection; a fork inherits neither.
"""

from __future__ import annotations

import DIRAC
import DIRAC.Core.Workflow.Workflow
import DIRAC.DataManagementSystem.Client.DataManager
import DIRAC.Workflow.Modules.Script  # noqa: F401
