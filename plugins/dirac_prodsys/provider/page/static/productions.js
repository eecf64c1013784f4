// @ts-check
/** Lists the runs of productions: those that need a person first. What is chosen stands in the address. */
import { Chakra, React, Router, h } from "./host.js";
import { useAnswer, useNow } from "./api.js";
import { Answered } from "./freshness.js";
import { At, Bar, Choose, Empty, Go, Reason, Said, State } from "./parts.js";
import { HOME, productionPath } from "./paths.js";
import { count, percent, plural, span } from "./words.js";

const { useEffect, useState } = React;

const SORTS = [
  ["attention", "needs a person first"],
  ["production", "production"],
  ["state", "state"],
  ["vo", "VO"],
  ["progress", "progress"],
  ["failures", "failures"],
  ["eta", "done by"],
  ["changed", "last change"],
];
const FILTERS = [["vo", "VO"], ["campaign", "Campaign"], ["state", "State"], ["type", "Type"]];
const ASKED = ["vo", "campaign", "state", "type", "production", "text", "over", "sort", "descending", "page", "per_page"];

/** Most steps of a run that are drawn one by one; they are those at which something is to see. */
const STEPS = 12;

export function Productions() {
  const [chosen, choose] = Router.useSearchParams();
  const asked = new URLSearchParams([...chosen].filter(([name]) => ASKED.includes(name)));
  const answer = useAnswer(`/api/productions${asked.size ? `?${asked}` : ""}`);
  const last = useLast(answer);
  const set = (changes, replace = false) => {
    const next = new URLSearchParams(chosen);
    if (!("page" in changes)) next.delete("page");
    for (const [name, value] of Object.entries(changes)) value ? next.set(name, value) : next.delete(name);
    choose(next, { replace });
  };
  return h(
    "main",
    { className: "dp-page" },
    h("h1", { className: "dp-h1" }, "Productions"),
    h(Filters, { chosen, set, filters: last?.filters, hidden: last?.hidden_over }),
    h(Answered, { answer: { ...answer, data: answer.data ?? last }, what: "the productions" }, (data) => h(List, { data, set, received: answer.received ?? Date.now(), filtered: isFiltered(chosen) })),
  );
}

/** Returns the last answer while the next is on its way: choosing a filter must not empty the page. */
function useLast({ data }) {
  const [last, keep] = useState(data);
  useEffect(() => {
    if (data) keep(data);
  }, [data]);
  return data ?? last;
}

const isFiltered = (chosen) => ["vo", "campaign", "state", "type", "production", "text"].some((name) => chosen.get(name));

function Filters({ chosen, set, filters, hidden }) {
  const each = FILTERS.map(([name, title]) => {
    const values = filters?.[name] ?? [];
    const value = chosen.get(name) ?? "";
    if (!value && values.length < 2) return null;
    const offered = values.some((one) => one.value === value) || !value ? values : [...values, { value, label: value, count: 0 }];
    return h(Choose, {
      key: name,
      label: title,
      value,
      onChange: (next) => set({ [name]: next }),
      options: [["", "all"], ...offered.map((one) => [one.value, `${one.label} (${count(one.count)})`])],
    });
  });
  const over = chosen.get("over") === "true";
  return h(
    "form",
    { className: "dp-filters", role: "search", "aria-label": "Choose productions", onSubmit: (event) => event.preventDefault() },
    h(Search, { text: chosen.get("text") ?? "", onText: (text) => set({ text }, true) }),
    each,
    h(Choose, { label: "Sort by", value: chosen.get("sort") ?? "attention", onChange: (sort) => set({ sort: sort === "attention" ? "" : sort }), options: SORTS }),
    h(
      Chakra.Button,
      {
        size: "sm",
        variant: "outline",
        "aria-pressed": chosen.get("descending") === "true",
        title: "Sort the other way round",
        onClick: () => set({ descending: chosen.get("descending") === "true" ? "" : "true" }),
      },
      "⇅ Reverse",
    ),
    h(
      "label",
      { className: "dp-check" },
      h("input", { type: "checkbox", checked: over, onChange: () => set({ over: over ? "" : "true" }) }),
      over || !hidden ? " Runs that are over, too" : ` Runs that are over, too (${count(hidden)})`,
    ),
    isFiltered(chosen) ? h(Router.Link, { className: "dp-link", to: HOME }, "Show all") : null,
  );
}

/** Waits until somebody has typed: not every letter is a question to the server. */
function Search({ text, onText }) {
  const [typed, type] = useState(text);
  const id = React.useId();
  useEffect(() => type(text), [text]);
  useEffect(() => {
    if (typed === text) return undefined;
    const timer = setTimeout(() => onText(typed), 300);
    return () => clearTimeout(timer);
  }, [typed]);
  return h(
    "span",
    { className: "dp-field dp-search" },
    h("label", { htmlFor: id, className: "dp-label" }, "Text"),
    h(Chakra.Input, { id, type: "search", size: "sm", value: typed, placeholder: "name, owner, reason, dataset", onChange: (event) => type(event.target.value) }),
  );
}

function List({ data, set, received, filtered }) {
  if (!data.rows.length) {
    const title = filtered ? "No production fits what you have chosen." : data.hidden_over ? "No production is running." : "There are no productions yet.";
    return h(Empty, { title }, data.empty || "Show all, or runs that are over, too.");
  }
  const need = data.need_person;
  return h(
    React.Fragment,
    null,
    h(
      "p",
      { className: "dp-count", "aria-live": "polite" },
      need ? h("strong", { className: "dp-need" }, `! ${plural(need, "production")} ${need === 1 ? "needs" : "need"} a person`) : `✓ ${plural(data.total, "production")}, none needs a person`,
      need ? ` of ${count(data.total)}` : null,
    ),
    h(
      "table",
      { className: "dp-list", role: "table" },
      h("caption", { className: "dp-hidden" }, "Runs of productions"),
      h(
        "thead",
        { role: "rowgroup" },
        h("tr", { role: "row" }, ["State, why, since", "Production", "Steps", "Events", "Failures, last hour", "Dataset", "Done by", "Last change"].map((title) => h("th", { key: title, role: "columnheader", scope: "col" }, title))),
      ),
      h("tbody", { role: "rowgroup" }, data.rows.map((row) => h(Row, { key: row.key, row, received }))),
    ),
    data.pages > 1 ? h(Pager, { data, set }) : null,
  );
}

/** Draws a row. Lists of a thousand rows are redrawn by each refresh: plain elements, no styles of their own. */
const Row = React.memo(
  function Row({ row, received }) {
    const cell = (title, children, name = "") => h("td", { role: "cell", className: name, "data-title": title }, children);
    return h(
      "tr",
      { role: "row", className: row.state.needs_person ? "dp-needs" : "" },
      cell("State", h("div", { className: "dp-stack" }, h(State, { state: row.state }), h(Reason, { state: row.state })), "dp-col-state"),
      cell(
        "Production",
        h(
          "div",
          { className: "dp-stack" },
          h(Router.Link, { className: "dp-name", to: productionPath(row.dag_id, row.run) }, h(Said, null, row.production)),
          h("span", { className: "dp-muted dp-break" }, "run ", h(Said, null, row.run)),
          h("span", { className: "dp-muted dp-break dp-clamp" }, [row.vo, row.campaign, row.owner && `by ${row.owner}`].filter(Boolean).map((one, index) => h(React.Fragment, { key: index }, index ? " · " : "", h(Said, null, one)))),
        ),
        "dp-col-name",
      ),
      cell("Steps", h(Steps, { row }), "dp-col-steps"),
      cell("Events", row.events ? h(Events, { amount: row.events }) : h("span", { className: "dp-muted" }, "unknown")),
      cell("Failures, last hour", h(Failures, { row })),
      cell("Dataset", h(Datasets, { datasets: row.datasets }), "dp-col-dataset"),
      cell("Done by", h(End, { row }), "dp-col-end"),
      cell("Last change", h("div", { className: "dp-stack" }, h("span", { title: row.changed ?? "" }, h(Since, { stamp: row.changed })), row.ended ? null : h(Age, { seen: row.seen, received }))),
    );
  },
  (one, other) => one.received === other.received && one.row === other.row,
);

function Steps({ row }) {
  const found = row.steps;
  const most = found.length > STEPS ? [...found].sort(byAttention).slice(0, STEPS) : found;
  const named = most.length <= 4;
  return h(
    "div",
    { className: "dp-stack" },
    h(
      "div",
      { className: "dp-strip" },
      most.map((step) =>
        h(
          Router.Link,
          { key: step.step, className: "dp-strip-one", to: productionPath(row.dag_id, row.run, step.step) },
          h(Bar, { bar: step.bar, label: `${step.step}, ${step.state.label}` }),
          named ? h("span", { className: "dp-strip-name" }, h(Said, null, step.step)) : null,
        ),
      ),
    ),
    h("span", { className: "dp-muted" }, `${count(row.steps_done)} of ${plural(row.steps_total, "step")} done · ${row.files.total ? row.files.words : row.tasks.words}`),
    found.length > STEPS ? h("span", { className: "dp-muted" }, `shown: ${STEPS} that are furthest from done`) : null,
  );
}

const byAttention = (one, other) => Number(other.state.needs_person) - Number(one.state.needs_person) || Number(one.fraction === 1) - Number(other.fraction === 1) || one.fraction - other.fraction;

const Events = ({ amount }) =>
  h("div", { className: "dp-stack" }, h("span", null, amount.words), amount.total ? h("span", { className: "dp-muted" }, percent(amount.done / amount.total)) : null);

function Failures({ row }) {
  const hour = row.failures_last_hour;
  return h(
    "div",
    { className: "dp-stack" },
    hour == null ? h("span", { className: "dp-muted" }, "unknown") : h("span", { className: hour ? "dp-bad" : "" }, `${hour ? "▲ " : ""}${plural(hour, "job")}`),
    row.failed_jobs ? h("span", { className: "dp-muted" }, `${count(row.failed_jobs)} failed now`) : null,
  );
}

function Datasets({ datasets }) {
  if (!datasets.length) return h("span", { className: "dp-muted" }, "none");
  const [first, ...rest] = datasets;
  return h(
    "div",
    { className: "dp-stack" },
    h(Said, { className: "dp-break dp-mono" }, first.name),
    h("span", { className: "dp-muted" }, first.words),
    rest.length ? h("span", { className: "dp-muted" }, `and ${count(rest.length)} more`) : null,
  );
}

const End = ({ row }) => (row.ended ? h("span", null, "ended ", h(At, { stamp: row.ended })) : h("span", { title: row.eta.expected ?? "" }, row.eta.words));

/** Says how long ago something was, again each minute. */
function Since({ stamp }) {
  const now = useNow(30000);
  return stamp ? `${span((now - Date.parse(stamp)) / 1000)} ago` : "unknown";
}

/** Says how old the counts of a row are. */
function Age({ seen, received }) {
  const now = useNow(30000);
  const age = seen.age == null ? seen.words : `${span(seen.age + Math.max(0, now - received) / 1000)} old`;
  return h("span", { className: seen.stale ? "dp-late" : "dp-muted", title: seen.why }, seen.stale ? "▲ " : "", `counts ${age}`);
}

function Pager({ data, set }) {
  const first = (data.page - 1) * data.per_page + 1;
  const go = (page, words) => h(Chakra.Button, { size: "sm", variant: "outline", disabled: page < 1 || page > data.pages, onClick: () => set({ page: page === 1 ? "" : String(page) }) }, words);
  return h(
    "nav",
    { className: "dp-row dp-pager", "aria-label": "Pages of the list" },
    go(data.page - 1, "← Before"),
    h("span", null, `${count(first)} to ${count(first + data.rows.length - 1)} of ${count(data.total)}`),
    go(data.page + 1, "Next →"),
  );
}
