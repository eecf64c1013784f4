// @ts-check
/** Draws the branches of a matrix as a heat map: a cell for each, by two of its axes. */
import { React, h } from "./host.js";
import { Choose, Said, sign } from "./parts.js";
import { percent, plural } from "./words.js";

const { useState } = React;

export function Matrix({ matrix, onStep }) {
  const { axes, cells } = matrix;
  const long = [...axes.keys()].sort((one, other) => axes[other].values.length - axes[one].values.length);
  const [across, setAcross] = useState(String(long[0]));
  const x = Number(across);
  const rest = axes.length > 1 ? [...axes.keys()].filter((index) => index !== x) : [];
  const rows = new Map();
  for (const cell of cells) {
    const key = rest.map((index) => cell.values[index]).join(" · ");
    if (!rows.has(key)) rows.set(key, new Map());
    rows.get(key).set(cell.values[x], cell);
  }
  return h(
    "div",
    null,
    axes.length > 1 ? h(Choose, { label: "Columns", value: across, onChange: setAcross, options: axes.map((axis, index) => [String(index), axis.name]) }) : null,
    h(
      "div",
      { className: "dp-scroll", tabIndex: 0, role: "region", "aria-label": "Branches of the matrix" },
      h(
        "table",
        { className: "dp-heat" },
        h("caption", { className: "dp-hidden" }, `${plural(cells.length, "branch").replace(/s$/, "es")} by ${axes.map((axis) => axis.name).join(" and ")}`),
        h("thead", null, h("tr", null, h("th", { scope: "col" }, rest.map((index) => axes[index].name).join(" · ") || "branch"), axes[x].values.map((value) => h("th", { key: value, scope: "col" }, h(Said, null, value))))),
        h(
          "tbody",
          null,
          [...rows].map(([key, row]) =>
            h("tr", { key }, h("th", { scope: "row" }, key ? h(Said, null, key) : axes[x].name), axes[x].values.map((value) => h("td", { key: value }, row.has(value) ? h(Branch, { cell: row.get(value), onStep }) : null))),
          ),
        ),
      ),
    ),
  );
}

function Branch({ cell, onStep }) {
  const words = `${cell.values.join(", ")}: ${cell.state.label}, ${percent(cell.fraction)} done`;
  return h("button", { type: "button", className: `dp-cell dp-${cell.state.colour}`, title: `${words}. ${cell.state.reason}`.slice(0, 400), "aria-label": words, disabled: !cell.steps.length, onClick: () => onStep(cell.steps.at(-1)) }, `${sign(cell.state.kind)} ${percent(cell.fraction).replace(" ", "")}`);
}
