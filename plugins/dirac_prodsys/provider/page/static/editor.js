// @ts-check
/** Draws a text with its line numbers, marks for what was found, and what may be written at the cursor. */
import { React, h } from "./host.js";
import { Said } from "./parts.js";
import { inserted, offered } from "./places.js";

const { useLayoutEffect, useMemo, useRef, useState } = React;
const MARK = { error: "✕", warning: "▲", note: "·" };
const RANK = ["error", "warning", "note"];
/** Most options that are drawn. */
const MOST = 24;

/** `goTo` is a place to look at: line and column, a new object each time. */
export function Editor({ text, onText, findings, keys, steps, goTo }) {
  const field = useRef(null);
  const gutter = useRef(null);
  const next = useRef(null);
  const [cursor, setCursor] = useState(text.length);
  const id = React.useId();
  const lines = useMemo(() => text.split("\n").length, [text]);
  const marks = useMemo(() => {
    const found = new Map();
    for (const one of findings) if (!found.has(one.line) || RANK.indexOf(one.severity) < RANK.indexOf(found.get(one.line))) found.set(one.line, one.severity);
    return found;
  }, [findings]);
  const found = useMemo(() => offered(text, Math.min(cursor, text.length), keys, steps), [text, cursor, keys, steps]);

  const put = (at) => {
    field.current.focus();
    field.current.setSelectionRange(at, at);
    setCursor(at);
  };
  useLayoutEffect(() => {
    if (next.current === null) return;
    put(next.current);
    next.current = null;
  }, [text]);
  useLayoutEffect(() => {
    if (!goTo) return;
    const before = field.current.value.split("\n").slice(0, goTo.line - 1);
    put(before.join("\n").length + (before.length ? 1 : 0) + goTo.column - 1);
    const high = field.current.scrollHeight / Math.max(1, lines);
    field.current.scrollTop = Math.max(0, (goTo.line - 6) * high);
  }, [goTo]);

  const choose = (option) => {
    const made = inserted(text, Math.min(cursor, text.length), found, option);
    next.current = made.cursor;
    onText(made.text);
  };
  const typed = (event) => {
    if (event.key !== " " || !event.ctrlKey) return;
    event.preventDefault();
    document.getElementById(`${id}-options`)?.querySelector("button")?.focus();
  };
  const shown = found.options.slice(0, MOST);
  return h(
    "div",
    { className: "dp-stack dp-editor" },
    h("label", { htmlFor: id, className: "dp-label" }, "Text of the production; Ctrl and space lead to what may stand at the cursor"),
    h(
      "div",
      { className: "dp-paper" },
      h("div", { ref: gutter, className: "dp-gutter", "aria-hidden": true }, Array.from({ length: lines }, (_, index) => h("div", { key: index, className: marks.has(index + 1) ? `dp-on-${marks.get(index + 1)}` : undefined }, `${MARK[marks.get(index + 1)] ?? ""} ${index + 1}`))),
      h("textarea", {
        id,
        ref: field,
        value: text,
        wrap: "off",
        spellCheck: false,
        autoCapitalize: "off",
        autoComplete: "off",
        onChange: (event) => {
          onText(event.target.value);
          setCursor(event.target.selectionStart);
        },
        onSelect: (event) => setCursor(event.target.selectionStart),
        onKeyDown: typed,
        onScroll: (event) => (gutter.current.scrollTop = event.target.scrollTop),
      }),
    ),
    h(
      "div",
      { id: `${id}-options`, className: "dp-options", role: "group", "aria-label": "What may stand here", onKeyDown: (event) => event.key === "Escape" && put(cursor) },
      h("p", { className: "dp-muted" }, found.where.length ? h(Said, { className: "dp-mono" }, found.where.join(" › ")) : "at the top", shown.length ? ": " : found.value ? ": a value of your own" : ": a name of your own, or nothing more"),
      shown.map((one) => h("button", { key: one.key, type: "button", className: "dp-option", title: one.about, onClick: () => choose(one) }, h("span", { className: "dp-mono" }, one.key), one.needed ? h("span", { className: "dp-muted" }, " required") : null)),
      shown.length === 1 && shown[0].about ? h("span", { className: "dp-muted" }, shown[0].about) : null,
    ),
  );
}
