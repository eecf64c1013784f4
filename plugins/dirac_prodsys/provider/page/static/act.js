// @ts-check
/** Draws what may be done with a run or a step; the dialog that does it is loaded when it is needed. */
import { Chakra, React, h } from "./host.js";
import { later } from "./later.js";
import { Said } from "./parts.js";

const { useState } = React;
const { Button } = Chakra;
const Act = later("dialog", "Act");

/** Draws the buttons of what may be done, and the dialog of the one that was chosen. */
export function Actions({ dagId, run, step = "", offers, rights, onDone }) {
  const [chosen, choose] = useState(null);
  if (!rights.act) return h("p", { className: "dp-muted" }, h(Said, null, rights.why_not || "You may not act on this production."));
  if (!offers.length) return h("p", { className: "dp-muted" }, "There is nothing to do.");
  return h(
    React.Fragment,
    null,
    h(
      "ul",
      { className: "dp-offers" },
      [...offers].sort((one, other) => Boolean(one.why_not) - Boolean(other.why_not)).map((offer) =>
        h(
          "li",
          { key: offer.action },
          h(Button, { size: "xs", variant: "outline", colorPalette: offer.typed ? "red" : "brand", disabled: Boolean(offer.why_not), "aria-describedby": `dp-does-${step}-${offer.action}`, onClick: () => choose(offer) }, `${titled(offer)}…`),
          h("span", { id: `dp-does-${step}-${offer.action}`, className: "dp-muted" }, h(Said, null, offer.does), offer.why_not ? h(React.Fragment, null, " Not now: ", h(Said, null, offer.why_not)) : null),
        ),
      ),
    ),
    chosen ? h(Act, { key: chosen.action, dagId, run, step, offer: chosen, onClose: () => (choose(null), onDone?.()) }) : null,
  );
}

/** Returns an action's name as a button says it. */
export const titled = (offer) => offer.title.charAt(0).toUpperCase() + offer.title.slice(1).replaceAll("_", " ");
