// @ts-check
/** Draws how far a step was over time, as lines and as a table of the same numbers. */
import { React, h } from "./host.js";
import { At } from "./parts.js";
import { count, moment } from "./words.js";

const { useState } = React;
const W = 560;
const H = 150;
const LEFT = 46;
const BOTTOM = 22;
/** Most rows of the table; the newest. */
const ROWS = 50;

export function Course({ course }) {
  const [table, setTable] = useState(false);
  const { points, unit } = course;
  if (points.length < 2) return h("p", { className: "dp-muted" }, "Too little was seen for a chart: it needs two looks at the grid that differ.");
  const last = points.at(-1);
  return h(
    "div",
    null,
    h(
      "p",
      null,
      h("span", { className: "dp-nowrap" }, h("span", { "aria-hidden": true, className: "dp-key dp-solid dp-green" }), ` done: ${count(last.done)} ${unit}`),
      "  ",
      h("span", { className: "dp-nowrap" }, h("span", { "aria-hidden": true, className: "dp-key dp-key-total" }), ` all: ${count(last.total)} ${unit}`),
      course.rate_words ? h("span", { className: "dp-muted" }, ` · ${course.rate_words}`) : null,
    ),
    h(Lines, { points, unit }),
    h("button", { type: "button", className: "dp-link", "aria-expanded": table, onClick: () => setTable(!table) }, table ? "Hide the numbers" : "Show the numbers"),
    table
      ? h(
          "table",
          { className: "dp-table" },
          h("thead", null, h("tr", null, h("th", { scope: "col" }, "When"), h("th", { scope: "col" }, `Done, ${unit}`), h("th", { scope: "col" }, `All, ${unit}`))),
          h("tbody", null, points.slice(-ROWS).reverse().map((point) => h("tr", { key: point.at }, h("td", null, h(At, { stamp: point.at })), h("td", null, count(point.done)), h("td", null, count(point.total))))),
        )
      : null,
  );
}

function Lines({ points, unit }) {
  const times = points.map((point) => Date.parse(point.at));
  const [begin, end] = [times[0], times.at(-1)];
  const top = nice(Math.max(1, ...points.map((point) => Math.max(point.done, point.total))));
  const x = (time) => LEFT + ((W - LEFT - 8) * (time - begin)) / Math.max(1, end - begin);
  const y = (value) => 8 + (H - BOTTOM - 8) * (1 - value / top);
  const path = (key) => points.map((point, index) => `${index ? `H${x(times[index]).toFixed(1)} V` : `M${x(times[0])},`}${y(point[key]).toFixed(1)}`).join(" ");
  const first = points[0];
  const last = points.at(-1);
  const marks = [0, top / 2, top];
  return h(
    "svg",
    { viewBox: `0 0 ${W} ${H}`, className: "dp-chart", role: "img", "aria-label": `${unit} done: ${count(first.done)} at ${moment(first.at)}, ${count(last.done)} of ${count(last.total)} at ${moment(last.at)}` },
    marks.map((mark) => h("g", { key: mark }, h("line", { x1: LEFT, x2: W - 8, y1: y(mark), y2: y(mark), className: "dp-grid" }), h("text", { x: LEFT - 6, y: y(mark) + 4, textAnchor: "end", className: "dp-axis" }, brief(mark)))),
    h("path", { d: `${path("done")} V${y(0)} H${x(begin)} Z`, className: "dp-under" }),
    h("path", { d: path("total"), className: "dp-total" }),
    h("path", { d: path("done"), className: "dp-done" }),
    h("text", { x: LEFT, y: H - 6, className: "dp-axis" }, moment(first.at)),
    h("text", { x: W - 8, y: H - 6, textAnchor: "end", className: "dp-axis" }, moment(last.at)),
  );
}

/** Returns the next of 1, 2, 5, 10, … that half of is a round number, too. */
function nice(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return Math.max(2, [1, 2, 4, 5, 10].map((one) => one * power).find((one) => one >= most));
}

const brief = (number) => (number >= 1e6 ? `${number / 1e6} M` : number >= 1e4 ? `${number / 1e3} k` : count(number));
