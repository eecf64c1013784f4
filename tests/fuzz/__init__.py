"""Production files broken at random, and by number: what no person would think of writing.

Invariant: the file of a seed and a number is the same on every machine, as long as the files that
are broken are the same, so that a number that fails can be reported, shown and tried again:
``python -m tests.fuzz --seed 1 --show 4711``.
"""
