"""Stands in for the supervisor of a task, which asks Airflow for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class AskedAirflow:
    """What a task asks of Airflow: events of an asset, and runs of an ID that there is once."""

    def __init__(self) -> None:
        self.events: list[SimpleNamespace] = []
        self.runs: dict[str, dict[str, Any]] = {}
        self.refuses = False

    def send(self, message: Any) -> Any:
        from airflow.sdk.exceptions import ErrorType
        from airflow.sdk.execution_time.comms import (
            AssetEventResult,
            AssetEventsResult,
            ErrorResponse,
            OKResponse,
        )

        if type(message).__name__ == "GetAssetEventByAsset":
            since = [one for one in self.events if one.timestamp >= message.after]
            oldest = sorted(since, key=lambda one: one.timestamp)
            return AssetEventsResult(
                asset_events=[
                    AssetEventResult(
                        id=number,
                        timestamp=one.timestamp,
                        extra=one.extra,
                        asset={"name": one.asset.name, "uri": one.asset.uri, "group": "dirac"},
                        created_dagruns=[],
                    )
                    for number, one in enumerate(oldest[: message.limit])
                ]
            )
        if self.refuses:
            return ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"status_code": 500})
        if message.run_id in self.runs:
            return ErrorResponse(error=ErrorType.DAGRUN_ALREADY_EXISTS, detail={})
        self.runs[message.run_id] = dict(message.conf)
        return OKResponse(ok=True)
