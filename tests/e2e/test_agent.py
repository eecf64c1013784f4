"""Productions whose tasks and waits have no DIRAC: an agent does the work, and may be killed."""

from __future__ import annotations

from pathlib import Path

from sandbox.airflow.rest import FINAL
from tests.agents import kill, processes, running, workers
from tests.e2e.site import Site
from tests.patience import until

NAME, RUN = "by_agent", "run"
#: how often the agent is killed while the step waits, and then until the run's end
WAITING, ENDING = 2, 4


def kill_all(folder: Path) -> None:
    """kill -9 the agent and its workers."""
    victims = processes(folder)
    kill(victims)
    until("they are dead", 10, lambda: not set(victims) & set(processes(folder)))


def test_an_agent_that_is_killed_again_and_again_is_an_outage_and_no_more(site: Site) -> None:
    agents = site.stack.home / "agents"
    site.drop(NAME, site.gated("step"), facts="connection: dirac_agent")
    site.known(NAME)
    with site.creation_held():
        site.rest.trigger(NAME, RUN)
        until("the row", 120, lambda: site.rows(NAME, RUN, "step"), each=0.02)
        assert workers(agents)
        kill_all(agents)
        until("the next agent", 60, lambda: running(agents))
    site.waiting(NAME, RUN, "step.wait_for_completion")
    for _ in range(WAITING):
        until("the triggerer's look", 60, lambda: workers(agents))
        kill_all(agents)
    site.open_gate(NAME, RUN)

    def is_over() -> bool:
        return site.rest.run(NAME, RUN)["state"] in FINAL

    for _ in range(ENDING):
        until("an agent at work", 60, lambda: workers(agents) or is_over())
        kill_all(agents)
    site.succeeds(NAME, RUN, seconds=180)
    assert set(site.tries(NAME, RUN).values()) == {1}
    assert [status for _id, status in site.rows(NAME, RUN, "step")] == ["Completed"]
    assert len(running(agents)) <= 1
    answer = site.stack.command("connections", "test", "dirac_agent")
    assert "Connection success!" in answer
