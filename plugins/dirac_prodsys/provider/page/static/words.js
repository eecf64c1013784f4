// @ts-check
/** Writes numbers, sizes, spans and moments for people: each with its unit, moments in UTC. */

const DAY = 86400;

/** Writes a number with thousands apart: `12,000`. */
export const count = (number) => (number == null ? "unknown" : Math.round(number).toLocaleString("en-GB"));

/** Writes `1 file`, `12 files`. */
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

/** Writes a share as a percentage that says 100 % only of what is whole, and 0 % only of nothing. */
export function percent(share) {
  const whole = Math.round((share ?? 0) * 100);
  if (share > 0 && whole === 0) return "< 1 %";
  return `${share < 1 ? Math.min(whole, 99) : whole} %`;
}

/** Writes a size: powers of 1000, as storage is counted. */
export function bytes(size) {
  if (size == null) return "size unknown";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let power = 0;
  while (size >= 1000 && power < units.length - 1) [size, power] = [size / 1000, power + 1];
  return `${power ? size.toFixed(1) : size} ${units[power]}`;
}

/** Writes a span: `12 s`, `4 min`, `3 h 20 min`, `2 d 4 h`. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(whole / 3600);
  if (hours < 48) return [`${hours} h`, minutes % 60 && hours < 10 ? `${minutes % 60} min` : ""].join(" ").trim();
  return [`${Math.floor(whole / DAY)} d`, hours % 24 && whole < 10 * DAY ? `${hours % 24} h` : ""].join(" ").trim();
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const two = (number) => String(number).padStart(2, "0");

/** Writes a moment: `14:20 UTC`; with its date if that is not today's. */
export function moment(stamp, now = Date.now()) {
  if (!stamp) return "unknown";
  const at = new Date(stamp);
  if (Number.isNaN(at.getTime())) return String(stamp);
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())} UTC`;
  const today = new Date(now);
  if (today.toISOString().slice(0, 10) === at.toISOString().slice(0, 10)) return time;
  const year = today.getUTCFullYear() === at.getUTCFullYear() ? "" : ` ${at.getUTCFullYear()}`;
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}${year} ${time}`;
}

/** Writes how long ago a moment is: `4 min ago`. */
export const ago = (stamp, now = Date.now()) => (stamp ? `${span((now - Date.parse(stamp)) / 1000)} ago` : "unknown");
