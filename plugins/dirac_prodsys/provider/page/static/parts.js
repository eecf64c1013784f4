// @ts-check
/**
 * Draws what all pages share: states, bars, amounts, links and texts.
 *
 * Invariant: what people and jobs wrote is text. It stands in elements of its own direction, so that
 * it can neither be markup nor turn the words around it.
 */
import { Chakra, React, Router, h, inAirflow } from "./host.js";
import { moment, percent } from "./words.js";

const { useState } = React;

/** A letter beside each colour: a state is known without seeing colours. */
const SIGNS = {
  asks: "!", failing: "▲", stalled: "◆", stopped: "■", outage: "⌁", waiting: "…", running: "●",
  "not begun": "○", completed: "✓", failed: "✕", "cut short": "◧", cleaned: "∅", imported: "↓",
};

export const sign = (kind) => SIGNS[kind] ?? "?";

/** Draws text that somebody wrote. */
export const Said = ({ children, ...rest }) => h("bdi", { dir: "auto", ...rest }, children);

const SHORT = 400;

/** Draws text that may be very long: its beginning, and all of it when asked. */
export function Long({ text, most = SHORT }) {
  const [open, setOpen] = useState(false);
  if (text.length <= most) return h(Said, null, text);
  const more = h("button", { type: "button", className: "dp-link", "aria-expanded": open, onClick: () => setOpen(!open) }, open ? "show less" : `show all ${text.length.toLocaleString("en-GB")} characters`);
  return h(React.Fragment, null, h(Said, null, open ? text : `${text.slice(0, most)}…`), " ", more);
}

/** Draws a state in its colour, with its sign. */
export const State = ({ state }) =>
  h("span", { className: `dp-state dp-${state.colour}` }, h("span", { "aria-hidden": true, className: "dp-sign" }, sign(state.kind)), h(Said, null, state.label));

/** Draws why a state is as it is, and since when. */
export const Reason = ({ state, long = false }) =>
  h(
    "span",
    { className: "dp-reason" },
    state.reason ? (long ? h(Long, { text: state.reason }) : h(Said, { className: "dp-clamp", title: state.reason.slice(0, SHORT) }, state.reason)) : null,
    state.since ? h("span", { className: "dp-muted dp-nowrap" }, state.reason ? " since " : "since ", h(At, { stamp: state.since })) : null,
  );

/** Draws a moment, exact for programs. */
export const At = ({ stamp }) => (stamp ? h("time", { dateTime: stamp, title: stamp }, moment(stamp)) : "unknown");

/** Draws a stacked bar; its words say the same. */
export function Bar({ bar, label, tall = false }) {
  const parts = bar.parts.map((part) =>
    h("span", { key: part.name, className: `dp-part dp-fill-${part.name.replace(" ", "-")} dp-solid dp-${part.colour}`, style: { width: `${100 * part.share}%` } }),
  );
  const said = bar.total ? bar.words : `no ${bar.unit} yet`;
  return h("span", { className: tall ? "dp-bar dp-tall" : "dp-bar", role: "img", "aria-label": label ? `${label}: ${said}` : said, title: said }, parts);
}

/** Draws the parts of a bar in words, each with its pattern. */
export const Legend = ({ bar }) =>
  h(
    "span",
    { className: "dp-legend" },
    bar.parts.map((part) =>
      h("span", { key: part.name, className: "dp-nowrap" }, h("span", { "aria-hidden": true, className: `dp-key dp-fill-${part.name.replace(" ", "-")} dp-solid dp-${part.colour}` }), part.words),
    ),
    bar.parts.length ? null : h("span", { className: "dp-muted" }, `no ${bar.unit} yet`),
  );

/** Draws a link: within Airflow by its router, elsewhere in a new tab. Only web addresses are links. */
export function Go({ to, children, ...rest }) {
  if (!to) return h("span", rest, children);
  if (/^\/(?!\/)/.test(to)) return h(Router.Link, { to, className: "dp-link", ...rest }, children);
  if (!/^https?:\/\//i.test(to)) return h("span", rest, children);
  return h("a", { href: to, target: "_blank", rel: "noopener noreferrer", className: "dp-link", ...rest }, children, h("span", { "aria-hidden": true }, " ↗"), h("span", { className: "dp-hidden" }, " (opens a new tab)"));
}

/** Draws a link to a file or another answer of Airflow, which its router does not know. */
export const Plain = ({ to, children, ...rest }) => h("a", { href: inAirflow(to), className: "dp-link", ...rest }, children);

/** Draws a choice of one among several. */
export function Choose({ label, value, onChange, options, hideLabel = false }) {
  const id = React.useId();
  return h(
    "span",
    { className: "dp-field" },
    h("label", { htmlFor: id, className: hideLabel ? "dp-hidden" : "dp-label" }, label),
    h(
      Chakra.NativeSelect.Root,
      { size: "sm", width: "auto", maxWidth: "100%" },
      h(Chakra.NativeSelect.Field, { id, value, onChange: (event) => onChange(event.target.value) }, options.map(([key, words]) => h("option", { key, value: key }, words))),
      h(Chakra.NativeSelect.Indicator, null),
    ),
  );
}

/** Draws a headed part of a page. */
export function Part({ title, children, id, aside }) {
  const own = React.useId();
  return h("section", { className: "dp-part-of-page", "aria-labelledby": id ?? own }, h("div", { className: "dp-row dp-between" }, h("h2", { id: id ?? own, className: "dp-h2" }, title), aside), children);
}

/** Draws a fact with its name. */
export const Fact = ({ name, children }) => h("div", { className: "dp-fact" }, h("dt", null, name), h("dd", null, children));

/** Draws a progress ring as a part of an SVG. */
export function Ring({ x, y, r, share, colour }) {
  const round = 2 * Math.PI * r;
  const of = Math.max(0, Math.min(1, share ?? 0));
  return h(
    "g",
    null,
    h("circle", { cx: x, cy: y, r, className: "dp-ring-all" }),
    of > 0 ? h("circle", { cx: x, cy: y, r, className: `dp-ring dp-${colour}`, strokeDasharray: `${of * round} ${round}`, transform: `rotate(-90 ${x} ${y})` }) : null,
    h("text", { x, y: y + 3.5, textAnchor: "middle", className: "dp-ring-text" }, percent(share).replace(" ", "")),
  );
}

/** Says that there is nothing, and what to do. */
export const Empty = ({ title, children }) => h("div", { className: "dp-empty" }, h("p", { className: "dp-strong" }, title), h("p", { className: "dp-muted" }, children));
