// The page of one process: what it is doing, and tabs for log, info, events, graph and charts.
import { actionButtons, actionKeys, available } from "./actions.js";
import { processPath, request, whileVisible } from "./api.js";
import { chartView, sparkline } from "./chart.js";
import { h, pause, redraw, setText } from "./dom.js";
import { dayTime, duration, memory, percent } from "./format.js";
import { graphView } from "./graph.js";
import { logView } from "./log.js";
import { glyph, statusCell, tone, whyCell } from "./rows.js";
import { rowOf, state, watchEvents } from "./store.js";

const REFRESH_INTERVAL = 3_000;
export const TABS = { log: "Log", info: "Info", events: "Events", graph: "Graph", charts: "Charts" };

/** `asked` are the filters of the log. */
export function processPage(id, tab, asked) {
  const base = `#/p/${encodeURIComponent(id)}`;
  const go = (path) => (location.hash = base + path);
  const logAt = (ms) => `/log?until=${new Date(ms).toISOString()}`;
  const panel = {
    log: () => logView(id, asked),
    info: () => detailView(id, "", infoOf),
    events: () => detailView(id, "/events", (events) => eventsOf(events, (ms) => base + logAt(ms))),
    graph: () => graphView(id),
    charts: () => chartView(id, (ms) => go(logAt(ms))),
  }[tab]();
  const endEvents = tab === "log" ? () => {} : watchEvents(); // one stream at a time
  const [status, reason] = [h("span.state"), h("p.why")];
  const actions = h("div.buttons", { role: "toolbar", "aria-label": `Actions for ${id}` });
  const lines = { CPU: sparkline(72, 22), Memory: sparkline(72, 22) };
  const figures = Object.fromEntries(["Uptime", "Restarts", "CPU", "Memory", "Health", "Port"].map((name) => [name, h("dd")]));
  const names = Object.keys(TABS);
  const tabs = names.map((name) => h("a", {
    role: "tab", id: `tab-${name}`, href: `${base}/${name}`, tabindex: name === tab ? 0 : -1,
    "aria-selected": String(name === tab), "aria-controls": name === tab && "panel",
  }, TABS[name]));
  const step = (by) => go(`/${names.at((names.indexOf(tab) + by) % names.length)}`);
  const stepByKey = ({ key }) => ({ ArrowRight: () => step(1), ArrowLeft: () => step(-1) })[key]?.();
  const element = h("div.process-page",
    h("div.head", h("a.back", { href: "#/", "aria-label": "All processes" }, "←"), h("h1", id), status, h("span.grow"), actions),
    reason, h("dl.figures", Object.entries(figures).map(([name, value]) => h("div", h("dt", name), value, lines[name]?.element))),
    h("div.tabs", { role: "tablist", "aria-label": `Views of ${id}`, onkeydown: stepByKey }, tabs),
    h("div.panel", { id: "panel", role: "tabpanel", "aria-labelledby": `tab-${tab}` }, panel.element));

  function update() {
    const row = rowOf(id);
    actions.hidden = !row;
    if (!row) return void (state.about && (setText(status, ""), setText(reason, `There is no process ${id}.`, "warn")));
    setText(status, ...statusCell(row, Date.now()));
    setText(reason, ...whyCell(row));
    redraw(actions, String(available([id])), () => actionButtons(() => [id]));
    const [uptime, cpu] = row.pid ? [duration(row.uptimeSeconds), `${percent(row.cpu)} %`] : ["–", "–"];
    const texts = { Uptime: uptime, Restarts: String(row.restartCount), CPU: cpu, Memory: row.memory ? memory(row.memory) : "–" };
    for (const [name, text] of Object.entries(texts)) setText(figures[name], text);
    setText(figures.Health, row.health || "–", row.health === "unhealthy" ? "warn" : "text");
    const link = (port) => [h("a", { href: `http://${location.hostname}:${port}/`, target: "_blank", rel: "noreferrer" }, port), " "];
    redraw(figures.Port, String(row.ports), () => (row.ports.length ? row.ports.flatMap(link) : "–"));
    const past = row.pid ? state.history.get(id) : null;
    lines.CPU.draw(past?.cpu ?? [], 25);
    lines.Memory.draw(past?.memory ?? [], 1);
  }
  return {
    element, update,
    title: () => `${id} ${rowOf(id)?.status ?? ""}`.trim(), close: () => (panel.close(), endEvents()),
    focus: () => tabs[names.indexOf(tab)].focus({ preventScroll: true }),
    keys: {
      ...actionKeys(() => [id]), "]": () => step(1), "[": () => step(-1), c: () => go("/charts"), d: () => go("/graph"),
      Escape: () => (location.hash = "#/"), ...panel.keys,
    },
  };
}

/** What one request answers, asked again while it is looked at; figures that change all the time do not redraw it. */
function detailView(id, path, show) {
  const element = h("div.detail");
  const steady = (name, value) => (["cpu", "memory", "uptime", "uptimeSeconds", "probes"].includes(name) ? 0 : value);
  const stop = whileVisible(async (signal) => {
    for (; !signal.aborted; await pause(REFRESH_INTERVAL, signal)) {
      // Without history (404) there are the events of this manager.
      const ask = (query) => request(processPath(id, path), { signal, query });
      await ask(path && { since: "30d" }).catch((error) => (path && error.status === 404 ? ask() : Promise.reject(error))).then(
        (answer) => redraw(element, JSON.stringify(answer, steady), () => show(answer)),
        (error) => error.status && redraw(element, error.message, () => h("p.dim", error.message)));
    }
  });
  return { element, close: stop, keys: {} };
}

function infoOf({ command, argv, cwd, interpreter, pid, startTime, group, reason, lastError, exits, config, env }) {
  const facts = {
    command, runs: argv.join(" "), cwd, interpreter, pid: pid || "", started: startTime && dayTime(startTime), group,
    "last error": reason.includes(lastError) ? "" : lastError,
  };
  const last = exits.length > 0 && h("section", h("h2", "Last exits"), h("ol.exits", exits.toReversed().map(exitOf)));
  return [list("Process", facts), last, list("Config", { ...config, env: null }), list("Environment", env)];
}

function list(title, values) {
  const shown = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const lines = shown.map(([name, value]) => h("div", h("dt", name), h("dd", text(value))));
  return lines.length > 0 && h("section", h("h2", title), h("dl", lines));
}

function exitOf({ time, run, code, signal, uptimeSeconds, lines }) {
  const how = `  run ${run}  ${signal || `exit ${code}`} after ${uptimeSeconds.toFixed(1)} s`;
  return h("li", h("span.dim", dayTime(time)), how, lines.length > 0 && h("pre", lines.join("\n")));
}

/** Each time leads to the log of that moment. */
function eventsOf(events, logAt) {
  if (!events.length) return h("p.dim", "Nothing has happened yet.");
  const time = (event) => h("a", { href: logAt(Date.parse(event.time) + 2000), title: "The log at that time" }, dayTime(event.time));
  const row = (event) => h("tr", h("td", time(event)),
    h("td", { "data-tone": tone(event.to) }, `${glyph(event.to)} ${event.to}`), h("td", event.reason));
  return h("table.events", { "aria-label": "Events, newest first" },
    h("thead", h("tr", ["TIME", "STATUS", "WHY"].map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", events.toReversed().map(row)));
}
