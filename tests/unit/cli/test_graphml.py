"""GraphML is read by every command as YAML is, whoever drew it."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from dirac_prodsys.cli.files import read_production
from dirac_prodsys.core.dialects import inspect, load_production
from dirac_prodsys.core.plan.compile import compile
from dirac_prodsys.core.plan.values import ProductionPlan
from dirac_prodsys.errors import DefinitionError, DefinitionErrors
from dirac_prodsys.provider.bundle.sources import SourceFolder
from sandbox.rehearsal.site import Part
from tests.productions.regenerate import EXAMPLES, HERE, load, productions

FILES = [
    *productions("good"),
    *sorted(EXAMPLES.glob("w*.yaml")),
    EXAMPLES.parent / "mandelbrot.yaml",
]
XMLNS = 'xmlns="http://graphml.graphdrawing.org/xmlns"'

JOB = '{"type": "script", "executable": "x"}'
OUTPUT = """{"directory": "/sim/d/${{ run }}/%s", "se": "DISK-A-SE", "metadata": {"step": "%s"}}"""

#: as `networkx.write_graphml` writes it: IDs are names, keys of their own, typed numbers
PLAIN = f"""<?xml version='1.0' encoding='utf-8'?>
<graphml {XMLNS}>
  <key id="d8" for="edge" attr.name="weight" attr.type="double" />
  <key id="d7" for="node" attr.name="input.where" attr.type="string" />
  <key id="d6" for="node" attr.name="job.executable" attr.type="string" />
  <key id="d5" for="node" attr.name="job.type" attr.type="string" />
  <key id="d4" for="node" attr.name="output" attr.type="string" />
  <key id="d3" for="node" attr.name="type" attr.type="string" />
  <key id="d2" for="node" attr.name="tasks" attr.type="long" />
  <key id="d1" for="graph" attr.name="production" attr.type="string" />
  <key id="d0" for="graph" attr.name="version" attr.type="long" />
  <graph edgedefault="directed">
    <node id="make">
      <data key="d3">MCSimulation</data>
      <data key="d2">3</data>
      <data key="d5">script</data>
      <data key="d6">x</data>
      <data key="d4">{OUTPUT % ("make", "make")}</data>
    </node>
    <node id="merge">
      <data key="d3">Merging</data>
      <data key="d5">script</data>
      <data key="d6">x</data>
      <data key="d7">{{step: make}}</data>
    </node>
    <edge source="make" target="merge"><data key="d8">1.0</data></edge>
    <data key="d0">1</data>
    <data key="d1">{{"name": "drawn", "vo": "sim"}}</data>
  </graph>
</graphml>
"""

#: as yEd writes it: IDs of its own, labels, properties as CDATA, empty ones, looks
YED = f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<graphml {XMLNS} xmlns:y="http://www.yworks.com/xml/graphml"
    xmlns:yed="http://www.yworks.com/xml/yed/3">
  <!--Created by yEd 3.25-->
  <key attr.name="Description" attr.type="string" for="graph" id="d0"/>
  <key attr.name="version" attr.type="int" for="graph" id="d1"/>
  <key attr.name="production" attr.type="string" for="graph" id="d2"/>
  <key for="graphml" id="d3" yfiles.type="resources"/>
  <key attr.name="url" attr.type="string" for="node" id="d4"/>
  <key attr.name="description" attr.type="string" for="node" id="d5"/>
  <key for="node" id="d6" yfiles.type="nodegraphics"/>
  <key attr.name="type" attr.type="string" for="node" id="d7"/>
  <key attr.name="tasks" attr.type="string" for="node" id="d8"/>
  <key attr.name="job" attr.type="string" for="node" id="d9"/>
  <key attr.name="output" attr.type="string" for="node" id="d11"/>
  <key attr.name="input" attr.type="string" for="node" id="d12"/>
  <key for="edge" id="d10" yfiles.type="edgegraphics"/>
  <graph edgedefault="directed" id="G">
    <data key="d0" xml:space="preserve"/>
    <data key="d1"><![CDATA[1]]></data>
    <data key="d2" xml:space="preserve"><![CDATA[{{name: drawn, vo: sim}}]]></data>
    <node id="n0">
      <data key="d4" xml:space="preserve"/>
      <data key="d5"/>
      <data key="d6"><y:ShapeNode><y:Geometry height="30.0" width="30.0" x="1.0" y="2.0"/>
        <y:NodeLabel>make</y:NodeLabel><y:Shape type="rectangle"/></y:ShapeNode></data>
      <data key="d7" xml:space="preserve"><![CDATA[MCSimulation]]></data>
      <data key="d8"><![CDATA[3]]></data>
      <data key="d9" xml:space="preserve"><![CDATA[type: script
executable: x]]></data>
      <data key="d11"><![CDATA[{OUTPUT % ("make", "make")}]]></data>
    </node>
    <node id="n1">
      <data key="d6"><y:ShapeNode><y:NodeLabel>merge</y:NodeLabel></y:ShapeNode></data>
      <data key="d7"><![CDATA[Merging]]></data>
      <data key="d9"><![CDATA[{JOB}]]></data>
      <data key="d12"><![CDATA[{{where: {{step: make}}}}]]></data>
    </node>
    <edge id="e0" source="n0" target="n1"><data key="d10"><y:PolyLineEdge/></data></edge>
  </graph>
  <data key="d3"><y:Resources/></data>
</graphml>
"""

#: as Gephi writes it: labels, every number a double, sizes and colours, measures of the graph
GEPHI = f"""<?xml version="1.0" encoding="UTF-8"?><graphml {XMLNS}>
<key attr.name="label" attr.type="string" for="node" id="label"/>
<key attr.name="Edge Label" attr.type="string" for="edge" id="edgelabel"/>
<key attr.name="weight" attr.type="double" for="edge" id="weight"/>
<key attr.name="r" attr.type="int" for="node" id="r"/>
<key attr.name="size" attr.type="float" for="node" id="size"/>
<key attr.name="x" attr.type="float" for="node" id="x"/>
<key attr.name="type" attr.type="string" for="node" id="type"/>
<key attr.name="tasks" attr.type="double" for="node" id="tasks"/>
<key attr.name="job" attr.type="string" for="node" id="job"><default>{JOB}</default></key>
<key attr.name="output" attr.type="string" for="node" id="output"/>
<key attr.name="input.where" attr.type="string" for="node" id="where"/>
<key attr.name="version" attr.type="double" for="graph" id="version"/>
<key attr.name="production.name" attr.type="string" for="graph" id="pn"/>
<key attr.name="production.vo" attr.type="string" for="graph" id="pv"/>
<graph edgedefault="directed">
<data key="version">1.0</data><data key="pn">drawn</data><data key="pv">sim</data>
<node id="17"><data key="label">make</data><data key="type">MCSimulation</data>
<data key="tasks">3.0</data><data key="output">{OUTPUT % ("make", "make")}</data>
<data key="size">10.0</data><data key="r">0</data><data key="x">-1.5</data></node>
<node id="18"><data key="label">merge</data><data key="type">Merging</data>
<data key="where">{{"step": "make"}}</data></node>
<edge id="0" source="17" target="18"><data key="weight">1.0</data></edge>
</graph></graphml>
"""

SAME = f"""
version: 1
production: {{name: drawn, vo: sim}}
steps:
  make: {{type: MCSimulation, tasks: 3, job: {JOB}, output: {OUTPUT % ("make", "make")}}}
  merge: {{type: Merging, job: {JOB}, input: {{from: make, where: {{step: make}}}}}}
"""
DRAWN = {"networkx": PLAIN, "yEd": YED, "Gephi": GEPHI}


def plan(text: str, name: str = "drawn.graphml") -> ProductionPlan:
    return compile(load_production(text, name), run="r1")


@pytest.fixture(params=DRAWN)
def drawn(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "drawn.graphml"
    file.write_text(DRAWN[request.param])
    return file


def wrong(text: str) -> list[tuple[int | None, int | None, str]]:
    with pytest.raises(DefinitionErrors) as raised:
        load_production(text, "f.graphml")
    return [(e.line, e.column, e.reason) for e in raised.value.errors]


@pytest.mark.parametrize("editor", DRAWN)
def test_a_steps_keys_may_be_attributes_of_its_node_as_editors_write_them(editor: str) -> None:
    assert plan(DRAWN[editor]) == plan(SAME)
    assert inspect(DRAWN[editor], "f.graphml").remarks == inspect(SAME, "f.yaml").remarks


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_production_is_the_same_plan_after_a_round_trip(
    prodsys, tmp_path: Path, file: Path
) -> None:
    graphml, back = tmp_path / f"{file.stem}.graphml", tmp_path / f"{file.stem}.yaml"
    graphml.write_text(prodsys("convert", file, "--to", "graphml").stdout)
    back.write_text(prodsys("convert", graphml).stdout)
    wanted = compile(load(file), run="r1")
    assert compile(load(graphml), run="r1") == wanted
    assert compile(load(back), run="r1") == wanted
    again = prodsys("convert", graphml, "--to", "graphml").stdout
    assert again == graphml.read_text()


def test_every_command_that_reads_a_production_reads_it(prodsys, drawn: Path) -> None:
    same = drawn.with_name("same.yaml")
    same.write_text(SAME)
    folder = prodsys("lint", drawn.parent)
    assert "2 files checked" in folder.output  # in a folder it counts, too
    drawn_alone, yaml_alone = (prodsys("lint", file, "--json") for file in (drawn, same))
    codes = [
        [f["code"] for f in json.loads(r.stdout)["findings"]] for r in (drawn_alone, yaml_alone)
    ]
    assert codes[0] == codes[1]
    for command in (("plan", "--json"), ("graph",), ("convert", "--to", "json")):
        name, *options = command
        results = [prodsys(name, file, *options) for file in (drawn, same)]
        assert results[0].exit_code == 0, results[0].output
        assert results[0].stdout == results[1].stdout
    assert prodsys("diff", drawn, same).exit_code == 0
    explained = prodsys("explain", drawn, "merge", "--json")
    origins = json.loads(explained.stdout)["conditions"][0]["origins"]
    assert {origin["file"] for origin in origins} == {str(drawn)}
    lines = drawn.read_text().split("\n")
    for origin in origins:
        assert "make" in lines[origin["line"] - 1][origin["column"] - 1 :]


def test_a_rehearsal_takes_it(drawn: Path) -> None:
    part = Part.of(read_production(drawn), 2)
    assert (part.production.name, part.scaled) == ("drawn", True)
    assert [step.tasks for step in part.production.steps] == [2, None]


def test_the_drop_in_folder_serves_it_and_what_is_served_is_the_same(
    drawn: Path, tmp_path: Path
) -> None:
    (source,) = SourceFolder(tmp_path).scan()
    assert (source.file, source.production, source.error) == ("drawn.graphml", "drawn", "")
    assert plan(source.text, "drawn.graphml") == plan(SAME)
    drawn.write_text(drawn.read_text().replace("MCSimulation", "MCSimulatio"))
    (source,) = SourceFolder(tmp_path).scan()
    assert source.error.startswith("drawn.graphml:")


def test_a_mistake_is_reported_at_its_place() -> None:
    text = PLAIN.replace(">MCSimulation<", ">MCSimulatio<")
    line = next(n for n, each in enumerate(text.split("\n"), 1) if "MCSimulatio<" in each)
    ((at, column, reason),) = wrong(text)
    assert (at, text.split("\n")[line - 1][(column or 0) - 1 :][:11]) == (line, "MCSimulatio")
    assert "MCSimulatio" in reason


def test_a_mistake_in_the_middle_of_a_definition_is_reported_at_its_place() -> None:
    text = PLAIN.replace('"se": "DISK-A-SE"', '"se": "DISK-A-SE", "a&amp;b": 1, "sea": 1')
    lines = text.split("\n")
    places = {lines[(line or 1) - 1][(column or 1) - 1 :][:5] for line, column, _ in wrong(text)}
    assert places == {'"a&am', '"sea"'}


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ("[1, 2]", "is a list, and not a mapping"),
        ("just words", "and not a mapping"),
        ("7", "and not a mapping"),
        ('{"type": "Merging"', "not YAML"),
        ('{"type": 3, "job": {"type": "script", "executable": "x"}}', "should be text"),
        ('{"type": "Merging", "input": "make"}', "not 'make'"),
        ('{"type": "Merging", "input": {"from": "make"}}', "says its parents, and edges"),
        ('{"type": "Merging", "job": []}', "not a list"),
    ],
)
def test_a_definition_of_the_wrong_kind_is_a_mistake_at_its_place(
    definition: str, reason: str
) -> None:
    text = f"""<graphml {XMLNS}>
<key id="definition" for="node" attr.name="definition" attr.type="string"/>
<key id="version" for="graph" attr.name="version" attr.type="int"/>
<key id="production" for="graph" attr.name="production" attr.type="string"/>
<graph edgedefault="directed"><data key="version">1</data>
<data key="production">{{"name": "p", "vo": "sim"}}</data>
<node id="make"><data key="definition">{{"type": "MCSimulation", "tasks": 1, "job": {JOB},
  "output": {OUTPUT % ("m", "m")}}}</data></node>
<node id="odd"><data key="definition">{definition}</data></node>
<edge source="make" target="odd"/></graph></graphml>"""
    found = wrong(text)
    assert [message for _, _, message in found if reason in message], found
    # where the node or its definition stands, or where the arrow that it contradicts does
    assert {line for line, _, _ in found} <= {9, 10}


def test_an_attribute_that_is_nearly_a_key_is_a_mistake_and_any_other_is_reported() -> None:
    ((line, _, reason),) = wrong(PLAIN.replace('attr.name="tasks"', 'attr.name="taks"'))[:1]
    assert "unknown key 'taks'" in reason
    assert ">3<" in PLAIN.split("\n")[(line or 1) - 1]
    measured = PLAIN.replace('attr.name="tasks"', 'attr.name="Modularity Class"')
    with pytest.raises(DefinitionErrors):  # without tasks it is none
        load_production(measured, "f.graphml")
    reading = inspect(GEPHI.replace('attr.name="r"', 'attr.name="Degree"'), "f.graphml")
    assert ["'Degree' is no key of a step" in r.reason for r in reading.remarks].count(True) == 1


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('edgedefault="directed"', 'edgedefault="undirected"', "the graph is undirected"),
        ('<node id="merge">', '<node id="make">', "two nodes have the ID 'make'"),
        ('"weight" attr.type="double"', '"position" attr.type="string"', None),
        ("</graphml>", "", "it is no GraphML"),
        ("<graphml ", "<svg ", "it is no GraphML"),
        ("<graph edge", "<graph><graph edge", "a graph inside of a node"),
        ('<data key="d2">3', '<data key="d2">three', "it is no GraphML"),
        ('<data key="d2">3', '<data key="d99">3', "it is no GraphML"),
        ('<data key="d3">Merging', '<data key="d2">1</data><data key="d3">Merging', "tasks"),
    ],
)
def test_a_graph_that_makes_no_sense_is_refused(old: str, new: str, reason: str | None) -> None:
    text = PLAIN.replace(old, new)
    assert text != PLAIN
    if reason is None:  # an edge's own order
        assert wrong(text.replace(">1.0<", ">first<"))[0][2].startswith("the position 'first'")
        assert plan(text) == plan(SAME)
    else:
        assert [message for _, _, message in wrong(text) if reason in message], wrong(text)


ENTITIES = "".join(
    f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' if n else '<!ENTITY e0 "ha">' for n in range(12)
)


@pytest.mark.parametrize(
    "doctype",
    [
        f"<!DOCTYPE graphml [{ENTITIES}]>",
        '<!DOCTYPE graphml [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE graphml SYSTEM "http://127.0.0.1:1/graphml.dtd">',
        '<!DOCTYPE graphml [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>',
    ],
)
def test_no_entity_is_ever_read(doctype: str) -> None:
    text = PLAIN.replace("<graphml ", f"{doctype}<graphml ", 1).replace(">x<", ">&e11;&x;<", 1)
    ((line, _, reason),) = wrong(text)
    assert (line, reason) == (2, "a DOCTYPE is not allowed here")
    assert "passwd" not in reason


def test_words_of_xml_in_a_text_are_words() -> None:
    text = PLAIN.replace('<data key="d6">x', '<data key="d6"><![CDATA[<!DOCTYPE]]>', 1)
    assert text != PLAIN
    body = plan(text).steps[0].transformation.body
    assert body.commands[0].executable == "<!DOCTYPE"


def test_what_is_nested_a_hundred_thousand_times_is_refused_at_once() -> None:
    deep = "<data>" * 100_000
    ((_, _, reason),) = wrong(f"<graphml {XMLNS}>{deep}")
    assert reason == "nested deeper than 50 levels"


def test_a_broken_graph_is_refused_in_words_or_read() -> None:
    dice = random.Random(7)  # noqa: S311  not for secrets
    parts = ["<", "&", '"', "{", "]", "\n", "nan", "1e999", "boolean", "port", "definition"]
    parts += ['<node id="x"/>', '<edge source="make" target="make"/>', "</data>", "&#0;", "]]>"]
    refused: list[DefinitionError] = []
    for text in (text for text in DRAWN.values() for _ in range(200)):
        at, width = dice.randrange(len(text)), dice.choice([0, 0, 1, 9])
        broken = text[:at] + dice.choice(parts) + text[at + width :]
        try:
            assert load_production(broken, "f.graphml").steps
        except DefinitionErrors as errors:
            refused += errors.errors
    assert refused
    assert [error for error in refused if not (error.reason and error.line)] == []


def test_a_graphml_file_that_is_no_graphml_is_refused(prodsys, tmp_path: Path) -> None:
    file = tmp_path / "f.graphml"
    file.write_text("not xml")
    result = prodsys("lint", file)
    assert (result.exit_code, "it is no GraphML" in result.output) == (2, True)


def test_other_files_of_its_folder_are_found(prodsys, tmp_path: Path) -> None:
    shutil.copy(HERE / "good" / "_chain_base.yaml", tmp_path)
    file = tmp_path / "clone.graphml"
    file.write_text(
        f"""<graphml {XMLNS}>
<key id="e" for="graph" attr.name="extends" attr.type="string"/>
<key id="n" for="graph" attr.name="production.name" attr.type="string"/>
<graph edgedefault="directed"><data key="e">_chain_base.yaml</data><data key="n">drawn</data>
</graph></graphml>"""
    )
    same = tmp_path / "clone.yaml"
    same.write_text("extends: _chain_base.yaml\nproduction: {name: drawn}\n")
    found = [prodsys("plan", one).output for one in (file, same)]
    assert found[0] == found[1]
    assert [step.name for step in load(file).steps] == [step.name for step in load(same).steps]
