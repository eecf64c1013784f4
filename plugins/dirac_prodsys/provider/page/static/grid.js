// @ts-check
/** Shows whether the grid answers, who watches it, and what is wrong: the checks of doctor. */
import { React, h } from "./host.js";
import { useAnswer } from "./api.js";
import { Answered } from "./freshness.js";
import { Fact, Long, Part, Said } from "./parts.js";

const FOUND = { error: "✕ wrong", warning: "▲ warning", note: "i remark" };
const OUTCOMES = { "no answer": "? no answer", "not seen": "○ not seen", passed: "✓ passed" };
const HEALTH = { healthy: "✓", unhealthy: "✕" };

export function Grid() {
  const answer = useAnswer("/api/grid");
  return h("main", { className: "dp-page" }, h("h1", { className: "dp-h1" }, "Grid"), h(Answered, { answer, what: "the state of the grid" }, (data) => h(Page, { data })));
}

/** Whether a component says when it was alive: a database does not. */
const dated = (one) => Boolean(one.last.at || one.last.why);

function Page({ data }) {
  const colour = data.answers == null ? "gray" : data.answers ? "green" : "red";
  return h(
    React.Fragment,
    null,
    h("p", { className: "dp-says" }, h("span", { className: `dp-state dp-${colour}` }, data.answers == null ? "? nobody has looked" : data.answers ? "✓ answers" : "✕ does not answer"), " ", h(Said, null, data.words)),
    h(
      "dl",
      { className: "dp-facts dp-wide" },
      h(Fact, { name: "Connection" }, h(Said, { className: "dp-mono" }, data.connection)),
      h(Fact, { name: "Proxy is good for" }, h("span", { className: data.proxy_seconds != null && data.proxy_seconds < 3600 ? "dp-bad" : "" }, h(Said, null, data.proxy_words || "unknown"))),
      h(Fact, { name: "Last look that was answered" }, h(Said, null, data.look.words), data.look.why ? h(React.Fragment, null, ": ", h(Said, null, data.look.why)) : null),
    ),
    h(
      Part,
      { title: "What is wrong", aside: h("span", { className: "dp-muted" }, data.checked.at ? `checked: ${data.checked.words}` : "") },
      h("p", { className: "dp-count", role: "status" }, data.wrong ? h("strong", { className: "dp-need" }, "✕ ", data.verdict) : h(Said, null, `${data.checks.length ? "✓ " : ""}${data.verdict}`)),
      h("ul", { className: "dp-checks" }, data.checks.map((check) => h("li", { key: check.code }, h("span", { className: `dp-state dp-${check.colour}` }, check.outcome === "found" ? FOUND[check.severity] ?? "✕ found" : OUTCOMES[check.outcome] ?? check.outcome), h("div", null, h(Long, { text: check.what }), " ", h("span", { className: "dp-muted dp-mono" }, check.code), check.way_out && check.outcome !== "passed" ? h("div", { className: "dp-advice" }, "→ ", h(Said, null, check.way_out)) : null)))),
    ),
    h(
      Part,
      { title: "Who works" },
      h(
        "table",
        { className: "dp-table" },
        h("thead", null, h("tr", null, ["Component", "State", "Last alive"].map((title) => h("th", { key: title, scope: "col" }, title)))),
        h("tbody", null, data.components.map((one) => h("tr", { key: one.name }, h("th", { scope: "row" }, h(Said, null, one.name)), h("td", null, h("span", { className: `dp-state dp-${one.colour}` }, `${HEALTH[one.state] ?? "?"} ${one.state}`)), h("td", { className: one.last.stale && dated(one) ? "dp-late" : "" }, one.last.stale && dated(one) ? "▲ " : "", dated(one) ? h(Said, null, one.last.words) : "–", one.last.why ? h(React.Fragment, null, ": ", h(Said, null, one.last.why)) : null)))),
      ),
    ),
  );
}
