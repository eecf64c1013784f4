// @ts-check
/** Draws failed jobs by cause and site: the darker, the more. */
import { React, h } from "./host.js";
import { At, Go, Long, Said } from "./parts.js";
import { count, plural } from "./words.js";

const { useState } = React;

export function Failures({ failures }) {
  const [chosen, choose] = useState("");
  const { causes, sites, cells, unit } = failures;
  if (!cells.length) return h("p", { className: "dp-muted" }, failures.at ? "✓ None has failed" : "Nobody has looked at failed jobs yet", failures.note ? h(React.Fragment, null, ": ", h(Said, null, failures.note)) : ".", failures.at ? h(React.Fragment, null, " Seen at ", h(At, { stamp: failures.at })) : null);
  const found = new Map(cells.map((cell) => [`${cell.cause}\n${cell.site}`, cell]));
  const most = Math.max(...cells.map((cell) => cell.count));
  const cell = found.get(chosen);
  const one = unit.replace(/s$/, "");
  return h(
    "div",
    null,
    h("p", null, h("strong", null, `${plural(failures.total, one)} failed`), failures.at ? h(React.Fragment, null, failures.live ? ", seen on the grid at " : ", seen at ", h(At, { stamp: failures.at })) : null, failures.note ? h(React.Fragment, null, ". ", h(Said, null, failures.note)) : null),
    failures.advice ? h("p", { className: "dp-advice" }, "→ ", h(Said, null, failures.advice)) : null,
    h(
      "div",
      { className: "dp-scroll", tabIndex: 0, role: "region", "aria-label": "Failures by cause and site" },
      h(
        "table",
        { className: "dp-heat" },
        h("caption", { className: "dp-hidden" }, `Failed ${unit} by cause and site`),
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "Cause"), sites.map((site) => h("th", { key: site, scope: "col" }, h(Said, { className: "dp-break" }, site))))),
        h(
          "tbody",
          null,
          causes.map((cause) =>
            h(
              "tr",
              { key: cause },
              h("th", { scope: "row" }, h(Long, { text: cause, most: 160 })),
              sites.map((site) => {
                const key = `${cause}\n${site}`;
                const here = found.get(key);
                if (!here) return h("td", { key: site, className: "dp-none" }, h("span", { className: "dp-hidden" }, "none"));
                return h("td", { key: site }, h("button", { type: "button", className: `dp-cell dp-warm-${Math.max(1, Math.ceil((4 * here.count) / most))}`, "aria-pressed": chosen === key, "aria-label": `${plural(here.count, one)} failed at ${site}: ${cause.slice(0, 200)}. Show samples`, onClick: () => choose(chosen === key ? "" : key) }, count(here.count)));
              }),
            ),
          ),
        ),
      ),
    ),
    cell
      ? h(
          "p",
          { role: "status" },
          `Samples at ${cell.site}: `,
          cell.samples.length ? cell.samples.map((sample, index) => h(React.Fragment, { key: sample.job }, index ? ", " : "", h(Go, { to: sample.href }, `${one} ${sample.job}`), sample.log ? h(React.Fragment, null, " (", h(Go, { to: sample.log }, "log"), ")") : null)) : "none is known",
        )
      : h("p", { className: "dp-muted" }, `Choose a number to see ${unit} to look at.`),
  );
}
