// @ts-check
/** Finds what may be written at a place of a YAML text: keys of the schema, or values of a key. Pure. */

const KEY = /^(\s*)((?:- +)*)(["']?)([\w.-]+)\3\s*:/;
const NAMES = ["from", "after"];

/** Returns the mappings around a line, outermost first: key, and whether what is below it stands in an entry of a list. */
function around(lines, number, indent, inList) {
  const found = [];
  let least = indent;
  let listed = inList;
  for (let at = number - 1; at >= 0 && least > 0; at--) {
    const line = lines[at];
    if (!line.trim() || line.trimStart().startsWith("#")) continue;
    const match = KEY.exec(line);
    if (!match) continue;
    const own = match[1].length + match[2].length;
    if (own >= least) {
      if (match[2] && own === least && match[1].length < least) listed = true;
      continue;
    }
    found.unshift({ key: match[4], listed });
    listed = match[2] !== "";
    // the entries of a list may stand below their key, or as far to the left
    least = listed ? match[1].length + 1 : own;
    if (own === 0) break;
  }
  return found;
}

/**
 * Returns what may stand at a place: which keys or values, what is written of it, and where it is.
 *
 * @param {string} text
 * @param {number} cursor
 * @param {Record<string, {key: string, about: string, needed: boolean, words: string[], below: string, entries: string}[]>} keys
 * @param {string[]} steps names of the steps, which some keys take
 */
export function offered(text, cursor, keys, steps = []) {
  const before = text.slice(0, cursor);
  const lines = before.split("\n");
  const number = lines.length - 1;
  let line = lines[number];
  const nothing = { where: [], part: "", options: [], value: false };
  if (/(^|\s)#/.test(line)) return nothing;
  const head = /^(\s*)((?:- +)*)/.exec(line);
  const inList = head[2] !== "" || /^\s*-\s*$/.test(line);
  const path = around(lines, number, head[1].length + head[2].length, inList);
  const flow = /^(\s*(?:- +)*)([\w.-]+)\s*:\s*\{([^{}]*)$/.exec(line);
  if (flow) {
    path.push({ key: flow[2], listed: false });
    line = flow[3].slice(flow[3].lastIndexOf(",") + 1);
  } else line = line.slice(head[0].length);
  const where = path.map((one) => one.key);
  let model = "File";
  let entries = "";
  let listed = false;
  for (const one of path) {
    const named = entries && !listed;
    if (entries) [model, entries] = [entries, ""];
    listed = one.listed;
    if (named) continue;
    const row = (keys[model] ?? []).find((each) => each.key === one.key);
    [model, entries] = row ? [row.below, row.entries] : ["", ""];
  }
  if (entries && !model) {
    if (!listed) return { ...nothing, where };
    model = entries;
  }
  const value = /^\s*([\w.-]+)\s*:\s*(\[?[\w:. -]*)$/.exec(line);
  if (value) {
    const part = value[2].replace(/^\[/, "").trimStart();
    const row = (keys[model] ?? []).find((one) => one.key === value[1]);
    const words = NAMES.includes(value[1]) ? steps : (row?.words ?? []);
    const options = words.filter((word) => word.startsWith(part) && word !== part).map((word) => ({ key: word, about: "", needed: false }));
    return { where: [...where, value[1]], part, options, value: true };
  }
  if (!/^\s*[\w.-]*$/.test(line)) return { ...nothing, where };
  const part = line.trimStart();
  const options = (keys[model] ?? []).filter((one) => one.key.startsWith(part) && one.key !== part);
  return { where, part, options, value: false };
}

/** Returns the text with an option in place of what is written of it, and where the cursor is then. */
export function inserted(text, cursor, found, option) {
  const begin = text.slice(0, cursor - found.part.length);
  const gap = found.value && /:$/.test(begin) ? " " : "";
  const word = `${gap}${option.key}${found.value ? "" : ": "}`;
  return { text: begin + word + text.slice(cursor), cursor: begin.length + word.length };
}
