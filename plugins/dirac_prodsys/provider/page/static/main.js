// @ts-check
/**
 * Gives Airflow's shell the page's components, by the names under which the plugin offers them.
 *
 * A shell that lacks what the page needs gets one sentence and the address of the same data as HTML.
 */
import { SERVER, h, missing } from "./host.js";

/** Loads the styles before anything is drawn with them. */
function styles() {
  if (document.getElementById("dirac-prodsys-styles")) return Promise.resolve();
  const link = Object.assign(document.createElement("link"), {
    id: "dirac-prodsys-styles",
    rel: "stylesheet",
    href: new URL("page.css", import.meta.url).href,
  });
  return new Promise((done) => {
    link.onload = link.onerror = done;
    document.head.append(link);
  });
}

async function component() {
  const lacking = missing();
  if (lacking.length) {
    const words = `This Airflow does not have what the page of productions needs (${lacking.join(", ")}). The same as plain HTML: `;
    return () => (h ? h("p", null, words, h("a", { href: SERVER.href }, SERVER.pathname)) : words + SERVER.pathname);
  }
  const [{ App }] = await Promise.all([import("./app.js"), styles()]);
  return App;
}

globalThis.Productions = globalThis.Production = globalThis.AirflowPlugin = await component();
