// @ts-check
/** Lists the files of productions that cannot be read, each with the line, the mistake and the way out. */
import { h } from "./host.js";
import { useAnswer } from "./api.js";
import { Answered } from "./freshness.js";
import { At, Empty, Long, Said } from "./parts.js";
import { plural } from "./words.js";

export function Errors() {
  const answer = useAnswer("/api/errors");
  return h(
    "main",
    { className: "dp-page" },
    h("h1", { className: "dp-h1" }, "Errors in files"),
    h(Answered, { answer, what: "the errors" }, ({ errors, empty }) =>
      errors.length
        ? h("div", null, h("p", { className: "dp-count" }, h("strong", { className: "dp-need" }, `✕ ${plural(errors.length, "mistake")}`)), errors.map((error, index) => h(Mistake, { key: index, error })))
        : h(Empty, { title: `✓ ${empty || "No file has an error."}` }, "A file that is put into the folder of productions is checked within seconds."),
    ),
  );
}

function Mistake({ error }) {
  const place = [error.file, error.line, error.column].filter((one) => one != null && one !== "").join(":");
  return h(
    "article",
    { className: "dp-mistake", "aria-label": place },
    h("h2", { className: "dp-h3 dp-mono dp-break" }, h(Said, null, place)),
    h("p", { className: "dp-strong" }, h(Long, { text: error.message || error.text })),
    error.source ? h("pre", { className: "dp-code", tabIndex: 0, "aria-label": `Line ${error.line ?? ""} of the file` }, `${error.source}\n`, h("span", { className: "dp-bad", "aria-hidden": true }, error.caret)) : null,
    error.hint ? h("p", { className: "dp-advice" }, "→ ", h(Said, null, error.hint)) : null,
    h("p", { className: "dp-muted" }, "bundle ", h(Said, null, error.bundle || "unknown"), ", since ", h(At, { stamp: error.since }), error.served ? ". The last good version is still served: runs begin with that one." : ". No version of it is served."),
  );
}
