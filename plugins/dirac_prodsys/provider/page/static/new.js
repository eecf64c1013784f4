// @ts-check
/**
 * Lets somebody write a production: from a template or a text of their own, with what is wrong, the
 * graph and the plan beside it. The text stays in this tab of the browser, and is sent to be checked.
 */
import { Chakra, React, h } from "./host.js";
import { ask } from "./api.js";
import { Editor } from "./editor.js";
import { Graph } from "./graph.js";
import { Choose, Empty, Go, Part, Said } from "./parts.js";
import { count, plural } from "./words.js";

const { useEffect, useMemo, useRef, useState } = React;
const KEPT = "dirac-prodsys-new";
/** Time without a change after which a text is checked, and before a busy server is asked again, in ms. */
const PAUSE = 700;
const AGAIN = 2000;
const SIGN = { error: "✕", warning: "▲", note: "·" };

function styles() {
  if (document.getElementById("dirac-prodsys-new-styles")) return;
  document.head.append(Object.assign(document.createElement("link"), { id: "dirac-prodsys-new-styles", rel: "stylesheet", href: new URL("new.css", import.meta.url).href }));
}

const remembered = () => {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
};

export function New() {
  const [start, setStart] = useState(null);
  const [problem, setProblem] = useState(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    styles();
    const away = new AbortController();
    setProblem(null);
    ask("/api/new", { signal: away.signal }).then(setStart, (error) => away.signal.aborted || setProblem(error));
    return () => away.abort();
  }, [turn]);
  return h(
    "main",
    { className: "dp-page dp-new" },
    h("h1", { className: "dp-h1" }, "New production"),
    start ? h(Desk, { start }) : problem ? h(Trouble, { problem, again: () => setTurn(turn + 1) }) : h("p", { className: "dp-muted", role: "status" }, "Loading…"),
  );
}

const Trouble = ({ problem, again }) => h("div", { className: "dp-trouble", role: "alert" }, h("p", null, h(Said, null, problem.message), problem.hint ? ". " : "", h(Said, null, problem.hint)), again ? h("button", { type: "button", className: "dp-link", onClick: again }, "Try again") : null);

/** Checks a text whenever it rests; returns what was found last, and whether that is of this text. */
function useCheck(text, most) {
  const [found, setFound] = useState({ of: "", answer: null, problem: null });
  useEffect(() => {
    if (!text.trim() || text.length > most) return undefined;
    const away = new AbortController();
    let timer = 0;
    const check = async () => {
      try {
        const answer = await ask("/api/new/check", { method: "POST", body: { text }, signal: away.signal });
        setFound({ of: text, answer, problem: null });
      } catch (error) {
        if (away.signal.aborted) return;
        if (error.status === 429) timer = setTimeout(check, AGAIN);
        else setFound((one) => ({ ...one, of: text, problem: error }));
      }
    };
    timer = setTimeout(check, PAUSE);
    return () => {
      away.abort();
      clearTimeout(timer);
    };
  }, [text, most]);
  return { answer: text.trim() ? found.answer : null, problem: found.problem, busy: Boolean(text.trim()) && found.of !== text };
}

function Desk({ start }) {
  const [text, setText] = useState(remembered);
  const [goTo, setGoTo] = useState(null);
  const [step, setStep] = useState("");
  const { answer, problem, busy } = useCheck(text, start.most);
  const findings = answer?.findings ?? [];
  const steps = useMemo(() => [...new Set((answer?.nodes ?? []).map((node) => node.written))], [answer]);
  const write = (value) => {
    setText(value);
    try {
      sessionStorage.setItem(KEPT, value);
    } catch {
      // it is lost when the page is left, and nothing else
    }
  };
  return h(
    React.Fragment,
    null,
    h(Begin, { templates: start.templates, empty: !text.trim(), onText: write }),
    h(
      "div",
      { className: "dp-desk" },
      h(Editor, { text, onText: write, findings, keys: start.keys, steps, goTo }),
      h(
        "div",
        { className: "dp-left dp-beside" },
        text.length > start.most ? h("p", { className: "dp-bad", role: "alert" }, `The text has ${count(text.length)} characters; ${count(start.most)} are checked at most.`) : null,
        problem ? h(Trouble, { problem }) : null,
        h(Found, { answer, busy, onPlace: (line, column) => setGoTo({ line, column }) }),
        answer?.nodes.length ? h(Part, { title: "Graph" }, h(Graph, { nodes: answer.nodes, edges: answer.edges, step, onStep: setStep })) : null,
        answer?.steps.length ? h(Plan, { steps: answer.steps, step, onStep: setStep }) : null,
      ),
      h(Out, { text, answer, busy, handIn: start.hand_in }),
    ),
  );
}

/** Offers texts to begin with; a text that is there is replaced when that is asked for twice. */
function Begin({ templates, empty, onText }) {
  const [chosen, setChosen] = useState(templates[0].name);
  const [name, setName] = useState("my_production");
  const [vo, setVo] = useState("");
  const [sure, setSure] = useState(false);
  const id = React.useId();
  const begin = (event) => {
    event.preventDefault();
    if (!empty && !sure) return setSure(true);
    setSure(false);
    const { text } = templates.find((one) => one.name === chosen);
    onText(text.replaceAll("@NAME@", name.trim() || "my_production").replaceAll("@VO@", vo.trim() || "sim"));
  };
  const input = (key, label, value, set, placeholder) => h("span", { className: "dp-field" }, h("label", { htmlFor: `${id}-${key}`, className: "dp-label" }, label), h(Chakra.Input, { id: `${id}-${key}`, size: "sm", value, placeholder, onChange: (event) => set(event.target.value) }));
  return h(
    "form",
    { className: "dp-filters", onSubmit: begin },
    h(Choose, { label: "Begin with", value: chosen, onChange: setChosen, options: templates.map((one) => [one.name, `${one.name}: ${one.about}`]) }),
    input("name", "Name", name, setName),
    input("vo", "VO", vo, setVo, "sim"),
    h(Chakra.Button, { type: "submit", size: "sm", variant: empty ? "solid" : "outline" }, empty ? "Begin with this" : sure ? "Yes, replace the text" : "Replace the text…"),
    sure ? h(Chakra.Button, { size: "sm", variant: "outline", onClick: () => setSure(false) }, "Keep it") : h("span", { className: "dp-muted" }, "or paste a text below"),
  );
}

/** Lists what was found, the worst first; each leads to its place. */
function Found({ answer, busy, onPlace }) {
  const [notes, setNotes] = useState(false);
  const all = answer?.findings ?? [];
  const few = all.filter((one) => one.severity !== "note");
  const shown = notes ? all : few;
  const title = h("span", { className: busy ? "dp-muted dp-busy" : answer?.broken ? "dp-bad dp-strong" : "dp-good dp-strong", role: "status" }, busy ? "checking…" : answer ? `${answer.broken ? "✕" : "✓"} ${answer.words}` : "");
  return h(
    Part,
    { title: "What is found", aside: title },
    answer ? null : h(Empty, { title: "Nothing is written yet." }, "Begin with a template, or paste a text: it is checked as you write."),
    shown.length
      ? h(
          "ul",
          { className: "dp-found" },
          shown.map((one, index) =>
            h(
              "li",
              { key: index, className: `dp-is-${one.severity}` },
              h("button", { type: "button", className: "dp-link", onClick: () => onPlace(one.line, one.column) }, h("span", { "aria-hidden": true }, `${SIGN[one.severity]} `), `line ${one.line}`),
              h("span", { className: "dp-hidden" }, one.severity),
              h("div", null, h(Said, null, one.message), one.hint ? h("p", { className: "dp-muted" }, "→ ", h(Said, null, one.hint)) : null),
            ),
          ),
        )
      : null,
    all.length > few.length ? h("button", { type: "button", className: "dp-link", "aria-expanded": notes, onClick: () => setNotes(!notes) }, notes ? "Hide the notes" : `Show ${plural(all.length - few.length, "note")}`) : null,
  );
}

/** Shows what each step would send to DIRAC. */
const Plan = ({ steps, step, onStep }) =>
  h(
    Part,
    { title: "Plan" },
    h("p", { className: "dp-muted" }, "What a run would send to DIRAC; nothing is sent here."),
    steps.map((one) =>
      h(
        "details",
        { key: one.step, className: "dp-planned", open: one.step === step || (!step && steps.length <= 3) },
        h("summary", { onClick: (event) => { event.preventDefault(); onStep(one.step === step ? "" : one.step); } }, h(Said, { className: "dp-strong" }, one.step), h("span", { className: "dp-muted" }, ` ${one.type}`)),
        h("dl", { className: "dp-rows" }, one.rows.map((row, index) => h(React.Fragment, { key: index }, h("dt", null, row.label), h("dd", null, h(Said, null, row.words))))),
      ),
    ),
  );

/** Brings the text out: as a file of the browser, or into the folder of productions. */
function Out({ text, answer, busy, handIn }) {
  const [name, setName] = useState(null);
  const [state, setState] = useState({ busy: false, problem: null, done: null });
  const id = React.useId();
  const own = name ?? answer?.name ?? "";
  const download = () => {
    const address = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
    Object.assign(document.createElement("a"), { href: address, download: `${own || "production"}.yaml` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };
  const give = async (event) => {
    event.preventDefault();
    setState({ busy: true, problem: null, done: null });
    try {
      setState({ busy: false, problem: null, done: await ask("/api/new/files", { method: "POST", body: { name: own, text } }) });
    } catch (problem) {
      setState({ busy: false, problem, done: null });
    }
  };
  const ready = Boolean(answer) && !busy && !answer.broken;
  return h(
    Part,
    { title: "Take it" },
    h("div", { className: "dp-row" }, h(Chakra.Button, { size: "sm", variant: "outline", disabled: !text.trim(), onClick: download }, "Download"), handIn.allowed ? null : h("span", { className: "dp-muted" }, h(Said, null, handIn.why_not))),
    handIn.allowed
      ? h(
          "form",
          { className: "dp-filters", onSubmit: give },
          h("span", { className: "dp-field" }, h("label", { htmlFor: id, className: "dp-label" }, "Name of the file, without .yaml"), h(Chakra.Input, { id, size: "sm", value: own, maxLength: 120, onChange: (event) => setName(event.target.value) })),
          h(Chakra.Button, { type: "submit", size: "sm", loading: state.busy, disabled: !ready || !own }, "Hand it to the folder"),
          h("span", { className: "dp-muted" }, ready ? "A new file; no run begins by it." : "First without mistakes."),
        )
      : null,
    state.problem ? h(Trouble, { problem: state.problem }) : null,
    state.done ? h("p", { role: "status", className: "dp-good" }, "✓ ", h(Said, null, state.done.file), " is in the folder. ", h(Said, null, state.done.words), " ", h(Go, { to: `/dags/${encodeURIComponent(answer?.name ?? "")}` }, "The Dag")) : null,
  );
}
