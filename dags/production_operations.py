"""People's actions on productions, as one DAG: start, stop, resume, flush, complete, extend, clean.

It is here, and not in the plugin, because Airflow reads DAGs from this folder.
"""

from __future__ import annotations

from dirac_prodsys.provider.actions.dag import actions_dag
from dirac_prodsys.provider.actions.served_names import served_productions

dag = actions_dag(served_productions())
