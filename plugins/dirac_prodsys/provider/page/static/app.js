// @ts-check
/**
 * Chooses what to show by the address: every view has one, and a link to it shows the same.
 *
 * In the navigation the pages stand below `/plugin/ROUTE`; in a tab of a Dag or of a run it is that production.
 */
import { React, Router, h } from "./host.js";
import { later } from "./later.js";
import { HOME } from "./paths.js";

const Production = later("production", "Production");
const Compare = later("compare", "Compare");
const Runbook = later("runbook", "Runbook");
const PAGES = [
  ["", "Productions", later("productions", "Productions")],
  ["errors", "Errors in files", later("errors", "Errors")],
  ["campaign", "Campaign", later("campaign", "Campaign")],
  ["grid", "Grid", later("grid", "Grid")],
  ["new", "New", later("new", "New")],
];

/** Keeps a mistake of ours to itself: the rest of Airflow goes on, and so does the page after a click. */
class Guard extends React.Component {
  constructor(props) {
    super(props);
    this.state = { error: null };
  }

  static getDerivedStateFromError(error) {
    return { error };
  }

  render() {
    if (!this.state.error) return this.props.children;
    return h(
      "div",
      { className: "dp-trouble", role: "alert" },
      h("p", null, h("strong", null, "This view cannot be drawn: "), String(this.state.error?.message ?? this.state.error)),
      h("button", { type: "button", className: "dp-link", onClick: () => this.setState({ error: null }) }, "Draw it again"),
    );
  }
}

/** Draws the page; in a tab, Airflow says of which Dag and run. */
export function App({ dagId, runId }) {
  const { pathname } = Router.useLocation();
  if (dagId) return h("div", { className: "dp-root" }, h(Guard, { key: pathname }, h(Production, { dagId, run: runId ?? "~", inTab: true })));
  const [place = "", first = "", second = ""] = pathname.slice(HOME.length + 1).split("/").map(decoded);
  let page;
  if (place === "run") page = h(Production, { key: `${first}/${second}`, dagId: first, run: second || "~" });
  else if (place === "runbook") page = h(Runbook, { key: first, name: first });
  else if (place === "compare") page = h(Compare, null);
  else page = h((PAGES.find(([name]) => name === place) ?? PAGES[0])[2], null);
  return h("div", { className: "dp-root" }, h(Menu, { place }), h(Guard, { key: pathname }, page));
}

function Menu({ place }) {
  const links = PAGES.map(([name, title]) =>
    h(Router.Link, { key: name, to: name ? `${HOME}/${name}` : HOME, className: "dp-tab", "aria-current": name === place ? "page" : undefined }, title),
  );
  return h("nav", { className: "dp-menu", "aria-label": "Pages of productions" }, links);
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

