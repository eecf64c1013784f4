"""Implements ``dirac-prodsys datasets``: what datasets hold, and what became of their files.

Invariant: a subcommand lives in the file of its name. ``list``, ``show`` and ``verify`` only read;
``split`` and ``retire`` show first what they would do, and ask.
"""
