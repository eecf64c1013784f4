// @ts-check
/** Shows two runs side by side. */
import { React, Router, h } from "./host.js";
import { useAnswer } from "./api.js";
import { Answered } from "./freshness.js";
import { Empty, Part, Said } from "./parts.js";
import { HOME } from "./paths.js";

const { useState } = React;

export function Compare() {
  const [chosen] = Router.useSearchParams();
  const [all, setAll] = useState(false);
  const answer = useAnswer(`/api/compare?${chosen}`);
  const missing = (problem) => h(Empty, { title: problem.message }, problem.hint || "Choose two runs on the page of a production.");
  return h(
    "main",
    { className: "dp-page" },
    h("h1", { className: "dp-h1" }, "Two runs compared"),
    h(Answered, { answer, what: "both runs", missing }, (data) =>
      h(
        React.Fragment,
        null,
        h("label", { className: "dp-check" }, h("input", { type: "checkbox", checked: all, onChange: () => setAll(!all) }), " Show what is the same, too"),
        [["facts", "Runs"], ["steps", "Steps"], ["definition", "Definition"]].map(([key, title]) => h(Part, { key, title }, h(Lines, { lines: data[key].filter((line) => all || !line.same), data }))),
      ),
    ),
    h("p", null, h(Router.Link, { to: HOME, className: "dp-link" }, "See all productions")),
  );
}

function Lines({ lines, data }) {
  if (!lines.length) return h("p", { className: "dp-muted" }, "✓ No difference.");
  return h(
    "div",
    { className: "dp-scroll", tabIndex: 0, role: "region", "aria-label": "Comparison" },
    h(
      "table",
      { className: "dp-table" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, "What"), h("th", { scope: "col" }, h(Said, null, data.left)), h("th", { scope: "col" }, h(Said, null, data.right)))),
      h("tbody", null, lines.map((line) => h("tr", { key: line.name, className: line.same ? "" : "dp-differs" }, h("th", { scope: "row" }, line.same ? "" : "≠ ", h(Said, null, line.name)), h("td", null, h(Said, { className: "dp-break" }, line.left || "–")), h("td", null, h(Said, { className: "dp-break" }, line.right || "–"))))),
    ),
  );
}
