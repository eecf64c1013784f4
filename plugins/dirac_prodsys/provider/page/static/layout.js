// @ts-check
/** Places the steps of a graph: a column for each level, in an order that crosses few lines. Pure. */

export const NODE = { width: 208, height: 74 };
const GAP = { along: 104, across: 26 };
const SWEEPS = 4;

/**
 * Returns where nodes and lines are, and how large all of it is.
 *
 * @param {{step: string, level: number}[]} nodes
 * @param {{parent: string, child: string}[]} edges
 * @param {boolean} down whether levels are rows, for narrow screens
 */
export function layout(nodes, edges, down = false) {
  const levels = [];
  for (const node of nodes) (levels[node.level] ??= []).push(node.step);
  const rows = levels.filter(Boolean);
  const known = new Set(nodes.map((node) => node.step));
  const drawn = edges.filter((edge) => known.has(edge.parent) && known.has(edge.child));
  const near = { parent: new Map(), child: new Map() };
  for (const { parent, child } of drawn) {
    near.parent.set(child, [...(near.parent.get(child) ?? []), parent]);
    near.child.set(parent, [...(near.child.get(parent) ?? []), child]);
  }
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const forth = sweep % 2 === 0;
    for (const row of forth ? rows.slice(1) : rows.slice(0, -1).reverse()) order(row, rows, near[forth ? "parent" : "child"]);
  }
  const widest = Math.max(1, ...rows.map((row) => row.length));
  const along = (down ? NODE.height : NODE.width) + (down ? 62 : GAP.along);
  const across = (down ? NODE.width : NODE.height) + GAP.across;
  const at = new Map();
  rows.forEach((row, level) =>
    row.forEach((step, index) => {
      const side = (index + (widest - row.length) / 2) * across;
      at.set(step, down ? { x: side, y: level * along } : { x: level * along, y: side });
    }),
  );
  const lines = drawn.map((edge) => ({ ...edge, ...line(at.get(edge.parent), at.get(edge.child), down) }));
  const long = rows.length * along - (along - (down ? NODE.height : NODE.width));
  const wide = widest * across - GAP.across;
  return { at, lines, width: down ? wide : long, height: down ? long : wide };
}

/** Sorts a row by the mean place of what each of it is linked to. */
function order(row, rows, near) {
  const place = new Map(rows.flatMap((other) => other.map((step, index) => [step, index - other.length / 2])));
  const mean = new Map(
    row.map((step) => {
      const linked = (near.get(step) ?? []).map((other) => place.get(other) ?? 0);
      return [step, linked.length ? linked.reduce((sum, one) => sum + one, 0) / linked.length : place.get(step)];
    }),
  );
  row.sort((one, other) => mean.get(one) - mean.get(other));
}

function line(from, to, down) {
  const { width, height } = NODE;
  const [x1, y1, x2, y2] = down ? [from.x + width / 2, from.y + height, to.x + width / 2, to.y] : [from.x + width, from.y + height / 2, to.x, to.y + height / 2];
  const bend = down ? (y2 - y1) / 2 : (x2 - x1) / 2;
  const path = down ? `M${x1},${y1} C${x1},${y1 + bend} ${x2},${y2 - bend} ${x2},${y2}` : `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
  return { path, x: (x1 + x2) / 2, y: (y1 + y2) / 2 };
}
