"""Reports who will be asked before a step removes files, as far as the file shows.

Invariant: no report means that nobody is asked: the step's files can be counted beforehand, and are
few.
"""

from __future__ import annotations

from collections.abc import Iterator

from dirac_prodsys.core.plan.estimate import estimate
from dirac_prodsys.core.plan.subject import Subject
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.core.problems import Problem
from dirac_prodsys.core.production.production import Production
from dirac_prodsys.core.site.file import RemovalApproval, Site
from dirac_prodsys.core.site.removals import removing


def check(production: Production, plan: ProductionPlan, site: Site) -> Iterator[Problem]:
    """Yield notes on steps that somebody of the site may have to agree to."""
    rule = site.removal_approvals.get(plan.vo)
    if rule is None:
        return
    users = ", ".join(site.users_of(rule.roles, rule.users))
    counted = estimate(Subject(production, plan))
    for step in plan.steps:
        most = counted[step.name].taken.high
        if not removing(step.transformation) or _are_few(most, rule):
            continue
        yield Problem(
            ("steps", step.name, "job"),
            f"step {step.name} removes files{_bound(rule)}: one of {users} must agree before it "
            "starts",
            "the site wants it, whatever the file says",
            code="gate",
        )


def _are_few(most: int | None, rule: RemovalApproval) -> bool:
    """Whether so many files, of unknown size, need no answer; None: the number is unknown."""
    if most is None or rule.above_files is None or rule.above_terabytes is not None:
        return False
    return most <= rule.above_files


def _bound(rule: RemovalApproval) -> str:
    bounds = [] if rule.above_files is None else [f"{rule.above_files:,} files"]
    bounds += [] if rule.above_terabytes is None else [f"{rule.above_terabytes:g} TB"]
    return f"; if more than {' or '.join(bounds)}" if bounds else ""
