"""Where a connection finds its services: in its own configuration and nowhere else."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from dirac_prodsys.core.doctor import check, table
from dirac_prodsys.core.doctor.facts import Facts
from dirac_prodsys.errors import GatewayDenied, GatewayRejected, GatewayUnavailable
from dirac_prodsys.gateway.dirac.configuration import GridConfiguration, load
from dirac_prodsys.gateway.dirac.gateway import DiracGateway
from dirac_prodsys.gateway.procedures.examination import examine
from dirac_prodsys.gateway.records import GatewaySettings
from dirac_prodsys.gateway.verbs.services import TRANSFORMATIONS

URLS = "Systems {{ Transformation {{ URLs {{ TransformationManager = {0} }} }} }}"


def configuration(tmp_path: Path, text: str, **settings: str) -> GridConfiguration:
    file = tmp_path / "dirac.cfg"
    file.write_text(text.replace(" }", "\n}").replace("{ ", "\n{\n"))

    def fetch(url: str, ca_dir: str) -> bytes:
        raise GatewayUnavailable(f"{url} is down")

    return load(GatewaySettings(config=str(file), **settings), fetch)


def test_a_service_is_where_the_file_says(tmp_path: Path) -> None:
    url = "dips://host:9131/Transformation/TransformationManager"
    assert configuration(tmp_path, URLS.format(url)).service_urls(TRANSFORMATIONS) == [url]


def test_all_servers_of_a_service_are_tried_in_some_order(tmp_path: Path) -> None:
    urls = [f"dips://host{n}:9131/Transformation/TransformationManager" for n in (1, 2, 3)]
    found = configuration(tmp_path, URLS.format(", ".join(urls))).service_urls(TRANSFORMATIONS)
    assert sorted(found) == urls


def test_main_servers_stand_in_for_their_placeholder(tmp_path: Path) -> None:
    text = (
        URLS.format("dips://$MAINSERVERS$:9131/Transformation/TransformationManager")
        + "\nOperations { Defaults { MainServers = a, b } sim { MainServers = c } }"
    )
    defaults = configuration(tmp_path, text).service_urls(TRANSFORMATIONS)
    assert {url.split("/")[2] for url in defaults} == {"a:9131", "b:9131"}
    of_vo = configuration(tmp_path, text, vo="sim").service_urls(TRANSFORMATIONS)
    assert {url.split("/")[2] for url in of_vo} == {"c:9131"}


#: as DIRAC 8.0 has it: systems in the instances of a setup
OF_8_0 = """\
DIRAC { Setups { Grid { Transformation = Production } } }
Systems { Transformation { Production { URLs { TransformationManager = dips://host:1/x/y } } } }
"""


def test_a_grid_of_dirac_8_0_is_refused_by_the_first_verb_and_by_doctor(tmp_path: Path) -> None:
    file = tmp_path / "dirac.cfg"
    file.write_text(OF_8_0.replace(" }", "\n}").replace("{ ", "{\n").replace("{", "\n{"))
    gateway = DiracGateway(GatewaySettings(config=str(file)))
    with pytest.raises(GatewayRejected, match=r"DIRAC 8\.0 is not supported because"):
        gateway.snapshot([1])
    found = check.examine(Facts(examine(gateway)), table.grid_checks())
    words = [one.what for one in found if one.outcome == "found" and one.severity == "error"]
    assert any("DIRAC 8.0 is not supported because" in word for word in words), words


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no URL for Transformation/TransformationManager"),
        (URLS.format("https://host:8443/Transformation/TransformationManager"), "not DISET"),
        (URLS.format("dips://$MAINSERVERS$:1/x/y"), "MainServers, which is empty"),
    ],
)
def test_a_service_that_cannot_be_called_is_refused_with_the_place_to_look(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(GatewayRejected, match=reason) as raised:
        configuration(tmp_path, text).service_urls(TRANSFORMATIONS)
    assert raised.value.hint


def test_a_file_that_names_servers_is_completed_by_the_first_that_answers(tmp_path: Path) -> None:
    file = tmp_path / "dirac.cfg"
    file.write_text(
        "DIRAC\n{\nConfiguration\n{\nServers = dips://a:1/C/S, dips://b:2/C/S\n}\n"
        f"Security\n{{\nCALocation = {tmp_path}\n}}\n}}\n"
        "Systems\n{\nTransformation\n{\nURLs\n{\nTransformationManager = dips://mine:1/x/y\n}\n}\n}"
    )
    remote = (
        "Systems\n{\nTransformation\n{\nURLs\n{\nTransformationManager = dips://theirs:1/x/y\n}\n}\n"
        "DataManagement\n{\nURLs\n{\nFileCatalog = dips://theirs:2/x/y\n}\n}\n}"
    )
    asked: list[tuple[str, str]] = []

    def fetch(url: str, ca_dir: str) -> bytes:
        asked.append((url, ca_dir))
        if url.startswith("dips://a"):
            raise GatewayUnavailable("down")
        return zlib.compress(remote.encode())

    found = load(GatewaySettings(config=str(file)), fetch)
    assert asked == [("dips://a:1/C/S", str(tmp_path)), ("dips://b:2/C/S", str(tmp_path))]
    assert found.service_urls("DataManagement/FileCatalog") == ["dips://theirs:2/x/y"]
    assert found.service_urls(TRANSFORMATIONS) == ["dips://mine:1/x/y"]  # the file wins


def test_when_no_server_answers_that_is_an_outage(tmp_path: Path) -> None:
    with pytest.raises(GatewayUnavailable, match="no Configuration Server answers"):
        configuration(
            tmp_path,
            f"DIRAC {{ Configuration {{ Servers = dips://a:1/C/S }} "
            f"Security {{ CALocation = {tmp_path} }} }}",
        )


def test_the_connections_ca_directory_wins_and_one_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    mine.mkdir()
    theirs.mkdir()
    text = f"DIRAC {{ Security {{ CALocation = {theirs} }} }}"
    assert configuration(tmp_path, text).ca_dir == str(theirs)
    assert configuration(tmp_path, text, ca_dir=str(mine)).ca_dir == str(mine)
    monkeypatch.setenv("DIRAC_ROOT_PATH", str(tmp_path))
    monkeypatch.delenv("X509_CERT_DIR", raising=False)
    monkeypatch.setattr("os.path.isdir", lambda path: False)
    with pytest.raises(GatewayDenied, match="no directory of CA certificates"):
        _ = configuration(tmp_path, text).ca_dir


def test_without_a_configuration_diracs_own_files_are_read_the_nearest_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DIRAC_ROOT_PATH", raising=False)
    monkeypatch.delenv("DIRACSYSCONFIG", raising=False)

    def fetch(url: str, ca_dir: str) -> bytes:
        raise AssertionError("no server is named")

    with pytest.raises(GatewayRejected, match="there is none on this machine"):
        load(GatewaySettings(), fetch)
    for name, value in (("first.cfg", "one"), ("second.cfg", "two")):
        (tmp_path / name).write_text(f"A\n{{\nname = {value}\n}}")
    both = f"{tmp_path / 'first.cfg'},{tmp_path / 'second.cfg'}"
    monkeypatch.setenv("DIRACSYSCONFIG", both)
    assert load(GatewaySettings(), fetch).option("/A/name") == "one"
    (tmp_path / ".dirac.cfg").write_text("A\n{\nname = home\n}")
    assert load(GatewaySettings(), fetch).option("/A/name") == "home"


def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "dirac.cfg"
    file.write_text("}\n}\n{")
    with pytest.raises(GatewayRejected, match=r"dirac\.cfg is no DIRAC configuration"):
        load(GatewaySettings(config=str(file)), lambda url, ca_dir: b"")
