// @ts-check
/** Shows what people wrote about a run, a step or a dataset, and lets them write. */
import { Chakra, React, h } from "./host.js";
import { ask } from "./api.js";
import { At, Long, Said } from "./parts.js";

const { useState } = React;
const MOST = 10000;

/** Draws the comment and a field to change it. `about` is what the server takes: empty means the run. */
export function Comment({ dagId, run, about, comment, may, whyNot = "", onWritten, what = "this run", brief = false }) {
  const [text, setText] = useState(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(null);
  const id = React.useId();
  const write = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await ask(`/api/dags/${encodeURIComponent(dagId)}/comments`, { method: "POST", body: { about, run, text } });
      setText(null);
      onWritten();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  if (text === null) {
    return h(
      "div",
      { className: "dp-comment" },
      comment?.text ? h("p", null, h(Long, { text: comment.text }), h("span", { className: "dp-muted" }, " by ", h(Said, null, comment.by), ", ", h(At, { stamp: comment.at }))) : brief ? null : h("p", { className: "dp-muted" }, `Nobody has written about ${what}.`),
      may ? h(Chakra.Button, { size: "xs", variant: "outline", onClick: () => setText(comment?.text ?? "") }, comment?.text ? "Change the comment" : "Write a comment") : whyNot ? h("p", { className: "dp-muted" }, h(Said, null, whyNot)) : null,
    );
  }
  return h(
    "form",
    { className: "dp-comment", onSubmit: write },
    h("label", { htmlFor: id, className: "dp-label" }, `Comment on ${what}; empty withdraws it`),
    h(Chakra.Textarea, { id, value: text, rows: 3, maxLength: MOST, autoFocus: true, onChange: (event) => setText(event.target.value) }),
    problem ? h("p", { role: "alert", className: "dp-bad" }, h(Said, null, problem.message), " ", problem.hint) : null,
    h("div", { className: "dp-row" }, h(Chakra.Button, { type: "submit", size: "xs", loading: busy }, "Save"), h(Chakra.Button, { size: "xs", variant: "outline", onClick: () => setText(null) }, "Leave it as it is")),
  );
}
