"""The parts on real services, databases and processes."""

from __future__ import annotations
