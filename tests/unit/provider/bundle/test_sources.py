"""Whatever lies in the drop-in folder, each file is read or explained, and none stops the
others."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from dirac_prodsys.core.dialects import load_production
from dirac_prodsys.provider.bundle import reading_apart, sources
from dirac_prodsys.provider.bundle.sources import Source, SourceFolder

TWO_STEPS = (Path(__file__).parents[1] / "two.yaml").read_text()

LISTED = """version: 1
production: {name: p, vo: sim}
steps:
  clean:
    type: Removal
    input: {lfns: {file: files.txt}}
    job: {type: request, operations: [{type: RemoveFile}]}
"""


@pytest.fixture(autouse=True)
def no_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a test are whole at once."""
    monkeypatch.setattr(sources, "SETTLE", 0)


def only(folder: Path) -> Source:
    (source,) = SourceFolder(folder).scan()
    return source


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "A.YAML", "with space.yaml", "ä.yaml"])
def test_a_production_is_read_whatever_its_file_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(TWO_STEPS)
    assert only(tmp_path) == Source(name, "two", TWO_STEPS)


@pytest.mark.parametrize(
    "name",
    [
        ".a.yaml",
        ".#a.yaml",
        "#a.yaml#",
        "a.yaml~",
        ".a.yaml.swp",
        "~a.yaml",
        "README.md",
        "a.yaml.bak",
    ],
)
def test_hidden_and_temporary_files_are_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{")
    assert SourceFolder(tmp_path).scan() == []


def test_a_mistake_is_reported_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(TWO_STEPS.replace("tasks: 6", "tusks: 6"))
    source = only(tmp_path)
    assert source.production == source.text == ""
    assert source.error.startswith("a.yaml:6:5: ")


def test_an_empty_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    assert only(tmp_path).error.startswith("a.yaml")


def test_bytes_that_are_no_text_are_placed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"version: 1\nname: \xff\n")
    assert only(tmp_path).error == "a.yaml:2:7: is not UTF-8 text"


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("wb") as file:
        file.truncate(10 * 2**20)
    assert only(tmp_path).error.startswith("a.yaml: has 10,485,760 bytes")


def test_a_directory_a_pipe_and_links_to_nowhere_are_explained(tmp_path: Path) -> None:
    (tmp_path / "dir.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "dangling.yaml").symlink_to(tmp_path / "nothing")
    (tmp_path / "circle.yaml").symlink_to(tmp_path / "circle.yaml")
    errors = {source.file: source.error for source in SourceFolder(tmp_path).scan()}
    assert errors == {
        "circle.yaml": "circle.yaml: the link leads nowhere",
        "dangling.yaml": "dangling.yaml: the link leads nowhere",
        "dir.yaml": "dir.yaml: is no regular file",
        "pipe.yaml": "pipe.yaml: is no regular file",
    }


def test_links_within_the_folder_are_followed_as_volumes_of_kubernetes_make_them(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "drop"
    data = folder / "..2026_11_28_21_00_00.1234"
    data.mkdir(parents=True)
    (data / "a.yaml").write_text(TWO_STEPS)
    (folder / "..data").symlink_to(data.name)
    (folder / "a.yaml").symlink_to("..data/a.yaml")
    (tmp_path / "link").symlink_to(folder)
    assert only(folder).production == "two"
    assert only(tmp_path / "link").production == "two"


SECRET = "password = of-everybody"


@pytest.mark.parametrize("name", ["a.yaml", "files.txt", "_base.yaml"])
def test_a_link_that_leads_out_is_refused_without_a_word_of_what_it_leads_to(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    (tmp_path / "airflow.cfg").write_text(f"{SECRET}\n")
    (folder / name).symlink_to(tmp_path / "airflow.cfg")
    if name == "files.txt":
        (folder / "p.yaml").write_text(LISTED)
    if name == "_base.yaml":
        (folder / "p.yaml").write_text("extends: _base.yaml\n" + TWO_STEPS)
    source = only(folder)
    assert source.error
    assert source.text == source.production == ""
    assert SECRET not in source.error
    assert "password" not in source.error


def test_a_link_to_a_folder_elsewhere_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.yaml").write_text(TWO_STEPS)
    (folder / "sub").symlink_to(tmp_path / "elsewhere")
    (folder / "a.yaml").symlink_to("sub/a.yaml")
    (folder / "dir.yaml").symlink_to(tmp_path / "elsewhere")
    errors = [source.error for source in SourceFolder(folder).scan()]
    assert errors == [
        "a.yaml: it is a link that leads out of the folder, and is not followed",
        "dir.yaml: it is a link that leads out of the folder, and is not followed",
    ]


def test_an_unreadable_file_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text(TWO_STEPS)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    # root reads every file, so the refusal itself has to be played
    monkeypatch.setattr(sources.os, "open", refuse)
    assert only(tmp_path).error == "a.yaml: cannot be read: Permission denied"


def test_names_that_are_no_text_are_reported_each_by_its_own(tmp_path: Path) -> None:
    for name in (b"a\xff.yaml", b"a\xfe.yaml"):
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_text(TWO_STEPS)
    errors = {source.file: source.error for source in SourceFolder(tmp_path).scan()}
    assert errors == {
        name: f"{name}: its name is not UTF-8 text: rename it"
        for name in ("a\\xfe.yaml", "a\\xff.yaml")
    }


def test_a_name_that_is_no_text_can_still_be_reported(tmp_path: Path) -> None:
    raw = os.path.join(os.fsencode(tmp_path), b"\xff\n.yaml")
    os.close(os.open(raw, os.O_CREAT | os.O_WRONLY))
    source = only(tmp_path)
    assert source.file.isprintable()
    source.error.encode("utf-8")


def test_an_unreadable_folder_raises_because_nothing_is_known(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        SourceFolder(tmp_path / "absent").scan()


def read_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read from now on, in a process that cannot tell us."""
    read: list[str] = []
    real = sources.read_apart

    def note(names: list[str], *rest: object) -> object:
        read.extend(names)
        return real(names, *rest)

    monkeypatch.setattr(sources, "read_apart", note)
    return read


def test_a_file_is_read_again_only_when_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = read_by(monkeypatch)
    monkeypatch.setattr(sources, "COARSE", 0)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(TWO_STEPS)
    folder = SourceFolder(tmp_path)
    folder.scan()
    folder.scan()
    (tmp_path / "b.yaml").write_text(TWO_STEPS + "# new\n")
    folder.scan()
    assert read == ["a.yaml", "b.yaml", "b.yaml"]


@pytest.mark.parametrize("ahead", [0, 1, 1_000_000_000])
def test_a_change_that_a_coarse_clock_hides_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """Also where the file server's clock is ahead of ours, by these ns."""
    path = tmp_path / "a.yaml"
    path.write_text(TWO_STEPS)
    written = path.stat().st_mtime_ns
    clock = (written - ahead) / 1e9
    monkeypatch.setattr(sources, "_signature", lambda state: (written, state.st_size))
    monkeypatch.setattr(sources.time, "time", lambda: clock)
    folder = SourceFolder(tmp_path)
    assert folder.scan()[0].production == "two"
    path.write_text(TWO_STEPS.replace("name: two", "name: too"))
    assert not folder.due()
    clock += 3.5
    assert folder.due()
    assert folder.scan()[0].production == "too"
    assert not folder.due()


def test_a_file_that_is_being_written_stays_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(TWO_STEPS)
    folder = SourceFolder(tmp_path)
    (before,) = folder.scan()
    monkeypatch.setattr(sources, "SETTLE", 30)
    path.write_text(TWO_STEPS + "# a first")

    def writer_goes_on(seconds: float) -> None:
        with path.open("a") as file:
            file.write(" and a second part")

    monkeypatch.setattr(sources.time, "sleep", writer_goes_on)
    assert folder.scan() == [before]
    assert folder.unsettled == {"a.yaml"}
    assert folder.due()
    monkeypatch.setattr(sources.time, "sleep", lambda seconds: os.utime(path, (1, 1)))
    assert folder.scan()[0].text == TWO_STEPS + "# a first and a second part"
    assert folder.unsettled == frozenset()


@pytest.mark.parametrize("act", ["turn", "grow", "die"])
def test_a_file_that_breaks_its_reader_is_reported_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        (tmp_path / name).write_text(TWO_STEPS)
    real = sources.load_production

    def load(text: str, file: str, **more: object) -> object:
        if file == "b.yaml" and act == "turn":
            while True:
                pass
        if file == "b.yaml" and act == "grow":
            return bytearray(8 * 2**30)
        if file == "b.yaml":
            os.kill(os.getpid(), 9)
        return real(text, file, **more)

    monkeypatch.setattr(sources, "load_production", load)
    monkeypatch.setattr(reading_apart, "CPU_SECONDS", 5.0)
    a, b, c = SourceFolder(tmp_path).scan()
    assert (a.production, c.production) == ("two", "two")
    assert b.error.startswith("b.yaml: ")
    assert ("MemoryError" if act == "grow" else "reading it took more than") in b.error


def test_an_error_of_ours_costs_one_file_and_says_whose_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(TWO_STEPS)
    real = sources.load_production

    def load(text: str, file: str, **more: object) -> object:
        if file == "a.yaml":
            raise ZeroDivisionError("oops")
        return real(text, file, **more)

    monkeypatch.setattr(sources, "load_production", load)
    a, b = SourceFolder(tmp_path).scan()
    assert a.error == "a.yaml: internal error: ZeroDivisionError: oops"
    assert b.production == "two"


def test_nothing_in_a_yaml_is_executed(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    (tmp_path / "a.yaml").write_text(
        f"version: !!python/object/apply:os.system ['touch {witness}']\n"
    )
    assert only(tmp_path).error
    assert not witness.exists()


def test_a_half_written_file_is_given_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SETTLE", 30)
    path = tmp_path / "a.yaml"
    path.write_text(TWO_STEPS[:-100])

    def writer_ends(seconds: float) -> None:
        path.write_text(TWO_STEPS)
        subprocess.run(["touch", "-d", "1 hour ago", path], check=True)

    monkeypatch.setattr(sources.time, "sleep", writer_ends)
    assert only(tmp_path).text == TWO_STEPS


def test_a_list_of_files_beside_a_production_is_part_of_its_text(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(LISTED)
    (tmp_path / "files.txt").write_text("/sim/a\n")
    folder = SourceFolder(tmp_path)
    (source,) = folder.scan()
    assert source.error == ""
    assert load_production(source.text, "p.yaml").steps[0].input.lfns == ("/sim/a",)

    before = folder.signatures()
    (tmp_path / "files.txt").write_text("/sim/a\n/sim/b\n")
    assert folder.signatures() != before
    (source,) = folder.scan()
    assert load_production(source.text, "p.yaml").steps[0].input.lfns == ("/sim/a", "/sim/b")


def test_a_missing_list_is_an_error_until_it_is_there(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(LISTED)
    folder = SourceFolder(tmp_path)
    (source,) = folder.scan()
    assert "p.yaml:6:26: there is no readable file 'files.txt'" in source.error
    (tmp_path / "files.txt").write_text("/sim/a\n")
    (source,) = folder.scan()
    assert source.error == ""


CWL = """\
cwlVersion: v1.2
class: Workflow
hints: {dirac:Production: {vo: sim, se: A-SE}}
inputs: {}
outputs: {}
steps: {a: {run: tools/a.cwl, in: {}, out: []}}
"""
TOOL = "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: a\ninputs: {}\noutputs: {}\n"


def test_a_tool_in_a_folder_below_is_part_of_a_workflow_and_no_production(tmp_path: Path) -> None:
    (tmp_path / "wf.cwl").write_text(CWL)
    (tmp_path / "tools").mkdir()
    folder = SourceFolder(tmp_path)
    (missing,) = folder.scan()
    assert missing.error.startswith("wf.cwl:6:18: there is no readable file 'tools/a.cwl'")
    (tmp_path / "tools" / "a.cwl").write_text(TOOL)
    (made,) = folder.scan()
    assert (made.production, made.error) == ("wf", "")
    # what is served is the native form, complete in itself
    assert "cwlVersion" not in made.text
    assert "version: 1" in made.text
    before = folder.signatures()
    assert "tools/a.cwl" in before
    (tmp_path / "tools" / "a.cwl").write_text(TOOL.replace("baseCommand: a", "baseCommand: bcd"))
    assert folder.signatures() != before
    (changed,) = folder.scan()
    assert changed.text not in ("", made.text)
