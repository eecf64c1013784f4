"""A community that throws dice: the smallest that has a form, jobs, rules and bodies of its own."""

from __future__ import annotations

from dirac_prodsys.core.community import Community

COMMUNITY = Community(
    name="dice",
    title="Dice",
    form_keys=("dice",),
    dialect="prodsys_dice.form",
    job_types="prodsys_dice.jobs:JOB_TYPES",
    derive="prodsys_dice.rules:derive",
    body="prodsys_dice.body:render",
    wms_type="prodsys_dice.body:wms_type",
    grid_checks="prodsys_dice.grid_checks:CHECKS",
    rules=(("dice-not-fair", "warning", "A die has a number of sides that no fair die has."),),
    template="prodsys_dice:template.yaml",
)
