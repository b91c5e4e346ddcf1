// Lines over time, as SVG: sparklines of the last seconds, and charts of the history.
import { processPath, request, whileVisible } from "./api.js";
import { button, h, pause, setAttribute, setText, svg } from "./dom.js";
import { clockTime, dayTime, memory, percent } from "./format.js";
import { glyph, tone } from "./rows.js";

export const SPARK_LENGTH = 40;
const [REFRESH_INTERVAL, POINTS, HEIGHT, BASE, TOP] = [10_000, 300, 130, 112, 14];
const RANGES = { "15m": 900, "1h": 3600, "6h": 21600, "1d": 86400, "7d": 604800, "30d": 2592000 }; // seconds
const MEASURES = [
  { key: "cpu", title: "CPU", unit: (value) => `${percent(value)} %`, least: 5 },
  { key: "memory", title: "Memory", unit: memory, least: 1 << 20 },
  { key: "latency", title: "Probe latency", unit: (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`, least: 1 },
];

/** A small line; `ceiling` is the least value that reaches its top. */
export function sparkline(width, height) {
  const [area, line] = [svg("path.area"), svg("path.line")];
  const element = svg("svg.spark", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" }, area, line);
  function draw(values, ceiling) {
    const top = Math.max(ceiling, ...values);
    const x = (place) => (width - ((values.length - 1 - place) * width) / (SPARK_LENGTH - 1)).toFixed(1);
    const points = values.map((value, place) => `${x(place)},${(height - 1 - (value / top) * (height - 2)).toFixed(1)}`);
    setAttribute(line, "d", points.length > 1 && `M${points.join("L")}`);
    setAttribute(area, "d", points.length > 1 && `M${x(0)},${height}L${points.join("L")}V${height}Z`);
  }
  return { element, draw };
}

/** The tab Charts: CPU, memory and probe latency with restarts marked. A click calls `onTime` with that moment. */
export function chartView(id, onTime) {
  let [range, data] = ["1h", null];
  const names = Object.keys(RANGES);
  const note = h("p.dim", { role: "status" });
  const charts = MEASURES.map((measure) => chart(measure, onTime));
  const ranges = names.map((name) => button("", name, null, () => choose(name)));
  const element = h("div.charts", h("div.bar", h("div.segments", { role: "group", "aria-label": "Range" }, ranges), note),
    charts.map((one) => one.element));
  const observer = new ResizeObserver(draw);
  observer.observe(element);
  const stop = whileVisible(async (signal) => {
    for (; !signal.aborted; await pause(REFRESH_INTERVAL, signal)) await load(signal);
  });

  async function load(signal) {
    const asked = range;
    const since = Date.now() - RANGES[asked] * 1000;
    const query = { since: new Date(since).toISOString(), points: POINTS };
    const answer = await request(processPath(id, "/history"), { query, signal }).catch((error) => ({ error }));
    if (asked !== range || signal?.aborted) return;
    if (!answer.error || answer.error.status) data = answer.error ? null : { ...answer, since: Date.parse(answer.since) || since };
    setText(note, answer.error ? `${answer.error.status === 404 ? "History is off. " : ""}${answer.error.message}` : "");
    draw();
  }

  function draw() {
    for (const node of ranges) setAttribute(node, "aria-pressed", String(node.textContent === range));
    for (const one of charts) one.draw(data);
  }
  const choose = (name) => draw((range = name ?? range), load());
  const step = (by) => choose(names[names.indexOf(range) + by]);
  return { element, close: () => (stop(), observer.disconnect()), keys: { "+": () => step(-1), "-": () => step(1) } };
}

function chart({ key, title, unit, least }, onTime) {
  let [data, values, span, width] = [null, [], 0, 0];
  const [now, facts, tip] = [h("b"), h("span.dim"), h("output.tip")];
  const cursor = svg("line.cursor", { x1: -9, x2: -9, y1: 0, y2: BASE });
  const timeAt = (x) => data.since + (x / width) * span;
  const picture = svg("svg", {
    role: "img", height: HEIGHT, onpointermove: point, onpointerleave: point, onclick: (event) => onTime(timeAt(event.offsetX)),
  });
  const element = h("figure.chart", h("figcaption", h("span", title), now, facts, tip), picture);

  function draw(history) {
    data = history;
    values = data?.[key] ?? [];
    const known = values.filter((value) => value !== null);
    element.hidden = !known.length;
    if (element.hidden) return;
    [width, span] = [Math.max(200, picture.clientWidth), data.step * 1000 * values.length];
    const highest = Math.max(...known);
    const top = Math.max(least, highest);
    setText(now, unit(known.at(-1)));
    setText(facts, `peak ${unit(highest)} · average ${unit(known.reduce((sum, value) => sum + value, 0) / known.length)}`);
    setAttribute(picture, "aria-label", `${title}: now ${now.textContent}, ${facts.textContent}`);
    setAttribute(picture, "viewBox", `0 0 ${width} ${HEIGHT}`);
    const x = (place) => (((place + 0.5) / values.length) * width).toFixed(1);
    const y = (value) => (BASE - (value / top) * (BASE - TOP)).toFixed(1);
    const grid = [0, top / 2, top].flatMap((value) => [svg("line.grid", { x1: 0, x2: width, y1: y(value), y2: y(value) }),
      svg("text", { x: 4, y: y(value) - 3 }, value ? unit(value) : "")]);
    picture.replaceChildren(...grid, ...timeLabels(data.since, span, width), ...stretches(values, x, y), ...restarts(data, span, width), cursor);
  }

  function point(event) {
    const value = event.type === "pointermove" ? values[Math.floor((event.offsetX / width) * values.length)] : undefined;
    for (const end of ["x1", "x2"]) setAttribute(cursor, end, value === undefined ? -9 : event.offsetX);
    setText(tip, value === undefined ? "" : `${dayTime(timeAt(event.offsetX))}  ${value === null ? "–" : unit(value)}`);
  }
  return { element, draw };
}

function timeLabels(since, span, width) {
  const count = Math.max(2, Math.floor(width / 140));
  return Array.from({ length: count }, (_, place) => {
    const at = since + (span * (place + 0.5)) / count;
    const text = span > 172_800_000 ? dayTime(at, 0).slice(0, -3) : clockTime(at, false).slice(0, span < 3_600_000 ? 8 : 5);
    return svg("text", { x: (width * (place + 0.5)) / count, y: HEIGHT - 3, "text-anchor": "middle" }, text);
  });
}

/** An area and a line for each stretch without a gap. */
function stretches(values, x, y) {
  const found = [];
  values.forEach((value, place) => {
    if (value !== null && (!place || values[place - 1] === null)) found.push([]);
    if (value !== null) found.at(-1).push([x(place), y(value)]);
  });
  return found.flatMap((points) => {
    const path = points.join("L") + (points.length === 1 ? "h2" : "");
    return [svg("path.area", { d: `M${points[0][0]},${BASE}L${path}V${BASE}Z` }), svg("path.line", { d: `M${path}` })];
  });
}

function restarts(data, span, width) {
  const marked = (data.events ?? []).filter((event) => ["starting", "crashed", "failed"].includes(event.to));
  return marked.map((event) => {
    const x = ((Date.parse(event.time) - data.since) / span) * width;
    const words = [dayTime(event.time), `${glyph(event.to)} ${event.to}`, event.reason].join("  ");
    return svg("line.event", { x1: x, x2: x, y1: 4, y2: BASE, "data-tone": tone(event.to) }, svg("title", words));
  });
}
