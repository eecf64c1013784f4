// @ts-check
/**
 * Asks the page's server, and keeps what was answered last: an outage takes nothing off the page.
 *
 * What is shown is asked again as often as the answer says, and never while nobody looks.
 */
import { React, SERVER } from "./host.js";

const { useCallback, useEffect, useState } = React;

/** Path → what the server answered last, and when: kept while Airflow moves between its pages. */
const kept = new Map();
const KEPT = 60;

/** Longest time between two tries while the server does not answer, in ms. */
const PATIENCE = 60000;
const TIMEOUT = 30000;

/** A request that came to nothing: what is wrong, and the way out. */
export class Problem extends Error {
  constructor(message, { status = 0, hint = "" } = {}) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

/** Asks a path of the page's server, or an address; returns its JSON. */
export async function ask(path, { method = "GET", body, signal } = {}) {
  const address = path.startsWith("/") ? new URL(path.slice(1), SERVER) : path;
  const headers = { Accept: "application/json", "X-Requested-With": "dirac-prodsys" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const end = AbortSignal.timeout(TIMEOUT);
  let answer;
  try {
    answer = await fetch(address, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal: signal ? AbortSignal.any([signal, end]) : end,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(end.aborted ? `Airflow's API server has not answered for ${TIMEOUT / 1000} s` : "Airflow's API server does not answer");
  }
  const found = await answer.json().catch(() => null);
  if (answer.ok && found !== null) return found;
  throw refusal(answer.status, found);
}

function refusal(status, found) {
  const detail = found?.detail;
  const said = typeof detail === "string" ? detail : Array.isArray(detail) ? detail.map((one) => `${(one.loc ?? []).slice(1).join(".")}: ${one.msg}`).join("; ") : "";
  const hint = typeof found?.hint === "string" ? found.hint : "";
  if (status === 401) return new Problem("Your login has ended", { status, hint: "Load the page again to log in." });
  if (status === 403) return new Problem(said || "You may not see this", { status, hint: hint || "Ask whoever administers this Airflow for the right." });
  if (status >= 500) return new Problem(said || `Airflow's API server answers with an error (${status})`, { status, hint });
  return new Problem(said || `Airflow's API server answers ${status}`, { status, hint });
}

/** Returns what the server answers to a path, asked again and again; null: there is nothing to ask. */
export function useAnswer(path) {
  const [, draw] = useState(0);
  const [now, setNow] = useState({ path, problem: null, next: 0, busy: true });
  const [turn, setTurn] = useState(0);
  const refresh = useCallback(() => setTurn((one) => one + 1), []);

  useEffect(() => {
    if (!path) return undefined;
    const away = new AbortController();
    let timer = 0;
    let failed = 0;
    let due = 0;
    const look = async () => {
      clearTimeout(timer);
      if (away.signal.aborted) return;
      setNow((one) => ({ ...one, path, busy: true }));
      let wait;
      try {
        const data = await ask(path, { signal: away.signal });
        keep(path, data);
        failed = 0;
        wait = 1000 * Math.max(2, data.sources?.refresh ?? 30);
        setNow({ path, problem: null, next: Date.now() + wait, busy: false });
      } catch (error) {
        if (away.signal.aborted) return;
        failed += 1;
        wait = Math.min(PATIENCE, 2000 * 2 ** Math.min(failed, 6));
        setNow({ path, problem: error, next: Date.now() + wait, busy: false });
      }
      due = Date.now() + wait;
      draw((one) => one + 1);
      if (!document.hidden) timer = setTimeout(look, wait);
    };
    const seen = () => {
      clearTimeout(timer);
      if (!document.hidden && due) timer = setTimeout(look, Math.max(0, due - Date.now()));
    };
    document.addEventListener("visibilitychange", seen);
    addEventListener("online", look);
    look();
    return () => {
      away.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      removeEventListener("online", look);
    };
  }, [path, turn]);

  const found = path ? kept.get(path) : undefined;
  const current = now.path === path ? now : { problem: null, next: 0, busy: true };
  return { data: found?.data, received: found?.received, problem: current.problem, next: current.next, busy: current.busy, refresh };
}

function keep(path, data) {
  kept.delete(path);
  kept.set(path, { data, received: Date.now() });
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}

/** Returns the time, again and again while somebody looks. */
export function useNow(every = 1000) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => document.hidden || setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
