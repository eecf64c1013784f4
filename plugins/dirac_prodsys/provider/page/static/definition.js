// @ts-check
/** Draws the definition that a run began with, and how it differs from that of the run before. */
import { React, h } from "./host.js";
import { Fact, Said } from "./parts.js";

const { useState } = React;
const SIGN = { "+": "dp-added", "-": "dp-removed", "@": "dp-muted", " ": "" };

export function Definition({ definition, parameters }) {
  const [open, setOpen] = useState(false);
  const values = Object.entries(parameters);
  const given = values.length ? h(Fact, { name: "Parameters" }, values.map(([name, value]) => h("div", { key: name }, h(Said, null, `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`)))) : null;
  if (!definition) return h(React.Fragment, null, h("dl", { className: "dp-facts" }, given), h("p", { className: "dp-muted" }, "The history does not have the definition of this run."));
  const before = definition.before;
  return h(
    React.Fragment,
    null,
    h(
      "dl",
      { className: "dp-facts" },
      h(Fact, { name: "File" }, h(Said, { className: "dp-mono dp-break" }, definition.file || "unknown")),
      h(Fact, { name: "From" }, h(Said, null, definition.source || "unknown"), definition.commit ? h(React.Fragment, null, ", version ", h(Said, { className: "dp-mono dp-break" }, definition.commit.slice(0, 12))) : null),
      h(Fact, { name: "SHA-256" }, h("span", { className: "dp-mono", title: definition.digest }, `${definition.digest.slice(0, 16)}…`)),
      given,
      h(Fact, { name: "The run before" }, before ? h(React.Fragment, null, h(Said, null, before), definition.same_as_before == null ? ": not known whether it had the same" : definition.same_as_before ? " had the same" : " had another") : "there is none"),
    ),
    definition.changes.length
      ? h(React.Fragment, null, h("h3", { className: "dp-h3" }, "What differs from the run before"), h("pre", { className: "dp-code", tabIndex: 0, "aria-label": "What differs from the run before" }, definition.changes.map((change, index) => h("span", { key: index, className: SIGN[change.sign] }, change.sign === "@" ? change.text : `${change.sign} ${change.text}`, "\n"))))
      : null,
    definition.text ? h("button", { type: "button", className: "dp-link", "aria-expanded": open, onClick: () => setOpen(!open) }, open ? "Hide the file" : "Show the file") : h("p", { className: "dp-muted" }, "The history does not have its text."),
    open ? h("pre", { className: "dp-code", tabIndex: 0, "aria-label": "The file" }, definition.text) : null,
  );
}
