// @ts-check
/** Knows the addresses of our pages within Airflow, and of the data below our server. */

/** The route of the page in Airflow's navigation. */
export const HOME = "/plugin/dirac-productions";

const e = encodeURIComponent;

/** Returns the address of a run's page. */
export const productionPath = (dagId, run, step = "") => `${HOME}/run/${e(dagId)}/${e(run)}${step ? `?step=${e(step)}` : ""}`;

/** Returns where the data of a run are. */
export const productionData = (dagId, run) => `/api/dags/${e(dagId)}/runs/${e(run)}`;

/** Returns where the data of a step are. */
export const stepData = (dagId, run, step) => `${productionData(dagId, run)}/steps/${e(step)}`;
