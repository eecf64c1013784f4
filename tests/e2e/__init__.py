"""Real Airflow processes beside a real grid."""

from __future__ import annotations
