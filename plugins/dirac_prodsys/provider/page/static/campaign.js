// @ts-check
/** Shows the summary of datasets: of a campaign, a production or all; comments can be changed in it. */
import { React, Router, h } from "./host.js";
import { useAnswer } from "./api.js";
import { Comment } from "./comments.js";
import { Answered } from "./freshness.js";
import { Choose, Empty, Said } from "./parts.js";
import { SERVER } from "./host.js";
import { plural } from "./words.js";

export function Campaign() {
  const [chosen, choose] = Router.useSearchParams();
  const asked = new URLSearchParams([...chosen].filter(([name, value]) => ["campaign", "production"].includes(name) && value));
  const answer = useAnswer(`/api/campaign${asked.size ? `?${asked}` : ""}`);
  const set = (name, value) => {
    const next = new URLSearchParams(chosen);
    value ? next.set(name, value) : next.delete(name);
    choose(next);
  };
  return h(
    "main",
    { className: "dp-page" },
    h("h1", { className: "dp-h1" }, "Campaign"),
    h(Answered, { answer, what: "the summary" }, (data) =>
      h(
        React.Fragment,
        null,
        h(
          "div",
          { className: "dp-filters" },
          h(Choose, { label: "Campaign", value: chosen.get("campaign") ?? "", onChange: (value) => set("campaign", value), options: offered(data.campaigns, chosen.get("campaign")) }),
          h(Choose, { label: "Production", value: chosen.get("production") ?? "", onChange: (value) => set("production", value), options: offered(data.productions, chosen.get("production")) }),
          h("span", { className: "dp-row" }, "Export:", Object.entries(data.exports).map(([form, path]) => h("a", { key: form, className: "dp-link", href: new URL(path.replace(/^\//, ""), SERVER).href, target: form === "html" ? "_blank" : undefined, rel: "noopener", download: form === "html" ? undefined : "" }, form))),
        ),
        data.rows.length ? h(Table, { data, refresh: answer.refresh }) : h(Empty, { title: "There are no datasets yet." }, data.empty || "A step makes one if the file says `dataset:`."),
      ),
    ),
  );
}

const offered = (names, now) => [["", "all"], ...[...new Set([...names, ...(now ? [now] : [])])].map((name) => [name, name])];

function Table({ data, refresh }) {
  const comment = data.columns.findIndex((column) => column.key === "comment");
  const made = data.rows.filter((row) => row.dataset).length;
  return h(
    React.Fragment,
    null,
    h("p", { className: "dp-count" }, [made ? plural(made, "dataset") : "no dataset yet", made < data.rows.length && `${plural(data.rows.length - made, "step")} without one`].filter(Boolean).join(", ")),
    h(
      "div",
      { className: "dp-scroll", tabIndex: 0, role: "region", "aria-label": "Summary of datasets" },
      h(
        "table",
        { className: "dp-table dp-campaign" },
        h("caption", { className: "dp-hidden" }, "Summary of datasets"),
        h("thead", null, h("tr", null, data.columns.map((column) => h("th", { key: column.key, scope: "col" }, column.heading)))),
        h(
          "tbody",
          null,
          data.rows.map((row, index) =>
            h(
              "tr",
              { key: index },
              row.cells.map((cell, at) =>
                h(
                  "td",
                  { key: data.columns[at]?.key ?? at },
                  at === comment
                    ? h(Comment, { dagId: row.dag_id, run: row.runs.length === 1 ? row.runs[0] : "", about: row.comment_about, comment: row.comments[0] ?? null, may: Boolean(row.dag_id), onWritten: refresh, what: row.dataset ? "this dataset" : "this step", brief: true })
                    : data.columns[at]?.key === "dataset" && !row.dataset
                    ? h("span", { className: "dp-muted" }, "step ", h(Said, null, row.comment_about), " of ", h(Said, null, row.productions.join(", ")))
                    : h(Said, { className: data.columns[at]?.key === "dataset" ? "dp-mono dp-break" : "dp-break" }, cell),
                  data.columns[at]?.key === "files" && row.missing ? h("div", { className: "dp-bad" }, `▲ ${plural(row.missing, "file")} lost since it was made`) : null,
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}
