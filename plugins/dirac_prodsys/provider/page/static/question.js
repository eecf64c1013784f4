// @ts-check
/** Puts a task's question to a person, and gives the answer to Airflow by its own route. */
import { Chakra, React, h, inAirflow } from "./host.js";
import { ask } from "./api.js";
import { Markdown } from "./markdown.js";
import { At, Said } from "./parts.js";

const { useState } = React;

/** Draws a question; one that does not stand alone shows what it says when asked. */
export function Question({ question, alone, onAnswered }) {
  const [chosen, choose] = useState([]);
  const [values, setValues] = useState({});
  const [busy, setBusy] = useState("");
  const [problem, setProblem] = useState(null);
  const answer = async (options) => {
    setBusy(options.join());
    setProblem(null);
    try {
      await ask(inAirflow(question.answer_with.href), { method: "PATCH", body: { chosen_options: options, params_input: filled(question.params, values) } });
      onAnswered();
    } catch (error) {
      setProblem(error);
    }
    setBusy("");
  };
  const usual = (option) => (question.defaults.includes(option) ? " (if nobody answers)" : "");
  return h(
    "section",
    { className: "dp-question", "aria-label": "A question for a person" },
    h("p", { className: "dp-strong" }, "! ", h(Said, null, question.subject)),
    question.body ? h("details", { open: alone }, h("summary", { className: "dp-link" }, "What it says"), h(Markdown, { text: question.body })) : null,
    h("p", { className: "dp-muted" }, "asked by step ", h(Said, null, question.step), " at ", h(At, { stamp: question.asked_at })),
    question.may_answer
      ? h(
          React.Fragment,
          null,
          Object.entries(question.params).map(([name, param]) => h(Field, { key: name, name, param, value: values[name], onValue: (value) => setValues({ ...values, [name]: value }) })),
          question.multiple
            ? h(
                "div",
                null,
                question.options.map((option) => h("label", { key: option, className: "dp-check" }, h("input", { type: "checkbox", checked: chosen.includes(option), onChange: () => choose(chosen.includes(option) ? chosen.filter((one) => one !== option) : [...chosen, option]) }), " ", h(Said, null, option), usual(option))),
                h(Chakra.Button, { size: "sm", disabled: !chosen.length, loading: Boolean(busy), onClick: () => answer(chosen) }, "Answer"),
              )
            : h("div", { className: "dp-row" }, question.options.map((option) => h(Chakra.Button, { key: option, size: "sm", variant: "outline", whiteSpace: "normal", height: "auto", minHeight: "9", maxWidth: "100%", loading: busy === option, disabled: Boolean(busy), onClick: () => answer([option]) }, h(Said, null, option), usual(option)))),
        )
      : h("p", { className: "dp-muted" }, `You may not answer. It can be: ${question.options.join(", ")}.`),
    problem ? h("p", { role: "alert", className: "dp-bad" }, "✕ ", h(Said, null, problem.message), " ", problem.hint) : null,
  );
}

/** Returns all fields: Airflow takes an answer only with each of them. */
const filled = (params, values) => Object.fromEntries(Object.entries(params).map(([name, param]) => [name, values[name] ?? param?.value ?? null]));

const typeOf = (param) => [param?.schema?.type ?? "string"].flat().find((one) => one !== "null");

function Field({ name, param, value, onValue }) {
  const id = React.useId();
  const type = typeOf(param);
  const now = value ?? param?.value ?? "";
  const title = param?.schema?.title || param?.description || name;
  let input;
  if (type === "boolean") input = h("input", { id, type: "checkbox", checked: Boolean(now), onChange: (event) => onValue(event.target.checked) });
  else if (Array.isArray(param?.schema?.enum)) input = h("select", { id, value: now, onChange: (event) => onValue(event.target.value) }, param.schema.enum.map((one) => h("option", { key: one, value: one }, String(one))));
  else if (type === "number" || type === "integer") input = h(Chakra.Input, { id, size: "sm", type: "number", step: type === "integer" ? 1 : "any", value: now, onChange: (event) => onValue(event.target.value === "" ? null : Number(event.target.value)) });
  else input = h(Chakra.Input, { id, size: "sm", maxLength: param?.schema?.maxLength ?? 10000, value: now, onChange: (event) => onValue(event.target.value) });
  return h("div", { className: "dp-numbers" }, h("label", { htmlFor: id, className: "dp-label" }, h(Said, null, title)), input);
}
