// @ts-check
/**
 * Takes React, the router and Chakra UI from Airflow's shell, which puts them on globalThis.
 *
 * The interface is experimental: `missing` says what a shell lacks, before anything is drawn.
 */

const WANTED = {
  React: ["Component", "Fragment", "createElement", "useCallback", "useEffect", "useId", "useMemo", "useRef", "useState"],
  ReactRouterDOM: ["Link", "useLocation", "useNavigate", "useSearchParams"],
  ChakraUI: ["Badge", "Button", "Checkbox", "Dialog", "Field", "Input", "NativeSelect", "Portal", "Tabs", "Textarea"],
};

/** Returns the names that the shell lacks. */
export function missing(shell = globalThis) {
  return Object.entries(WANTED).flatMap(([library, names]) =>
    names.filter((name) => !shell[library]?.[name]).map((name) => `${library}.${name}`),
  );
}

export const React = globalThis.React;
export const Router = globalThis.ReactRouterDOM;
export const Chakra = globalThis.ChakraUI;
export const h = React?.createElement;

/** Where the page's server is: all of it stands below this address, whatever prefix Airflow has. */
export const SERVER = new URL(import.meta.url.replace(/\/static\/.*$/s, "/"));

/** Returns the address of a path that begins with `/` in this Airflow. */
export const inAirflow = (path) => new URL(path.replace(/^\//, ""), document.baseURI).href;
