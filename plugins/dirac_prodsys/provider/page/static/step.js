// @ts-check
/** Shows one step: why it is as it is first, then what is behind it. */
import { React, h } from "./host.js";
import { Actions } from "./act.js";
import { useAnswer } from "./api.js";
import { Course } from "./chart.js";
import { Comment } from "./comments.js";
import { Datasets, Places } from "./datasets.js";
import { Answered } from "./freshness.js";
import { Failures } from "./heat.js";
import { At, Bar, Empty, Fact, Go, Legend, Long, Part, Said, State } from "./parts.js";
import { stepData } from "./paths.js";
import { Story } from "./story.js";
import { count, plural } from "./words.js";

const { useEffect, useRef, useState } = React;

export function Step({ dagId, run, step, onClose }) {
  const answer = useAnswer(stepData(dagId, run, step));
  const head = useRef(null);
  useEffect(() => head.current?.focus(), [step]);
  return h(
    "section",
    { className: "dp-step", "aria-label": `Step ${step}` },
    h("div", { className: "dp-row dp-between" }, h("h2", { className: "dp-h2", tabIndex: -1, ref: head }, "Step ", h(Said, null, step)), h("button", { type: "button", className: "dp-link", onClick: onClose }, "Close")),
    h(Answered, { answer, what: `step ${step}`, missing: (problem) => h(Empty, { title: "There is no such step." }, problem.hint || "Choose one in the graph.") }, (data) => h(Panel, { data, refresh: answer.refresh })),
  );
}

function Panel({ data, refresh }) {
  const { node, why, transformation } = data;
  const offers = { dagId: data.dag_id, run: data.run, step: node.step, offers: data.actions, rights: data.rights, onDone: refresh };
  const own = data.comments.find((one) => one.about === node.step);
  return h(
    React.Fragment,
    null,
    h("div", { className: "dp-row" }, h(State, { state: node.state }), h("span", { className: "dp-muted" }, h(Said, null, node.type))),
    h(WhyPart, { why, state: node.state }),
    h("div", null, h(Bar, { bar: node.bar, label: node.step, tall: true }), h(Legend, { bar: node.bar })),
    h(
      "dl",
      { className: "dp-facts" },
      h(Fact, { name: "Done by" }, h(Said, null, node.eta.words)),
      data.events ? h(Fact, { name: "Events" }, data.events.words) : null,
      h(Fact, { name: "Files by DIRAC's status" }, byStatus(data.files, "file")),
      h(Fact, { name: "Tasks by DIRAC's status" }, byStatus(data.tasks, "task")),
      data.catalogue_files == null ? null : h(Fact, { name: "In the catalogue for its query" }, plural(data.catalogue_files, "file")),
    ),
    h(Part, { title: "What can be done" }, h(Actions, offers)),
    h(Part, { title: "Failures by cause and site" }, h(Failures, { failures: data.failures })),
    h(Part, { title: "Counts over time" }, h(Course, { course: data.course })),
    h(Part, { title: "Transformation" }, h(Transformation, { transformation, earlier: data.earlier })),
    h(Part, { title: "Which files it takes" }, h(Query, { query: data.input, none: "It takes no files: its tasks are declared." })),
    h(Part, { title: "What its files are called by" }, h(Query, { query: data.output, none: "It leaves no metadata." })),
    h(Part, { title: "Datasets and storage" }, h(Datasets, { datasets: data.datasets }), h("h3", { className: "dp-h3" }, "Its output"), h(Places, { places: data.storage })),
    h(Part, { title: "What happened" }, h(Story, { lines: data.story })),
    h(Part, { title: "Comment" }, h(Comment, { dagId: data.dag_id, run: data.run, about: node.step, comment: own, may: data.rights.comment, onWritten: refresh, what: "this step" })),
    h(Body, { body: data.body }),
    data.links.length ? h("p", { className: "dp-row" }, data.links.map((link) => h(Go, { key: link.href, to: link.href }, link.title))) : null,
  );
}

const byStatus = (found, word) => {
  const each = Object.entries(found);
  return each.length ? each.map(([status, number]) => `${count(number)} ${status}`).join(", ") : `no ${word}s yet`;
};

function WhyPart({ why, state }) {
  const [all, setAll] = useState(false);
  const { verdict } = why;
  return h(
    "section",
    { className: `dp-why dp-${state.colour}`, "aria-label": "Why it is so" },
    h("h3", { className: "dp-h3" }, "Why"),
    h("p", { className: "dp-strong" }, h(Long, { text: why.line || state.words })),
    verdict?.alarm ? h("p", { className: "dp-bad" }, "▲ ", h(Said, null, verdict.alarm)) : null,
    h(
      "dl",
      { className: "dp-facts" },
      why.since ? h(Fact, { name: "Since" }, h(At, { stamp: why.since })) : null,
      verdict ? h(Fact, { name: "Verdict" }, verdict.verdict, ": ", h(Said, null, verdict.reason)) : h(Fact, { name: "Verdict" }, "none is recorded yet"),
      h(Fact, { name: "What comes next" }, h(Said, null, why.next || "unknown: no verdict is recorded yet")),
      why.may.length ? h(Fact, { name: "What you may do" }, h("ul", { className: "dp-may" }, why.may.map((one) => h("li", { key: one }, h(Said, null, one))))) : null,
    ),
    why.history.length
      ? h(
          React.Fragment,
          null,
          h("button", { type: "button", className: "dp-link", "aria-expanded": all, onClick: () => setAll(!all) }, all ? "Hide the verdicts before" : `Show the verdicts before (${count(why.history.length)})`),
          all ? h("ol", { className: "dp-story" }, why.history.map((one) => h("li", { key: one.at }, h("span", { className: "dp-when dp-muted" }, h(At, { stamp: one.at })), h("span", { className: "dp-mark dp-solid dp-gray", "aria-hidden": true }), h("span", null, one.verdict, ": ", h(Said, null, one.reason))))) : null,
        )
      : null,
  );
}

function Transformation({ transformation, earlier }) {
  if (!transformation) return h("p", { className: "dp-muted" }, "It is made when the run begins.");
  return h(
    React.Fragment,
    null,
    h(
      "dl",
      { className: "dp-facts" },
      h(Fact, { name: "ID" }, h(Go, { to: transformation.portal }, String(transformation.id))),
      h(Fact, { name: "Name" }, h(Said, { className: "dp-mono dp-break" }, transformation.name)),
      h(Fact, { name: "Status in DIRAC" }, h(Said, null, transformation.status)),
      h(Fact, { name: "Type, plugin" }, h(Said, null, `${transformation.type}, ${transformation.plugin}`)),
      transformation.group_size == null ? null : h(Fact, { name: "Group size" }, transformation.plugin === "BySize" ? `${transformation.group_size} GB` : plural(transformation.group_size, "file")),
      h(Fact, { name: "Tasks" }, transformation.tasks_declared == null ? "come from files" : `${plural(transformation.tasks_declared, "task")} declared`),
      transformation.adopted ? h(Fact, { name: "Adopted" }, "it existed before the run") : null,
    ),
    earlier.length ? h("p", { className: "dp-muted" }, "Before a fresh start: ", earlier.map((one, index) => h(React.Fragment, { key: one.id }, index ? ", " : "", h(Go, { to: one.portal }, `${one.id} (${one.status})`)))) : null,
  );
}

function Query({ query, none }) {
  if (!query) return h("p", { className: "dp-muted" }, none);
  return h(
    React.Fragment,
    null,
    h(
      "table",
      { className: "dp-table" },
      h("thead", null, h("tr", null, ["Field", "Condition", "From"].map((title) => h("th", { key: title, scope: "col" }, title)))),
      h("tbody", null, query.conditions.map((one, index) => h("tr", { key: index }, h("td", null, h(Said, { className: "dp-mono" }, one.field)), h("td", null, h(Said, { className: "dp-mono dp-break" }, one.words)), h("td", null, one.origin ? h(Said, null, one.origin) : "unknown")))),
    ),
    h("pre", { className: "dp-code", tabIndex: 0, "aria-label": "The query for DIRAC's command line" }, query.text),
  );
}

function Body({ body }) {
  const [open, setOpen] = useState(false);
  if (body == null) return null;
  return h(
    "div",
    null,
    h("button", { type: "button", className: "dp-link", "aria-expanded": open, onClick: () => setOpen(!open) }, open ? "Hide the body of its jobs" : "Show the body of its jobs"),
    open ? h("pre", { className: "dp-code", tabIndex: 0, "aria-label": "Body of its jobs" }, typeof body === "string" ? body : JSON.stringify(body, null, 2)) : null,
  );
}
