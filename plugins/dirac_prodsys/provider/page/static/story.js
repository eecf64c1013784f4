// @ts-check
/** Draws what happened to a run or a step, the newest first. */
import { React, h } from "./host.js";
import { At, Long, Said } from "./parts.js";
import { count } from "./words.js";

const { useState } = React;
const FIRST = 12;

export function Story({ lines, withStep = false }) {
  const [all, setAll] = useState(false);
  if (!lines.length) return h("p", { className: "dp-muted" }, "Nothing is recorded yet: the history fills while the run goes on.");
  const shown = all ? lines : lines.slice(0, FIRST);
  return h(
    "div",
    null,
    h(
      "ol",
      { className: "dp-story" },
      shown.map((line, index) =>
        h(
          "li",
          { key: `${line.at}${index}` },
          h("span", { className: "dp-when dp-muted" }, h(At, { stamp: line.at })),
          h("span", { className: `dp-mark dp-solid dp-${line.colour}`, "aria-hidden": true }),
          h("span", { className: "dp-break" }, h("span", { className: "dp-muted" }, line.kind, withStep && line.step ? h(React.Fragment, null, " · ", h(Said, null, line.step)) : null, line.by ? h(React.Fragment, null, " · by ", h(Said, null, line.by)) : null), " ", h(Long, { text: line.text })),
        ),
      ),
    ),
    lines.length > FIRST ? h("button", { type: "button", className: "dp-link", "aria-expanded": all, onClick: () => setAll(!all) }, all ? "Show the newest" : `Show all ${count(lines.length)}`) : null,
  );
}
