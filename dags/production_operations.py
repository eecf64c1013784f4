"""People's actions on productions, as one DAG: start, stop, resume, flush, complete, extend, clean.

With ``ProductionsDagBundle`` configured, this file offers nothing: the bundle serves that DAG.
"""

from __future__ import annotations

from dirac_prodsys.provider.actions.dag import actions_dag
from dirac_prodsys.provider.actions.served_names import productions_bundles
from dirac_prodsys.provider.bundle.plain_layout import production_names

# (Airflow reads only files that name both it and a DAG)
if not productions_bundles():
    dag = actions_dag(production_names(__file__))
