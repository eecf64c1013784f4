"""Sets a state so that a retry repairs what a worker overwrote before it died.

The verbs look right after they have set a state. The states set before a task's first attempt began
are kept with the task, so that the next attempt can look in place of a dead one.

Invariant: a task that is tried again puts back whatever the attempt before it overwrote unseen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import NEVER_EXPIRE

from dirac_prodsys.gateway.protocol import ProductionGateway

if TYPE_CHECKING:
    from airflow.sdk import Context

T = TypeVar("T")


def setting(
    context: Context,
    gateway: ProductionGateway,
    transformation: int,
    state: str,
    act: Callable[[], T],
) -> T:
    """Call ``act``, which sets the state; first repair what a dead attempt left.

    Without a store of the task's state it only calls ``act``.

    :param state: state that ``act`` sets the transformation to.
    """
    store: Any = context.get("task_state_store")
    if store is None:
        return act()
    key = f"before-{state}"
    kept = store.get(key)
    if isinstance(kept, Mapping) and kept.get("id") == transformation:
        gateway.put_back(transformation, state, kept["changes"])
    else:
        changes = list(gateway.status_changes(transformation))
        store.set(key, {"id": transformation, "changes": changes}, retention=NEVER_EXPIRE)
    done = act()
    store.set(key, {}, retention=NEVER_EXPIRE)
    return done
