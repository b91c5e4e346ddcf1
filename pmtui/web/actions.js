// What people can do to processes; what ends one asks first.
import { processPath, request } from "./api.js";
import { button, h } from "./dom.js";
import { plural } from "./format.js";
import { isInactive } from "./rows.js";
import { rowOf } from "./store.js";

const [SHOWN, CONCURRENT_REQUESTS, ACTION_TIMEOUT, TOAST_TIME] = [10, 4, 300_000, 5_000];

export const ACTIONS = {
  start: { label: "Start", doing: "Starting", key: "s" },
  restart: { label: "Restart", doing: "Restarting", key: "r" },
  rolling: { label: "Rolling", doing: "Rolling restart of", key: "R", path: "restart", query: { rolling: "true" } },
  stop: { label: "Stop", doing: "Stopping", key: "s", query: { wait: "false" }, asks: "The whole tree is asked to end, and stays stopped." },
  kill: { label: "Kill", doing: "Killing", key: "x", path: "stop", query: { now: "true", wait: "false" },
    asks: "The whole tree ends at once, without grace, and stays stopped." },
};

/** The actions that make sense for these processes. */
export function available(ids) {
  const rows = ids.map(rowOf).filter(Boolean);
  if (rows.every(isInactive)) return ["start"];
  return Object.keys(ACTIONS).filter((name) => name !== "start" || rows.some(isInactive));
}
export const actionButtons = (ids) => available(ids()).map((name) => {
  const { label, key, asks } = ACTIONS[name];
  return button(asks ? ".danger" : "", label, `${label} (${key})`, () => operate(name, ids()));
});

/** The keys that act on `ids()`. */
export const actionKeys = (ids) => ({
  r: () => operate("restart", ids()), R: () => operate("rolling", ids()), x: () => operate("kill", ids()),
  s: () => operate(available(ids())[0] === "start" ? "start" : "stop", ids()),
});

/** Do it to all of these, once it was confirmed if it ends something; toasts say how it went. */
export async function operate(name, ids) {
  const { label, doing, asks } = ACTIONS[name];
  if (!ids.length || (asks && !(await confirm(`${label} ${named(ids)}?`, [...described(ids), asks], label)))) return;
  toast(`${doing} ${named(ids)}`);
  for (const problem of (await carryOut(name, ids)).slice(0, SHOWN)) toast(problem, "bad");
}

/** The messages of what could not be done. */
async function carryOut(name, ids) {
  const { path = name, query } = ACTIONS[name];
  const options = { method: "POST", query, timeout: ACTION_TIMEOUT };
  const [problems, waiting] = [[], [...ids]];
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      await request(processPath(id, `/${path}`), options).catch((error) => problems.push(error.message));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_REQUESTS }, work));
  return problems;
}
const named = (ids) => (ids.length === 1 ? ids[0] : plural(ids.length, "process", "processes"));
const described = (ids) => (ids.length === 1 ? [] : [ids.slice(0, SHOWN).join(", ") + (ids.length > SHOWN ? ", …" : "")]);

/** Ask; true if `verb` was chosen. Without a verb there is only one way out. */
export function confirm(title, lines, verb) {
  const dialog = h("dialog", { "aria-label": title }, h("h2", title), h("ul", lines.map((line) => h("li", line))),
    h("p.buttons", button("", verb ? "Cancel" : "Close", null, () => dialog.close(), { autofocus: true }),
      verb && button(".primary.danger", verb, null, () => dialog.close("yes"))));
  document.body.append(dialog);
  dialog.showModal();
  const close = (resolve) => () => (dialog.remove(), resolve(dialog.returnValue === "yes"));
  return new Promise((resolve) => dialog.addEventListener("close", close(resolve)));
}

export function toast(text, tone = "info") {
  const shown = h(`p.toast.${tone}`, text);
  document.getElementById("toasts").append(shown);
  setTimeout(() => shown.remove(), tone === "bad" ? 2 * TOAST_TIME : TOAST_TIME);
}
