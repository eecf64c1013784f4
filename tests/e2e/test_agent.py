"""Productions whose tasks and waits have no DIRAC: an agent does the work, and may be killed."""

from __future__ import annotations

from pathlib import Path

from tests.agents import processes, running, workers
from tests.e2e.site import Site
from tests.patience import until

NAME, RUN = "by_agent", "run"


def kill(folder: Path) -> None:
    """kill -9 the agent and its workers."""
    victims = processes(folder)
    assert victims
    for process in victims:
        process.kill()
    until("they are dead", 10, lambda: not set(victims) & set(processes(folder)))


def test_an_agent_that_is_killed_at_work_and_while_all_wait_is_an_outage_and_no_more(
    site: Site,
) -> None:
    agents = site.stack.home / "agents"
    site.drop(NAME, site.gated("step"), facts="connection: dirac_agent")
    site.known(NAME)
    with site.creation_held():
        site.rest.trigger(NAME, RUN)
        until("the row", 120, lambda: site.rows(NAME, RUN, "step"), each=0.02)
        kill(agents)
        until("the next agent", 60, lambda: running(agents))
    site.waiting(NAME, RUN, "step.wait_for_completion")
    until("the triggerer's look", 60, lambda: workers(agents))
    kill(agents)
    until("its next look", 60, lambda: workers(agents))
    assert len(running(agents)) == 1
    site.open_gate(NAME, RUN)
    site.succeeds(NAME, RUN, seconds=180)
    assert set(site.tries(NAME, RUN).values()) == {1}
    assert [status for _id, status in site.rows(NAME, RUN, "step")] == ["Completed"]
    answer = site.stack.command("connections", "test", "dirac_agent")
    assert "Connection success!" in answer
