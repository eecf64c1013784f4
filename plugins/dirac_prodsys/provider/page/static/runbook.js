// @ts-check
/** Shows what a notice or an alert means, what to look at, and what to do. */
import { React, h } from "./host.js";
import { ask } from "./api.js";
import { Markdown } from "./markdown.js";
import { Empty, Part, Said } from "./parts.js";

const { useEffect, useState } = React;

export function Runbook({ name }) {
  const [found, setFound] = useState({ book: null, problem: null });
  useEffect(() => {
    const away = new AbortController();
    ask(`/api/runbooks/${encodeURIComponent(name)}`, { signal: away.signal }).then(
      (book) => setFound({ book, problem: null }),
      (problem) => away.signal.aborted || setFound({ book: null, problem }),
    );
    return () => away.abort();
  }, [name]);
  const { book, problem } = found;
  if (problem) return h("main", { className: "dp-page" }, h(Empty, { title: problem.message }, problem.hint));
  if (!book) return h("main", { className: "dp-page" }, h("p", { className: "dp-muted", role: "status" }, "Loading…"));
  return h("main", { className: "dp-page" }, h("h1", { className: "dp-h1" }, h(Said, null, book.title)), book.parts.map((part) => h(Part, { key: part.title, title: part.title }, h(Markdown, { text: part.text }))));
}
