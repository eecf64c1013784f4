"""A project starts the processes that the end-to-end tests start, command by command.

Those of ``compose.yaml`` and of the Helm values are compared with those of the many machines
(``sandbox.airflow.machines``) and of the one machine (``sandbox.airflow.stack``).
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import yaml

import dirac_prodsys.cli.init as command
from sandbox.airflow.machines import servers, stack
from sandbox.airflow.machines.network import Network
from sandbox.airflow.machines.stack import CONTROL, MACHINES, ROLES, MachinesStack
from sandbox.airflow.stack import PROCESSES
from sandbox.process import Processes
from sandbox.state import State

#: component of the chart → service of compose.yaml
SERVICES = {
    "apiServer": "api-server",
    "scheduler": "scheduler",
    "dagProcessor": "dag-processor",
    "triggerer": "triggerer",
    "workers": "worker",
}


class Command(NamedTuple):
    """A command: its words, and the names of its options, in any order."""

    words: tuple[str, ...]
    options: frozenset[str] = frozenset()


def command_of(words: list[str]) -> Command:
    """Return a command without the values of its options."""
    options = [word for word in words if word.startswith("-")]
    end = words.index(options[0]) if options else len(words)
    return Command(tuple(words[:end]), frozenset(options))


def commands_of(started: str | list[str]) -> list[Command]:
    """Return what a container runs: a line, a list of words, or a shell with a script."""
    words = shlex.split(started) if isinstance(started, str) else started
    if words[:2] != ["sh", "-c"]:
        return [command_of(words)]
    (script,) = words[2:]
    return [command_of(shlex.split(line)) for line in script.replace("$$", "$").split("&&")]


class RecordedStack(MachinesStack):
    """Many machines on which no command is run, only written down."""

    def __init__(self, place: Path) -> None:
        super().__init__(place, place / "productions")
        self.commands: list[Command] = []

    def _command(self, *arguments: str) -> None:
        self.commands.append(command_of(["airflow", *arguments]))


class RecordedServers(servers.Servers):
    """The servers, written down and not started."""

    programs: dict[str, str]

    def _start_postgres(self) -> None:
        self.programs = {}

    def _start(self, name: str, machine: str, *command: str) -> None:
        self.programs[name] = command[0]

    def _until(self, name: str, answers: Any) -> None:
        pass


@pytest.fixture
def machines(tmp_path: Path) -> RecordedStack:
    found = RecordedStack(tmp_path)
    stack.airflow_settings.share_secrets(tmp_path / CONTROL, tmp_path / CONTROL)
    return found


@pytest.fixture
def at_start(machines: RecordedStack) -> list[Command]:
    """The commands of the many machines that end before the others begin."""
    machines._migrate()
    return machines.commands


def laid_out(file: str) -> dict[str, Any]:
    """Return a file as ``init`` lays it out."""
    place = Path(command.__file__).parent / "project" / file
    found: dict[str, Any] = yaml.safe_load(place.read_text())
    return found


@pytest.fixture
def compose() -> dict[str, Any]:
    return laid_out("compose.yaml")


@pytest.fixture
def values() -> dict[str, Any]:
    return laid_out("helm-values.yaml")


def component(values: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = values[name]["celery"] if name == "workers" else values[name]
    return found


#: the commands of the many machines that go on
OF_MACHINES = {command_of(["airflow", *arguments]) for _machine, arguments in ROLES.values()}


def test_a_command_is_its_words_and_its_options() -> None:
    assert commands_of("airflow scheduler") == commands_of(["airflow", "scheduler"])
    assert commands_of("airflow triggerer --skip-serve-logs") != commands_of("airflow triggerer")
    assert commands_of(["sh", "-c", 'a b && c --d "$$(e f)" g']) == [
        Command(("a", "b")),
        Command(("c",), frozenset({"--d"})),
    ]


def test_the_one_machine_has_the_processes_of_the_many_without_celery() -> None:
    celery = {command for command in OF_MACHINES if command.words[1] == "celery"}
    assert {command_of(["airflow", name]) for name in PROCESSES} == OF_MACHINES - celery


def test_compose_starts_the_processes_of_the_many_machines(compose) -> None:
    ours = {name: one for name, one in compose["services"].items() if "build" in one}
    started = {name: commands_of(one["command"]) for name, one in ours.items() if name != "init"}
    assert all(len(commands) == 1 for commands in started.values())
    assert {commands[0] for commands in started.values()} == OF_MACHINES


def test_helm_starts_the_processes_of_the_many_machines(values) -> None:
    with_args = {name for name, one in values.items() if isinstance(one, dict) and "args" in one}
    assert with_args | {"workers"} == {*SERVICES, "migrateDatabaseJob", "createUserJob"}
    started = {name: commands_of(component(values, name)["args"]) for name in SERVICES}
    assert all(len(commands) == 1 for commands in started.values())
    assert {commands[0] for commands in started.values()} == OF_MACHINES


def test_both_begin_as_the_many_machines_do(compose, values, at_start) -> None:
    assert [command.words for command in at_start] == [
        ("airflow", "db", "migrate"),
        ("airflow", "users", "create"),
    ]
    assert commands_of(compose["services"]["init"]["command"]) == at_start
    jobs = [values[name]["args"] for name in ("migrateDatabaseJob", "createUserJob")]
    assert [command for args in jobs for command in commands_of(args)] == at_start


def test_the_servers_are_those_of_the_many_machines(compose, values, tmp_path) -> None:
    processes = Processes(State(tmp_path / "state"))
    recorded = RecordedServers(Network(MACHINES), processes, tmp_path, "password", tmp_path)
    recorded.up()
    services = compose["services"]
    foreign = {name: one["image"] for name, one in services.items() if "build" not in one}
    assert set(foreign) == {"postgres", "redis"}
    assert foreign["postgres"] == f"postgres:{servers._POSTGRES.parts[-2]}"
    script = services["redis"]["command"][-1]
    assert re.findall(r"exec (\S+)", script) == [recorded.programs["redis"]]
    # the chart starts redis-server, and no PostgreSQL
    assert values["redis"]["enabled"]
    assert not values["postgresql"]["enabled"]


@pytest.mark.parametrize("setting", ["EXECUTOR", "AUTH_MANAGER"])
def test_the_settings_that_choose_processes_are_the_same(machines, compose, values, setting):
    tested = machines._env("scheduler")[f"AIRFLOW__CORE__{setting}"]
    assert compose["services"]["scheduler"]["environment"][f"AIRFLOW__CORE__{setting}"] == tested
    of_helm = {"EXECUTOR": values["executor"], **values["config"]["core"]}
    assert {name.upper(): value for name, value in of_helm.items()}[setting] == tested


@pytest.mark.parametrize(
    "setting", ["DATABASE__SQL_ALCHEMY_CONN", "CELERY__BROKER_URL", "CELERY__RESULT_BACKEND"]
)
def test_the_drivers_are_the_same(machines, compose, setting):
    scheme = urlsplit(machines._env("scheduler")[f"AIRFLOW__{setting}"]).scheme
    command = compose["services"]["scheduler"]["environment"][f"AIRFLOW__{setting}_CMD"]
    assert f"printf {scheme}://" in command


def test_both_look_at_a_process_in_the_same_way(compose, values) -> None:
    for name, service in SERVICES.items():
        probe = component(values, name).get("livenessProbe")
        if name == "apiServer":  # the chart asks its page, as compose.yaml does
            assert probe is None
            continue
        kind, *words = compose["services"][service]["healthcheck"]["test"]
        shell = ["sh", "-c"] if kind == "CMD-SHELL" else []
        expected = [*shell, *(word.replace("$$", "$") for word in words)]
        assert probe["command"] == expected, name


def test_each_process_reaches_what_it_has_in_compose(compose, values) -> None:
    grid = "AIRFLOW_CONN_DIRAC_DEFAULT"
    for name in SERVICES:
        one = component(values, name)
        asks = grid in {variable["name"] for variable in one.get("env", ())}
        assert asks == (name in ("triggerer", "workers")), name
        mounted = {mount["mountPath"] for mount in one.get("extraVolumeMounts", ())}
        assert ("/opt/airflow/bundles" in mounted) == (name in ("dagProcessor", "workers"))
        assert {volume["name"] for volume in one.get("extraVolumes", ())} == {
            mount["name"] for mount in one.get("extraVolumeMounts", ())
        }
