"""Random walks: whole productions under the real operators, on a grid in memory where anything
happens, against the ten invariants.

Only the schedule is simulated: operators, sensors, triggers, the poller, the
policy and the gateway's verbs are those that run in production.

Invariant: a seed gives the same walk on every machine, so that a failing one can be reported, shown
and kept: ``python -m tests.walk --show 4711``.
"""
