// @ts-check
/** Shows one run of a production: what asks for a person, the graph, and the step that is chosen in it. */
import { Chakra, React, Router, h } from "./host.js";
import { Actions } from "./act.js";
import { useAnswer } from "./api.js";
import { Comment } from "./comments.js";
import { Datasets } from "./datasets.js";
import { Definition } from "./definition.js";
import { Answered } from "./freshness.js";
import { Graph } from "./graph.js";
import { Matrix } from "./matrix.js";
import { At, Choose, Empty, Fact, Go, Long, Part, Said, State } from "./parts.js";
import { HOME, productionData, productionPath } from "./paths.js";
import { Question } from "./question.js";
import { Step } from "./step.js";
import { Story } from "./story.js";
import { count, percent, plural } from "./words.js";

const { useEffect } = React;
const { Tabs } = Chakra;

export function Production({ dagId, run, inTab = false }) {
  const answer = useAnswer(productionData(dagId, run));
  const missing = (problem) =>
    h(
      "div",
      { className: "dp-page" },
      h(Empty, { title: inTab ? "This Dag is no production, or none of its runs has begun." : "There is no such run." }, h(Said, null, problem.hint || "A production is a YAML file in the folder of productions; its page fills when a run begins."), " ", h(Router.Link, { to: HOME, className: "dp-link" }, "See all productions")),
    );
  return h("main", { className: "dp-page" }, h(Answered, { answer, what: `production ${dagId}`, missing }, (data) => h(Page, { data, inTab, refresh: answer.refresh })));
}

function Page({ data, inTab, refresh }) {
  const [chosen, choose] = Router.useSearchParams();
  const { row } = data;
  const step = chosen.get("step") ?? "";
  const set = (name, value) => {
    const next = new URLSearchParams(chosen);
    value ? next.set(name, value) : next.delete(name);
    choose(next, { replace: name === "part" });
  };
  const setStep = (name) => set("step", name);
  const one = { dagId: row.dag_id, run: row.run };
  useEffect(() => {
    const before = document.title;
    document.title = `${row.production} ${row.run}: ${row.state.label}`;
    return () => {
      document.title = before;
    };
  }, [row.production, row.run, row.state.label]);
  return h(
    React.Fragment,
    null,
    h(Head, { data, inTab }),
    data.questions.map((question) => h(Question, { key: `${question.task_id}${question.map_index}`, question, alone: data.questions.length === 1, onAnswered: refresh })),
    h(
      "div",
      { className: step ? "dp-split dp-with-step" : "dp-split" },
      h(
        "div",
        { className: "dp-left dp-top" },
        h(Part, { title: "Steps", aside: h("span", { className: "dp-muted" }, step ? null : "Choose one to see why it is as it is.") }, h(Graph, { nodes: data.nodes, edges: data.edges, step, onStep: setStep })),
        data.matrix ? h(Part, { title: "Branches" }, h(Matrix, { matrix: data.matrix, onStep: setStep })) : null,
      ),
      step ? h(Step, { key: step, ...one, step, onClose: () => setStep("") }) : null,
      h(
        "div",
        { className: "dp-left" },
        h(Rest, { data, refresh, part: chosen.get("part") ?? "story", setPart: (part) => set("part", part === "story" ? "" : part) }),
      ),
    ),
  );
}

function Head({ data, inTab }) {
  const { row } = data;
  const go = Router.useNavigate();
  const runs = [[row.run, `${row.run} (this)`], ...data.runs.map((one) => [one.run, `${one.run}: ${one.state.label}`])];
  return h(
    "header",
    { className: "dp-head" },
    h(
      "div",
      { className: "dp-row" },
      h("h1", { className: "dp-h1" }, h(Said, null, row.production), h("span", { className: "dp-muted" }, " run ", h(Said, null, row.run))),
      h(State, { state: row.state }),
      runs.length > 1 && !inTab ? h(Choose, { label: "Run", hideLabel: true, value: row.run, options: runs, onChange: (run) => go(productionPath(row.dag_id, run)) }) : null,
    ),
    data.description ? h("p", { className: "dp-muted" }, h(Long, { text: data.description })) : null,
    h("p", { className: row.state.needs_person ? "dp-says dp-bad" : "dp-says" }, h(Long, { text: row.state.words })),
    h(
      "dl",
      { className: "dp-facts dp-wide" },
      h(Fact, { name: "Progress" }, percent(row.fraction), h("span", { className: "dp-muted" }, ` · ${count(row.steps_done)} of ${plural(row.steps_total, "step")}`)),
      h(Fact, { name: "Files" }, row.files.words),
      h(Fact, { name: "Events" }, row.events ? row.events.words : "unknown"),
      h(Fact, { name: "Failed jobs" }, h("span", { className: row.failures_last_hour ? "dp-bad" : "" }, row.failures_last_hour == null ? "last hour unknown" : `${plural(row.failures_last_hour, "job")} in the last hour`), h("span", { className: "dp-muted" }, ` · ${count(row.failed_jobs)} now`)),
      h(Fact, { name: "Done by" }, row.ended ? h(React.Fragment, null, "ended ", h(At, { stamp: row.ended })) : h(Said, null, row.eta.words)),
      h(Fact, { name: "Began" }, h(At, { stamp: row.began }), row.owner ? h(React.Fragment, null, " by ", h(Said, null, row.owner)) : null),
      h(Fact, { name: "VO, campaign" }, h(Said, null, [row.vo, row.campaign].filter(Boolean).join(", ") || "none")),
      h(Fact, { name: "In DIRAC's ProductionSystem" }, h(Said, null, row.grid_state || "unknown")),
      row.datasets.length ? h(Fact, { name: row.datasets.length === 1 ? "Dataset" : "Datasets" }, row.datasets.slice(0, 3).map((one) => h("div", { key: one.name }, h(Said, { className: "dp-mono dp-break" }, one.name), h("span", { className: "dp-muted" }, ` · ${one.words}`))), row.datasets.length > 3 ? h("div", { className: "dp-muted" }, `and ${count(row.datasets.length - 3)} more`) : null) : null,
    ),
    h(
      "p",
      { className: "dp-row" },
      data.links.map((link) => h(Go, { key: link.href, to: link.href }, link.title)),
      data.runs.length ? h(Go, { to: `${HOME}/compare?${new URLSearchParams({ dag_id: row.dag_id, run: data.runs[0].run, with_dag_id: row.dag_id, with_run: row.run })}` }, `Compare with run ${data.runs[0].run}`) : null,
      inTab ? h(Go, { to: productionPath(row.dag_id, row.run) }, "Page of its own") : null,
    ),
  );
}

function Rest({ data, refresh, part, setPart }) {
  const { row, rights } = data;
  const about = data.comments.find((one) => one.about === "run");
  const parts = [
    ["story", "What happened", () => h(Story, { lines: data.story, withStep: true })],
    ["act", "Act", () => h(React.Fragment, null, h(Actions, { dagId: row.dag_id, run: row.run, offers: data.actions, rights, onDone: refresh }), h(ActionRuns, { runs: data.action_runs }))],
    ["datasets", `Datasets (${count(data.datasets.length)})`, () => h(Datasets, { datasets: data.datasets })],
    ["drift", `Plan against grid (${count(data.drift.length)})`, () => h(Drift, { drift: data.drift })],
    ["definition", "Definition", () => h(Definition, { definition: data.definition, parameters: data.parameters })],
    ["comment", "Comment", () => h(React.Fragment, null, h(Comment, { dagId: row.dag_id, run: row.run, about: "", comment: about, may: rights.comment, onWritten: refresh }), h(OtherComments, { comments: data.comments.filter((one) => one !== about) }))],
  ];
  const open = parts.some(([name]) => name === part) ? part : "story";
  return h(
    Tabs.Root,
    { value: open, onValueChange: ({ value }) => setPart(value), size: "sm", lazyMount: true, unmountOnExit: true, className: "dp-rest" },
    h(Tabs.List, { className: "dp-tabs", "aria-label": "More about the run" }, parts.map(([name, title]) => h(Tabs.Trigger, { key: name, value: name }, title))),
    parts.map(([name, , draw]) => h(Tabs.Content, { key: name, value: name }, open === name ? draw() : null)),
  );
}

function ActionRuns({ runs }) {
  if (!runs.length) return h("p", { className: "dp-muted" }, "Nobody has acted on it so far.");
  return h(
    React.Fragment,
    null,
    h("h3", { className: "dp-h3" }, "Actions so far"),
    h("ul", { className: "dp-plain" }, runs.map((one) => h("li", { key: one.run_id }, h(At, { stamp: one.began }), ": ", h(Go, { to: one.page }, `${one.preview ? "preview of " : ""}${one.action.replaceAll("_", " ")}`), ` (${one.state})`, one.by ? h(React.Fragment, null, " by ", h(Said, null, one.by)) : null, one.reason ? h(React.Fragment, null, ": ", h(Long, { text: one.reason, most: 200 })) : null, h("span", { className: "dp-muted" }, " · ", h(Said, null, one.scope))))),
  );
}

function Drift({ drift }) {
  if (!drift.length) return h("p", { className: "dp-muted" }, "✓ The grid is as it was planned and recorded.");
  const value = (one) => (typeof one === "string" ? one : JSON.stringify(one));
  return h(
    "div",
    { className: "dp-scroll", tabIndex: 0, role: "region", "aria-label": "What differs on the grid" },
    h(
      "table",
      { className: "dp-table" },
      h("thead", null, h("tr", null, ["Seen", "What", "Recorded", "Found"].map((title) => h("th", { key: title, scope: "col" }, title)))),
      h("tbody", null, drift.map((one, index) => h("tr", { key: index }, h("td", null, h(At, { stamp: one.at })), h("td", null, h(Long, { text: one.text, most: 200 })), h("td", null, h(Said, { className: "dp-break" }, value(one.recorded))), h("td", null, h(Said, { className: "dp-break" }, value(one.found)))))),
    ),
  );
}

const OtherComments = ({ comments }) =>
  comments.length ? h(React.Fragment, null, h("h3", { className: "dp-h3" }, "On its steps and datasets"), h("ul", { className: "dp-plain" }, comments.map((one) => h("li", { key: one.about }, h(Said, { className: "dp-mono dp-break" }, one.about), ": ", h(Long, { text: one.text }), h("span", { className: "dp-muted" }, " by ", h(Said, null, one.by), ", ", h(At, { stamp: one.at })))))) : null;
