"""People's actions on productions, as one DAG: start, stop, resume, flush, complete, extend, clean.

It is here, and not in the plugin, because Airflow reads DAGs from this folder.
"""

from __future__ import annotations

from dirac_prodsys.provider.actions_dag import actions_dag

dag = actions_dag()
