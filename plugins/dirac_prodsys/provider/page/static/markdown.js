// @ts-check
/**
 * Draws the few forms of Markdown that questions are written in: paragraphs, lists, tables, bold, code.
 *
 * Invariant: everything becomes elements with text in them. There are no links, no images, no markup.
 */
import { React, h } from "./host.js";
import { Said } from "./parts.js";

/** Draws a text, block by block. */
export const Markdown = ({ text }) => h("div", { className: "dp-markdown" }, text.split(/\n\s*\n/).map((block, index) => h(Block, { key: index, lines: block.split("\n").filter((line) => line.trim()) })));

function Block({ lines }) {
  if (lines.length > 2 && lines.every((line) => line.trim().startsWith("|")) && /^[|\s:-]+$/.test(lines[1])) return h(Table, { lines });
  if (lines.length && lines.every((line) => /^\s*[-*] /.test(line))) return h("ul", { className: "dp-may" }, lines.map((line, index) => h("li", { key: index }, h(Inline, { text: line.replace(/^\s*[-*] /, "") }))));
  return h("p", null, lines.map((line, index) => h(React.Fragment, { key: index }, index ? h("br") : null, h(Inline, { text: line }))));
}

function Table({ lines }) {
  const [head, , ...rows] = lines.map((line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|")));
  return h(
    "div",
    { className: "dp-scroll", tabIndex: 0, role: "region", "aria-label": "Table" },
    h("table", { className: "dp-table" }, h("thead", null, h("tr", null, head.map((cell, index) => h("th", { key: index, scope: "col" }, h(Inline, { text: cell }))))), h("tbody", null, rows.map((row, index) => h("tr", { key: index }, row.map((cell, at) => h("td", { key: at }, h(Inline, { text: cell }))))))),
  );
}

/** Draws bold words and code; all else is text. */
const Inline = ({ text }) =>
  text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part, index) => {
    if (/^\*\*.+\*\*$/s.test(part)) return h("strong", { key: index }, h(Said, null, part.slice(2, -2)));
    if (/^`.+`$/s.test(part)) return h(Said, { key: index, className: "dp-mono" }, part.slice(1, -1));
    return part ? h(Said, { key: index }, part) : null;
  });
