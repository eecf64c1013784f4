// @ts-check
/**
 * Draws the graph of a run: each step with its state and a ring of its progress, each link with the
 * metadata by which files are found. Branches of a large matrix are drawn as one.
 */
import { React, h } from "./host.js";
import { NODE, layout } from "./layout.js";
import { Ring, sign } from "./parts.js";
import { plural } from "./words.js";

const { useEffect, useMemo, useRef, useState } = React;

/** Most steps that are drawn one by one. */
const MOST = 40;

export function Graph({ nodes, edges, step, onStep }) {
  const box = useRef(null);
  const [room, setRoom] = useState(1000);
  useEffect(() => {
    const watch = new ResizeObserver(([one]) => setRoom(one.contentRect.width));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const shown = useMemo(() => (nodes.length > MOST ? together(nodes, edges) : { nodes, edges }), [nodes, edges]);
  const [across, down] = useMemo(() => [false, true].map((way) => ({ ...layout(shown.nodes, shown.edges, way), down: way })), [shown]);
  const pad = 8;
  const placed = across.width + 2 * pad <= room || across.width <= down.width ? across : down;
  // a little smaller rather than cut off
  const scale = Math.max(0.78, Math.min(1, room / (placed.width + 2 * pad)));
  const chosen = nodes.find((one) => one.step === step);
  const left = placed.at.get(step)?.x;
  useEffect(() => {
    // on a narrow screen the graph is wider than its room
    if (left !== undefined) box.current.scrollLeft = scale * (left + NODE.width + pad) - room;
  }, [left, room]);
  return h(
    "div",
    { ref: box, className: "dp-graph", tabIndex: 0, role: "region", "aria-label": "Graph of the steps" },
    h(
      "svg",
      { width: scale * (placed.width + 2 * pad), height: scale * (placed.height + 2 * pad), viewBox: `${-pad} ${-pad} ${placed.width + 2 * pad} ${placed.height + 2 * pad}`, role: "group", "aria-label": `${plural(nodes.length, "step")}: choose one to see why it is as it is` },
      h("defs", null, h("marker", { id: "dp-arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 10, markerHeight: 10, markerUnits: "userSpaceOnUse", orient: "auto" }, h("path", { d: "M0,0 L8,4 L0,8 z", className: "dp-arrow" }))),
      placed.lines.map((line) => h(Line, { key: `${line.parent}\n${line.child}`, line, down: placed.down })),
      shown.nodes.map((node) => h(Node, { key: node.step, node, at: placed.at.get(node.step), chosen: node.step === step || (node.steps ?? []).includes(chosen?.step), onStep })),
    ),
  );
}

function Line({ line, down }) {
  const says = [line.kind === "order" ? "waits for it, and takes none of its files" : line.conditions.join(", "), line.kind === "files" && (line.streaming ? "takes files as they come" : "takes files when all are there")].filter(Boolean).join("; ");
  return h(
    "g",
    { role: "img", "aria-label": `${line.child} takes from ${line.parent}: ${says}` },
    h("title", null, says),
    h("path", { d: line.path, className: line.kind === "order" ? "dp-line dp-line-order" : line.streaming ? "dp-line" : "dp-line dp-line-whole", markerEnd: "url(#dp-arrow)" }),
    line.label ? h("text", { x: line.x + (down ? 8 : 0), y: line.y + (down ? 3 : -6), textAnchor: down ? "start" : "middle", className: "dp-line-text" }, cut(line.label, down ? 26 : 16)) : null,
  );
}

function Node({ node, at, chosen, onStep }) {
  const { width, height } = NODE;
  const choose = () => onStep(node.first ?? node.step);
  const words = node.bar.total ? node.bar.words : node.type;
  return h(
    "g",
    {
      transform: `translate(${at.x} ${at.y})`,
      className: chosen ? "dp-node dp-chosen" : "dp-node",
      role: "button",
      tabIndex: 0,
      "aria-pressed": chosen,
      "aria-label": `${node.step}, ${node.type}: ${node.state.label}. ${node.state.words}`,
      onClick: choose,
      onKeyDown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose();
      },
    },
    h("title", null, `${node.step}: ${node.state.words}`),
    h("rect", { width, height, rx: 8, className: "dp-node-box" }),
    h("rect", { width: 5, height: height - 12, x: 4, y: 6, rx: 2.5, className: `dp-paint dp-${node.state.colour}` }),
    h(Ring, { x: 36, y: height / 2, r: 19, share: node.fraction, colour: node.state.colour }),
    h("text", { x: 64, y: 22, className: "dp-node-name" }, cut(node.step, 19)),
    h("text", { x: 64, y: 41, className: `dp-node-state dp-ink dp-${node.state.colour}` }, cut(`${sign(node.state.kind)} ${node.state.label}`, 21)),
    h("text", { x: 64, y: 59, className: "dp-node-words" }, cut(node.count ? `${node.count} branches` : short(words), 23)),
  );
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** Takes the numbers of a bar's words only: `9 of 14 files`. */
const short = (words) => words.split(" processed")[0];

/** Draws branches of one written step as one: the worst state, the mean progress. */
function together(nodes, edges) {
  const groups = new Map();
  for (const node of nodes) groups.set(node.written, [...(groups.get(node.written) ?? []), node]);
  const written = new Map(nodes.map((node) => [node.step, node.written]));
  const one = [...groups].map(([name, all]) => {
    const worst = all.find((node) => node.state.needs_person) ?? all.find((node) => node.fraction < 1) ?? all[0];
    if (all.length === 1) return all[0];
    return { ...worst, step: name, first: worst.step, steps: all.map((node) => node.step), count: all.length, fraction: all.reduce((sum, node) => sum + node.fraction, 0) / all.length, level: Math.min(...all.map((node) => node.level)) };
  });
  const links = new Map();
  for (const edge of edges) {
    const [parent, child] = [written.get(edge.parent), written.get(edge.child)];
    const [from, to] = [groups.get(parent)?.length > 1 ? parent : edge.parent, groups.get(child)?.length > 1 ? child : edge.child];
    if (from !== to) links.set(`${from}\n${to}`, { ...edge, parent: from, child: to });
  }
  return { nodes: one, edges: [...links.values()] };
}
