"""The productions of include/productions as DAGs, where no ProductionsDagBundle is configured.

Where one is, in ``[dag_processor] dag_bundle_config_list``, this file offers nothing. (Airflow
reads only files that name both it and a DAG.)
"""

from __future__ import annotations

from dirac_prodsys.provider.bundle.plain_layout import productions_beside

globals().update(productions_beside(__file__))
