"""What every gateway must do, in memory and on DIRAC alike."""

from __future__ import annotations
