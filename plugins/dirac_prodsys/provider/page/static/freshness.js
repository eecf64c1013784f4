// @ts-check
/** Says how old the data on a page are, why they are not newer, and what was asked in vain. */
import { Chakra, React, h } from "./host.js";
import { useNow } from "./api.js";
import { Said } from "./parts.js";
import { span } from "./words.js";

const NAMES = { grid: "DIRAC", ledger: "history", airflow: "Airflow" };

/** Draws the age of each source of an answer, and what is wrong with it. */
export function Ages({ sources, received, refresh }) {
  const now = useNow();
  const since = Math.max(0, (now - received) / 1000);
  const late = since > 3 * Math.max(10, sources.refresh);
  const each = Object.entries(NAMES).map(([key, name]) => {
    const one = sources[key];
    const words = one.age == null ? one.words : `${span(one.age + since)} old`;
    return h(
      "span",
      { key, className: one.stale || late ? "dp-age dp-late" : "dp-age" },
      one.stale || late ? h("span", { "aria-hidden": true }, "▲ ") : null,
      `${name} ${words}`,
      one.why ? h(React.Fragment, null, ": ", h(Said, null, one.why)) : null,
    );
  });
  return h(
    "div",
    { className: "dp-ages" },
    h("span", null, "Data from "),
    each,
    h(Chakra.Button, { size: "2xs", variant: "outline", onClick: refresh, "aria-label": "Ask for newer data now" }, "Refresh"),
  );
}

/** Says above an answer which of its sources is silent, and how old that makes what stands below. */
function Silent({ sources, received }) {
  const now = useNow();
  const since = Math.max(0, (now - received) / 1000);
  const silent = Object.entries(NAMES).filter(([key]) => sources[key].stale && sources[key].why);
  if (!silent.length) return null;
  const each = silent.map(([key, name]) => {
    const { age, why } = sources[key];
    const words = age == null ? `Nothing is known from ${name} yet` : `What comes from ${name} is ${span(age + since)} old`;
    return h("p", { key, role: "status" }, h("strong", null, `▲ ${words}: `), h(Said, null, why));
  });
  return h("div", { className: "dp-trouble" }, each);
}

/** Says that the server does not answer, how old the page is, and when it is asked again. */
export function Trouble({ problem, received, next, refresh }) {
  const now = useNow();
  if (!problem) return null;
  const old = received ? ` What you see is ${span((now - received) / 1000)} old and is kept.` : "";
  const again = next > now ? ` Trying again in ${span((next - now) / 1000)}.` : " Trying again.";
  return h(
    "div",
    { className: "dp-trouble" },
    h("p", { role: "status" }, h("strong", null, h(Said, null, problem.message)), ". ", problem.hint ? h(Said, null, problem.hint) : null),
    h("p", null, old, problem.status === 401 ? "" : again),
    problem.status === 401
      ? h(Chakra.Button, { size: "xs", onClick: () => location.reload() }, "Load the page again")
      : h(Chakra.Button, { size: "xs", variant: "outline", onClick: refresh }, "Try now"),
  );
}

/** Draws an answer as soon as there is one, with its age; and what came to nothing, instead of it or above. */
export function Answered({ answer, what, missing, children }) {
  const { data, problem, received, next, refresh } = answer;
  if (!data) {
    if (problem?.status === 404 && missing) return missing(problem);
    if (problem) return h(Trouble, { problem, next, refresh });
    return h("p", { className: "dp-muted dp-loading", role: "status" }, `Loading ${what}…`);
  }
  return h(
    React.Fragment,
    null,
    problem ? h(Trouble, { problem, received, next, refresh }) : null,
    data.sources ? h(Silent, { sources: data.sources, received }) : null,
    children(data),
    data.sources ? h(Ages, { sources: data.sources, received, refresh }) : null,
  );
}
