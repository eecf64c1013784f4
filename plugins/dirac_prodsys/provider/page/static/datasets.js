// @ts-check
/** Draws datasets: what each has, how large it is, and where its files are. */
import { React, h } from "./host.js";
import { Said } from "./parts.js";
import { count } from "./words.js";

export function Datasets({ datasets }) {
  if (!datasets.length) return h("p", { className: "dp-muted" }, "No step of it makes a dataset. A step makes one if the file says `dataset:`.");
  return h(
    "ul",
    { className: "dp-datasets" },
    datasets.map((one) =>
      h(
        "li",
        { key: one.name },
        h("div", { className: "dp-row" }, h("span", { "aria-hidden": true }, one.retired ? "∅" : one.frozen ? "✓" : "○"), h(Said, { className: "dp-mono dp-break dp-strong" }, one.name)),
        h("div", null, h(Said, null, one.words), one.events == null ? "" : `, ${count(one.events)} events`, one.retired ? ", retired" : "", h("span", { className: "dp-muted" }, " · step ", h(Said, null, one.step))),
        h(Places, { places: one.places }),
      ),
    ),
  );
}

/** Draws what storage elements have. */
export function Places({ places }) {
  const found = Object.entries(places);
  if (!found.length) return h("p", { className: "dp-muted" }, "Where its files are is not known yet.");
  return h("ul", { className: "dp-places" }, found.map(([name, place]) => h("li", { key: name }, h(Said, { className: "dp-mono" }, name), ": ", h(Said, null, place.words))));
}
