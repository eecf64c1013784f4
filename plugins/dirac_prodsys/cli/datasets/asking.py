"""Asks a person whether to do what was shown."""

from __future__ import annotations

import typer


def agreed(words: str) -> bool:
    """Ask; nobody there to answer means no."""
    try:
        return typer.confirm(words)
    except typer.Abort:
        return False
