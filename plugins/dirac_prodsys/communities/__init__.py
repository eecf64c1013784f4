"""Holds one package per community: everything specific to its grid and its software.

Nothing imports such a package: ``core/community.py`` finds it by name, so that it costs nothing
where it is not needed.
"""
