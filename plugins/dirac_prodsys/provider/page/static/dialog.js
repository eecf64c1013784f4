// @ts-check
/**
 * Lets a person act: a preview of what would be touched, the reason and the name where it cannot be
 * undone, then the run that does it, followed to its outcome.
 *
 * Nothing is touched before the person has seen the preview and pressed the button below it.
 */
import { Chakra, React, h } from "./host.js";
import { titled } from "./act.js";
import { ask } from "./api.js";
import { Go, Said } from "./parts.js";
import { bytes, count, plural } from "./words.js";

const { useEffect, useRef, useState } = React;
const { Button, Dialog, Input, Portal, Textarea } = Chakra;

/** Time between two looks at the run, in ms. */
const EACH = 1000;
const ANSWERS = { act: "● touched", leave: "○ left as it is", refuse: "✕ refused", done: "✓ done", left: "○ left as it was", refused: "✕ refused", failed: "✕ failed" };

/** Draws the dialog of an action, from its form to its outcome. */
export function Act({ dagId, run, step, offer, onClose }) {
  const [values, setValues] = useState({});
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [phase, setPhase] = useState("asking");
  const [seen, setSeen] = useState(null);
  // the run that acts previews anew, and for a while it has none
  const [shown, setShown] = useState(null);
  const [problem, setProblem] = useState(null);
  const alive = useRef(true);
  const heading = useRef(null);

  const body = () => ({ action: offer.action, run, steps: step ? [step] : [], ...values });
  const path = `/api/dags/${encodeURIComponent(dagId)}/actions`;

  const begin = async (next, then, to, sent) => {
    setPhase(next);
    setProblem(null);
    try {
      const started = await ask(to, { method: "POST", body: sent });
      const found = await follow(started, setSeen, alive);
      if (!alive.current) return;
      setSeen(found);
      if (found.preview) setShown(found.preview);
      if (found.problem && !(then === "done" ? found.outcome : found.preview)) throw new Error(found.problem);
      setPhase(then);
    } catch (error) {
      if (!alive.current) return;
      setProblem(error);
      setPhase(then === "done" ? "seen" : "asking");
    }
  };
  const preview = () => begin("looking", "seen", `${path}/preview`, body());
  const act = () => begin("acting", "done", path, { ...body(), reason, digest: shown.digest, confirm: typed });

  useEffect(() => {
    alive.current = true;
    if (!offer.takes.length) preview();
    return () => {
      alive.current = false;
    };
  }, []);
  useEffect(() => heading.current?.focus(), [phase]);

  const what = step ? `step ${step}, run ${run}` : `all steps of run ${run}`;
  const ready = shown?.touches > 0 && (!shown.needs_reason || reason.trim()) && (!shown.type_to_confirm || typed === shown.type_to_confirm);
  const busy = phase === "looking" || phase === "acting";
  return h(
    Dialog.Root,
    { open: true, onOpenChange: ({ open }) => open || onClose(), size: "lg", scrollBehavior: "inside", initialFocusEl: () => heading.current },
    h(
      Portal,
      null,
      h(Dialog.Backdrop, null),
      h(
        Dialog.Positioner,
        { className: "dp-dialog" },
        h(
          Dialog.Content,
          null,
          h(Dialog.Header, null, h(Dialog.Title, { ref: heading, tabIndex: -1 }, `${titled(offer)}: `, h(Said, null, what))),
          h(
            Dialog.Body,
            { className: "dp-root dp-act" },
            h("p", null, h(Said, null, offer.does), offer.risky ? h("strong", null, " It cannot be undone.") : null),
            phase === "asking" ? h(Numbers, { offer, values, setValues }) : null,
            busy ? h("p", { role: "status", className: "dp-busy" }, phase === "looking" ? "Looking what would be touched… nothing is touched yet." : "Doing it…", seen?.state ? ` (run of production_operations: ${seen.state})` : null) : null,
            problem ? h("p", { role: "alert", className: "dp-bad" }, "✕ ", h(Said, null, problem.message), problem.hint ? h(React.Fragment, null, " → ", h(Said, null, problem.hint)) : null) : null,
            phase === "seen" || phase === "acting" ? h(Preview, { view: shown }) : null,
            phase === "seen" && shown.touches ? h(Confirm, { view: shown, reason, setReason, typed, setTyped }) : null,
            phase === "done" && seen.outcome ? h(Outcome, { seen }) : null,
            seen?.page ? h("p", { className: "dp-muted" }, h(Go, { to: seen.page }, "The run in Airflow"), ", which is the record of it.") : null,
          ),
          h(
            Dialog.Footer,
            null,
            h(Button, { variant: "outline", onClick: onClose }, phase === "done" ? "Close" : phase === "acting" ? "Close; it goes on" : "Do nothing"),
            phase === "asking" ? h(Button, { onClick: preview, disabled: !given(offer, values) }, problem ? "Preview again" : "Preview") : null,
            phase === "seen" && shown.touches ? h(Button, { colorPalette: offer.risky ? "red" : "brand", disabled: !ready, onClick: act }, `${titled(offer)} ${plural(shown.touches, "transformation")}`) : null,
          ),
        ),
      ),
    ),
  );
}

/** Waits for the end of a run; an outage in between is no end. */
async function follow(started, onSeen, alive) {
  for (let failures = 0; alive.current; ) {
    try {
      const found = await ask(started.follow);
      failures = 0;
      if (found.over) return found;
      if (alive.current) onSeen(found);
    } catch (error) {
      failures += 1;
      if (error.status >= 400 && error.status < 500 && error.status !== 404) throw error;
      if (failures > 120) throw error;
    }
    await new Promise((done) => setTimeout(done, EACH));
  }
  return {};
}

const given = (offer, values) => !offer.takes.length || offer.takes.filter((one) => values[one.name] > 0).length === 1;

/** Asks for the one number that an action takes. */
function Numbers({ offer, values, setValues }) {
  if (!offer.takes.length) return null;
  return h(
    "div",
    { className: "dp-numbers" },
    offer.takes.length > 1 ? h("p", null, "Give one of these:") : null,
    offer.takes.map((one) => {
      const id = `dp-value-${one.name}`;
      return h("div", { key: one.name }, h("label", { htmlFor: id, className: "dp-label" }, one.about), h(Input, { id, type: "number", size: "sm", min: one.integer ? 1 : 0, max: one.most, step: one.integer ? 1 : "any", value: values[one.name] ?? "", onChange: (event) => setValues(event.target.value === "" ? without(values, one.name) : { ...values, [one.name]: Number(event.target.value) }) }));
    }),
  );
}

const without = (values, name) => Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));

function Preview({ view }) {
  const size = view.bytes == null ? "" : `, ${bytes(view.bytes)}`;
  return h(
    "div",
    null,
    h("p", { className: "dp-strong" }, view.touches ? `It would touch ${plural(view.touches, "transformation")} (${plural(view.files, "file")}${size}).` : "It would touch nothing: there is nothing to do."),
    h(Rows, { rows: view.rows, columns: [["Step", (row) => h(Said, null, row.step || row.name)], ["State", (row) => h(Said, null, row.status)], ["What happens", (row) => h(React.Fragment, null, ANSWERS[row.answer], row.why ? h(React.Fragment, null, ": ", h(Said, null, row.why)) : null)], ["Tasks", (row) => count(row.tasks)], ["Files", (row) => `${count(row.files)}${row.bytes == null ? "" : `, ${row.size_words}`}`]] }),
    view.left_out.length ? h("p", { className: "dp-muted" }, `Not ours, left out: ${view.left_out.slice(0, 20).join(", ")}`) : null,
    view.after ? h("p", null, h("strong", null, "After it: "), h(Said, null, view.after)) : null,
  );
}

function Confirm({ view, reason, setReason, typed, setTyped }) {
  return h(
    "div",
    { className: "dp-confirm" },
    h("label", { htmlFor: "dp-reason", className: "dp-label" }, view.needs_reason ? "Why? It is recorded (needed)" : "Why? It is recorded (may stay empty)"),
    h(Textarea, { id: "dp-reason", rows: 2, maxLength: 500, required: view.needs_reason, value: reason, onChange: (event) => setReason(event.target.value) }),
    view.type_to_confirm
      ? h(React.Fragment, null, h("label", { htmlFor: "dp-typed", className: "dp-label" }, "This cannot be undone. Type ", h("strong", { className: "dp-mono" }, h(Said, null, view.type_to_confirm)), " to confirm"), h(Input, { id: "dp-typed", size: "sm", autoComplete: "off", spellCheck: false, value: typed, onChange: (event) => setTyped(event.target.value) }))
      : null,
  );
}

function Outcome({ seen }) {
  const { outcome } = seen;
  return h(
    "div",
    { role: "status" },
    h("p", { className: outcome.good ? "dp-good dp-strong" : "dp-bad dp-strong" }, outcome.good ? "✓ " : "✕ ", h(Said, null, outcome.summary)),
    h(Rows, { rows: outcome.rows, columns: [["Step", (row) => h(Said, null, row.step || row.name)], ["Was", (row) => h(Said, null, row.was)], ["Result", (row) => h(React.Fragment, null, ANSWERS[row.result], row.why ? h(React.Fragment, null, ": ", h(Said, null, row.why)) : null)]] }),
  );
}

const Rows = ({ rows, columns }) =>
  h(
    "div",
    { className: "dp-scroll", tabIndex: 0, role: "region", "aria-label": "Transformations" },
    h("table", { className: "dp-table" }, h("thead", null, h("tr", null, columns.map(([title]) => h("th", { key: title, scope: "col" }, title)))), h("tbody", null, rows.map((row) => h("tr", { key: row.id }, columns.map(([title, draw]) => h("td", { key: title }, draw(row))))))),
  );
