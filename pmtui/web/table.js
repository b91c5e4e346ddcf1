// The table of all processes.
import { ACTIONS, actionButtons, actionKeys, available, operate } from "./actions.js";
import { sparkline } from "./chart.js";
import { button, h, redraw, setAttribute, setText } from "./dom.js";
import { COLUMNS, arrange, isFalling, isProblem, layOut } from "./rows.js";
import { rowOf, state, watchEvents } from "./store.js";

/** Kept while other pages are shown. */
export const view = { filter: "", problemsOnly: false, sort: null, inverted: false };
const [marks, folded] = [new Set(), new Set()];
let cursor = null;
const EXAMPLE = '[process.web]\ncommand = "python3 -m http.server 8000"\n\n[process.worker]\nscript = "worker.py"\n';

export function tablePage() {
  const known = new Map();
  let lines = []; // processes, and headers of sections with their `rows`
  const filter = h("input", {
    type: "search", value: view.filter, placeholder: "Filter: words, !not, @group, is:failed", "aria-label": "Filter",
    spellcheck: "false", autocapitalize: "off", oninput: () => show({ filter: filter.value }),
  });
  const count = h("output.dim");
  const problems = button("", "Problems", "Crashed, failed and unhealthy only (!)", () => show({ problemsOnly: !view.problemsOnly }));
  const marked = h("div.buttons", { role: "toolbar", "aria-label": "Marked processes" });
  const all = h("input", { type: "checkbox", "aria-label": "Mark all that are shown", onchange: markAll });
  const heads = COLUMNS.map(({ key, title, order }) => h(`th.${key}`, { scope: "col" },
    order ? button("", title, `Sort by ${key}`, () => sortBy(key), { "aria-label": key }) : h("span.sr", "CPU lately")));
  const body = h("tbody", { onkeydown: moveByKey, onfocusin: (event) => setCursor(event.target.closest("tr").dataset.id) });
  const table = h("table", { "aria-label": "Processes" },
    h("thead", h("tr", h("th.mark", all), heads, h("th.actions", h("span.sr", "Actions")))), body);
  const empty = h("div.empty");
  const element = h("div.table-page", h("h1.sr", "Processes"), h("div.bar", filter, count, problems, marked), h("div.scroll", table), empty);

  function makeRow(id) {
    const mark = h("input", { type: "checkbox", "aria-label": `Mark ${id}`, tabindex: -1, onchange: () => toggleMark(id) });
    const link = h("a", { href: `#/p/${encodeURIComponent(id)}`, tabindex: -1 }, id);
    const [below, actions, spark] = [h("small"), h("td.actions"), sparkline(64, 20)];
    const cells = COLUMNS.slice(1).map(({ key }) => h(`td.${key}`, key === "spark" && spark.element));
    const row = h("tr", { "data-id": id }, h("td.mark", mark), h("th.id", { scope: "row" }, link, below), cells, actions);
    return { row, mark, link, below, cells, spark, actions };
  }
  function makeSection(id) {
    const link = button(".quiet", "", null, () => update(folded.delete(id) || folded.add(id)), { tabindex: -1 });
    const cost = h("span.dim");
    return { link, cost, row: h("tr.section", { "data-id": id }, h("th", { colspan: 2, scope: "rowgroup" }, link, cost)) };
  }
  function fill({ row, mark, below, cells, spark, actions }, process, now) {
    COLUMNS.slice(1).forEach(({ key, cell }, place) => {
      if (cell) setText(cells[place], ...cell(process, now));
      if (key === "why") (setText(below, ...cell(process)), setAttribute(cells[place], "title", cell(process)[0]));
    });
    spark.draw(process.pid ? (state.history.get(process.id)?.cpu ?? []) : [], 25);
    mark.checked = marks.has(process.id);
    setAttribute(row, "data-marked", marks.has(process.id));
    const names = available([process.id]).filter((name) => ["start", "restart", "stop"].includes(name));
    redraw(actions, names.join(), () => names.map((name) => button(".quiet", ACTIONS[name].label, null,
      () => operate(name, [process.id]), { "aria-label": `${ACTIONS[name].label} ${process.id}`, tabindex: -1 })));
  }
  function update() {
    const shown = arrange(state.rows, view);
    lines = view.sort || view.inverted ? shown : layOut(shown, state.problems, folded);
    for (const id of [...marks, ...known.keys()]) if (!rowOf(id) && !"!@".includes(id[0])) (marks.delete(id), known.delete(id));
    if (!lines.some((line) => line.id === cursor)) cursor = (lines.find((line) => !line.rows) ?? lines[0])?.id ?? null;
    const focused = body.contains(document.activeElement) ? document.activeElement : null;
    const now = Date.now();
    lines.forEach((line, place) => {
      if (!known.has(line.id)) known.set(line.id, line.rows ? makeSection(line.id) : makeRow(line.id));
      const made = known.get(line.id);
      if (!line.rows) fill(made, line, now);
      else (setText(made.link, line.title), setText(made.cost, line.cost), setAttribute(made.link, "aria-expanded", String(!line.isFolded)));
      if (body.children[place] !== made.row) body.insertBefore(made.row, body.children[place] ?? null);
    });
    while (body.children.length > lines.length) body.lastChild.remove();
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    setCursor(cursor);
    updateBar(shown);
  }
  function updateBar(shown) {
    setText(count, shown.length === state.rows.length ? "" : `${shown.length} of ${state.rows.length}`);
    setAttribute(problems, "aria-pressed", String(view.problemsOnly));
    setText(problems, `Problems ${state.rows.filter(isProblem).length || ""}`.trim());
    COLUMNS.forEach((column, place) => {
      const sort = isFalling(column, view.inverted) ? "descending" : "ascending";
      if (column.order) setAttribute(heads[place], "aria-sort", view.sort === column.key ? sort : "none");
    });
    all.checked = shown.length > 0 && shown.every((row) => marks.has(row.id));
    marked.hidden = !marks.size;
    redraw(marked, `${marks.size} ${available([...marks])}`, () => [h("b", `${marks.size} marked`),
      ...actionButtons(() => [...marks]), button(".quiet", "Unmark", null, () => (marks.clear(), update()))]);
    table.hidden = !state.rows.length;
    const { config, errors } = state.about ?? {};
    redraw(empty, JSON.stringify([state.rows.length, shown.length, config, errors]), () => (shown.length ? [] : emptyState()));
  }
  const show = (change) => update(Object.assign(view, change));
  const toggleMark = (id) => update(marks.delete(id) || marks.add(id));

  /** By a column, then the other way round, then no more. */
  function sortBy(key) {
    const isAgain = view.sort === key;
    show(isAgain && view.inverted ? { sort: null, inverted: false } : { sort: key, inverted: isAgain });
  }
  /** Only the controls of the row at the cursor are tab stops. */
  function setCursor(id) {
    for (const made of [known.get(cursor), known.get(id)].filter(Boolean)) {
      for (const node of made.row.querySelectorAll("a, input, button")) node.tabIndex = made.row.dataset.id === id ? 0 : -1;
    }
    cursor = id;
  }
  function move(step) {
    const ids = [...body.children].map((row) => row.dataset.id);
    const made = known.get(ids[Math.max(0, Math.min(ids.length - 1, ids.indexOf(cursor) + step))]);
    made?.link.focus();
    made?.row.scrollIntoView({ block: "nearest" });
  }
  function moveByKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity }[event.key];
    if (!step || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    move(step);
  }
  function markAll() {
    for (const row of arrange(state.rows, view)) all.checked ? marks.add(row.id) : marks.delete(row.id);
    update();
  }
  const atCursor = () => lines.filter((line) => line.id === cursor).flatMap((line) => line.rows ?? line).map((row) => row.id);
  return {
    element, update, title: () => "Processes", close: watchEvents(), focus: () => known.get(cursor)?.link.focus(),
    keys: {
      j: () => move(1), k: () => move(-1), g: () => move(-Infinity), G: () => move(Infinity),
      ...actionKeys(() => (marks.size ? [...marks] : atCursor())), " ": () => atCursor().forEach(toggleMark), "/": () => filter.focus(), "!": () => problems.click(),
      I: () => show({ inverted: !view.inverted }), Escape: () => show({ problemsOnly: false, filter: (filter.value = "") }),
    },
  };
}

/** Nothing to show: because of the filter, or without processes where a config was looked for and how to make one. */
function emptyState() {
  const { about, rows } = state;
  if (rows.length) return h("p.dim", "No process passes this filter.");
  if (!about) return [];
  const { config, errors, searched } = about;
  if (errors.length) return h("h2", `${config ?? "The config"} cannot be used as it is.`);
  const places = searched.length > 0 && h("p.dim", "Looked for ", searched.map((name) => [h("code", name), h("br")]).flat());
  return [h("h2", config ? `${config} names no process.` : "No config here yet."), !config && places,
    h("p.dim", config ? "Add one, such as" : [h("code", "pmtui init"), " makes one, or write pmtui.toml yourself:"]),
    h("pre", EXAMPLE), h("p.dim", h("code", "pmtui reload"), " reads it.")];
}
