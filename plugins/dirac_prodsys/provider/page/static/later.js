// @ts-check
/** Loads what is not needed at first when it is looked at; again and again while the server is away. */
import { React, h } from "./host.js";

const { useEffect, useState } = React;

/** Time between two tries, in ms. */
const EACH = 3000;

/** Returns a component of one of our files, which is loaded when the component is drawn first. */
export function later(file, name) {
  let kept = null;
  return function Later(props) {
    const [found, setFound] = useState(() => kept);
    useEffect(() => {
      let timer = 0;
      let gone = false;
      const load = (tries) =>
        // a browser may remember that an address failed
        import(`./${file}.js${tries ? `?try=${tries}` : ""}`).then(
          (module) => {
            kept = module[name];
            if (!gone) setFound(() => kept);
          },
          () => {
            if (!gone) timer = setTimeout(load, EACH, tries + 1);
          },
        );
      if (!kept) load(0);
      return () => {
        gone = true;
        clearTimeout(timer);
      };
    }, []);
    return found ? h(found, props) : h("p", { className: "dp-page dp-muted", role: "status" }, "Loading…");
  };
}
