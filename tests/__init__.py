"""The tests are a package of their own name: some installed packages carry a ``tests`` too."""

from __future__ import annotations
