// The frame around the pages: header, address, keys, signing in, and the banner of a manager that is gone.
import { confirm } from "./actions.js";
import { session } from "./api.js";
import { sparkline } from "./chart.js";
import { button, h, redraw, setAttribute, setText } from "./dom.js";
import { clockTime, duration, memory, plural } from "./format.js";
import { TABS, processPage } from "./process.js";
import { HEADER_ORDER, countedAs, glyph, tone } from "./rows.js";
import { signIn, tokenFor } from "./site.js";
import { state, updates, watch } from "./store.js";
import { tablePage, view } from "./table.js";

const [THEME, SHOWN_ERRORS] = ["pmtui-theme", 50];
const HELP = `j k ↑ ↓  move    Enter  open    Esc  back    Space  mark    / filter or search    ! problems only    I  invert the order
r  restart    R  rolling restart    s  stop or start    x  kill    [ ]  tabs    c  charts    + -  their range    d  graph
f  follow    t  times    z  wrap    p  records    o  stream    l  level    n N  matches    F  only matches    y  copy    w  download
g G  first, last    T  light or dark    ?  this help`.split(/ {4}|\n/);
const element = (id) => document.getElementById(id);
const [main, config, counts, figures, stale, errors] = ["main", "config", "counts", "figures", "stale", "errors"].map(element);
const [cpuLine, cpu, costs] = [sparkline(64, 18), h("span"), h("span")];
figures.append(cpuLine.element, h("span.dim", "  cpu "), cpu, costs);
let page = null;

function open() {
  page?.close();
  const [path, asked] = location.hash.slice(1).split("?");
  const [, kind, id, tab] = path.split("/").map(decoded);
  const isProcess = kind === "p" && id;
  if (!session.token) page = signInPage();
  else if (isProcess) page = processPage(id, TABS[tab] ? tab : "log", Object.fromEntries(new URLSearchParams(asked)));
  else page = tablePage();
  main.replaceChildren(page.element);
  update();
  page.focus();
}
const decoded = (part) => new URLSearchParams(`part=${part}`).get("part"); // throws at nothing

function signInPage() {
  const inputs = signIn.fields.map(({ label, ...field }) => h("input", { ...field, required: true }));
  const trouble = h("p", { role: "alert", "data-tone": "bad" }, session.message);
  const submit = (event) => {
    event.preventDefault();
    const answers = Object.fromEntries(inputs.map((input) => [input.name, input.value]));
    tokenFor(answers).then((token) => session.use(token), (error) => setText(trouble, error.message));
  };
  const form = h("form.sign-in", { onsubmit: submit }, h("h1", "Sign in"), h("p.dim", signIn.text),
    inputs.map((input, place) => h("label", signIn.fields[place].label, input)), trouble, h("button.primary", { type: "submit" }, "Sign in"));
  return { element: form, title: () => "Sign in", update() {}, close() {}, focus: () => inputs[0].focus(), keys: {} };
}
function update() {
  const { rows, about, staleSince, lastAnswer, trouble } = state;
  counts.hidden = figures.hidden = !lastAnswer;
  stale.hidden = !staleSince;
  if (staleSince) setText(stale, `Stale since ${clockTime(staleSince, false)}. ${trouble} Trying again every second.`);
  const name = about?.config?.split("/").slice(-2).join("/") ?? "";
  setText(config, name);
  updateErrors(about?.errors ?? [], about?.config ?? "the config");
  updateCounts(rows);
  setText(cpu, `${(state.cpu.at(-1) ?? 0).toFixed(0)}%`);
  cpuLine.draw(state.cpu, 50);
  const up = about ? `   up ${duration((Date.now() - Date.parse(about.startTime)) / 1000)}` : "";
  setText(costs, `   mem ${memory(rows.reduce((sum, row) => sum + row.memory, 0))}${up}`);
  page.update();
  document.title = `${page.title()} · ${name.split("/")[0] || "pmtui"}`;
}
function updateCounts(rows) {
  const found = HEADER_ORDER.map((status) => [status, rows.filter((row) => countedAs(row) === status).length]);
  const chip = ([status, count]) => count > 0 && button(".quiet", [`${glyph(status)} ${count}`, h("span", ` ${status}`)],
    `Show only ${status}`, () => showOnly(status), { "data-tone": tone(status) });
  redraw(counts, found.join(), () => found.map(chip));
}
function showOnly(status) {
  view.filter = `is:${status}`;
  location.hash.startsWith("#/p/") ? (location.hash = "#/") : open();
}
function updateErrors(found, path) {
  errors.hidden = !found.length;
  redraw(errors, found.join("\n"), () => [h("summary", `✖ ${plural(found.length, "config error", "config errors")} in ${path}`),
    h("ul", found.slice(0, SHOWN_ERRORS).map((error) => h("li", error)))]);
}
const help = () => confirm("Keys", HELP);
const showTheme = () => setAttribute(document.documentElement, "data-theme", localStorage.getItem(THEME));

function nextTheme() {
  const current = localStorage.getItem(THEME) ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  localStorage.setItem(THEME, current === "dark" ? "light" : "dark");
  showTheme();
}
function onKey(event) {
  const isTyping = event.target.matches("input:not([type=checkbox]), select") || document.querySelector("dialog");
  if (isTyping && event.key === "Escape") event.target.blur();
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  const action = page.keys[event.key] ?? { "?": help, T: nextTheme }[event.key];
  if (!action || (event.key === " " && event.target.matches("button, input, summary"))) return;
  event.preventDefault();
  action();
}

/** The token that `pmtui open` hands over leaves the address, and so the history, at once. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) (history.replaceState(null, "", location.pathname), session.use(token));
}

showTheme();
takeToken();
element("theme").addEventListener("click", nextTheme);
element("help").addEventListener("click", help);
element("skip").addEventListener("click", (event) => (event.preventDefault(), main.focus()));
document.addEventListener("keydown", onKey);
updates.addEventListener("update", update);
window.addEventListener("hashchange", () => (takeToken(), open()));
session.changes.addEventListener("change", open);
open();
watch();
