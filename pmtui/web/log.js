// The live log of a process. The document never holds more than MAX_ROWS of its lines, however many come.
import { toast } from "./actions.js";
import { processPath, request, stream, whileVisible } from "./api.js";
import { button, h, pause, setAttribute, setText } from "./dom.js";
import { clockTime, dayTime, grouped } from "./format.js";
import { hasStreams } from "./site.js";
import { state } from "./store.js";

const [MAX_ROWS, MAX_RECENT, PAGE, MAX_DOWNLOAD] = [600, 5_000, 200, 10_000]; // lines
const [LINES_PER_SECOND, POLL_INTERVAL, SEARCH_DELAY, NEAR] = [500, 1_000, 250, 200]; // near an end (pixels) more is fetched
const [TERMS, NO_WORD] = [/!?(?:"[^"]*"?|re:"[^"]*"?|[^\s"]+)/g, /^(!|re:|level:|-\d)/]; // of the search language
const MESSAGE_KEYS = ["msg", "message", "event", "@message", "@m", "@mt", "text"];
const KNOWN_KEYS = new Set(("ts time timestamp @timestamp @t t asctime datetime date created " +
  "level lvl severity levelname log.level loglevel @l levelno").split(" "));
const CHOICES = {
  stream: { "": "All output", stdout: "stdout", stderr: "stderr" },
  level: { "": "Any level", debug: "≥ debug", info: "≥ info", warn: "≥ warn", error: "≥ error", fatal: "≥ fatal" },
  since: { "": "Any time", "5m": "Last 5 min", "1h": "Last hour", "1d": "Last day", range: "From … until" },
};
const shown = { times: true, wrap: true, records: true }; // kept while other pages are shown

/** `asked` are filters from the address: level, stream, search, since, until. */
export function logView(id, asked) {
  const filters = { level: "", stream: "", search: "", since: "", until: "", only: true, ...asked };
  let [recent, incoming] = [[], []]; // the newest lines, and those that wait for the next frame
  let [following, isLoading, newer, match] = [true, false, 0, -1];
  let [stop, frame, timer, top, place] = [() => {}, 0, 0, 0, {}]; // place: in the stream, also while the page is hidden

  const rows = h("div.lines", { role: "log", "aria-live": "off", "aria-label": `Log of ${id}`, tabindex: 0, onscroll: onScroll });
  const notice = h("p.notice", { role: "status" });
  const pill = button(".pill", "", null, resume);
  const found = h("output.dim");
  const search = h("input", {
    type: "search", value: filters.search, placeholder: "Search: words, !not, key=value, re:…", "aria-label": "Search in the log", spellcheck: "false",
    onkeydown: searchKey, oninput: () => (clearTimeout(timer), (timer = setTimeout(() => setFilter("search", search.value), SEARCH_DELAY))),
  });
  const [streams, levels, since] = ["stream", "level", "since"].map(select);
  const [from, until] = ["since", "until"].map(moment);
  const range = h("span.range", from, "–", until);
  const toggles = {
    follow: button("", "Follow", "Follow the newest lines, or hold still (f)", () => (following ? hold() : resume())),
    only: button("", "Only matches", "Only lines that match, or all with matches marked (F)", () => setFilter("only", !filters.only)),
    times: button("", "Times", "Show the time of each line (t)", () => flip("times")),
    wrap: button("", "Wrap", "Wrap long lines (z)", () => flip("wrap")),
    records: button("", "Records", "Show level, message and fields of JSON and logfmt lines, or these as they are (p)", () => flip("records")),
  };
  const element = h("div.log", h("div.bar", { role: "toolbar", "aria-label": "Log" },
    toggles.follow, search, found, toggles.only, streams, levels, since, range, toggles.times, toggles.wrap, toggles.records, h("span.grow"),
    button(".quiet", "Copy", "Copy the selection, or these lines (y)", copy),
    button(".quiet", "Download", "Save up to 10,000 lines that pass the filters (w)", download)), notice, h("div.viewport", rows, pill));

  function select(name) {
    const node = h("select", { name, "aria-label": name, onchange: () => setFilter(name, node.value) },
      Object.entries(CHOICES[name]).map(([value, text]) => h("option", { value }, text)));
    node.value = name === "since" && filters.until ? "range" : filters[name];
    return node;
  }
  function moment(name) {
    const change = () => setFilter(name, node.value ? new Date(node.value).toISOString() : name === "since" ? "range" : "");
    const node = h("input", { type: "datetime-local", step: 1, "aria-label": name, onchange: change });
    const time = Date.parse(filters[name]);
    if (time) node.value = new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
    return node;
  }
  function setFilter(name, value) {
    if (name === "since" && value in CHOICES.since && value !== "range") filters.until = from.value = until.value = "";
    filters[name] = value;
    name === "search" && !filters.only ? highlight((match = -1)) : begin();
  }
  function query(more) {
    const { level, stream, search, since, until, only } = filters;
    return { level, stream, since: since === "range" ? "" : since, until, search: only && search, ...more };
  }
  const say = (text) => setText(notice, text);
  const fetchLines = (more, options) => request(processPath(id, "/logs"), { query: query(more), ...options });

  /** Forget what is shown, and ask for what passes the filters now: a stream of lines, or those up to a time. */
  function begin() {
    stop();
    [recent, incoming, newer, match, following, place] = [[], [], 0, -1, !filters.until, {}];
    rows.replaceChildren();
    say("");
    const take = (lines) => (receive(lines), say(lines.length ? "" : "No line passes these filters."));
    if (filters.until) fetchLines({ lines: MAX_ROWS }).then(take, (error) => say(error.message));
    stop = filters.until ? () => {} : whileVisible(live);
    updateBar();
  }
  async function live(signal) {
    const options = query({ lines: MAX_ROWS, rate: LINES_PER_SECOND });
    try {
      if (!hasStreams) return await poll(signal);
      for await (const events of stream(processPath(id, "/logs/stream"), options, signal, say, place)) {
        receive(events.map(({ type, data }) => (type === "missed" ? { missed: data.lines } : data)));
      }
    } catch (error) {
      say(error.message);
    }
  }

  /** Ask every second for the lines after the last one: by number, or by time if the manager may be another one. */
  async function poll(signal) {
    for (let manager; !signal.aborted; await pause(POLL_INTERVAL, signal)) {
      const last = [...recent, ...incoming].findLast((item) => item.seq !== undefined);
      const after = manager === state.about?.startTime ? last?.seq : undefined;
      const isFresh = ({ time, seq }) => !last || (time === last.time || after !== undefined ? seq > last.seq : time > last.time);
      manager = state.about?.startTime;
      try {
        let lines = await fetchLines({ lines: LINES_PER_SECOND, after }, { signal });
        if (after !== undefined && lines.length === LINES_PER_SECOND) lines = await fetchLines({ lines: LINES_PER_SECOND }, { signal }); // the newest
        const fresh = lines.filter(isFresh);
        const hasGap = last && fresh.length === LINES_PER_SECOND && fresh[0].seq !== last.seq + 1;
        receive(hasGap ? [{ missed: "Some" }, ...fresh] : fresh);
        say("");
      } catch (error) {
        if (error.status && error.status !== 503) throw error;
        manager = say(signal.aborted ? "" : "Waiting for the manager…");
      }
    }
  }
  function receive(items) {
    incoming = [...incoming, ...items].slice(-MAX_RECENT);
    frame ||= requestAnimationFrame(() => show(incoming));
  }
  function show(items) {
    [incoming, frame] = [[], 0];
    // Unfinished lines stay last, until something of their stream replaces them.
    const all = [...recent.splice(recent.findLastIndex((item) => !item.partial) + 1), ...items];
    const isOpen = (item, place) => item.partial && !all.slice(place + 1).some((later) => later.stream === item.stream);
    const lines = all.filter((item) => !item.partial);
    for (const item of lines) {
      // A new manager counts from 1 again; lines that it finds in the files of the former one have numbers below.
      if (recent.at(-1)?.seq >= item.seq) item.isFirst = renumber(recent, recent.at(-1).seq);
      recent.push(item);
    }
    const shown = [...lines, ...all.filter(isOpen)];
    recent = [...recent, ...shown.slice(lines.length)].slice(-MAX_RECENT);
    if (following || !rows.children.length) append(shown);
    else newer += lines.length;
    updateBar();
  }
  function append(items) {
    while (rows.lastChild?.item?.partial) rows.lastChild.remove();
    rows.append(...rowsOf(items.slice(-MAX_ROWS), rows.lastChild?.item));
    trim("firstChild");
    if (following) toEnd();
    highlight();
  }
  const toEnd = () => ((rows.scrollTop = rows.scrollHeight), (top = rows.scrollTop));
  const resized = new ResizeObserver(() => following && toEnd()); // a banner has come or gone
  const firstLine = () => [...rows.children].find((row) => row.item?.seq !== undefined)?.item;
  const load = (more) => ((isLoading = true), fetchLines(more).catch((error) => (say(error.message), [])).finally(() => (isLoading = false)));
  const trim = (end) => [...rows.children].slice(MAX_ROWS).forEach(() => rows[end].remove());

  /** Show what comes above the first row: lines that are in memory, else the manager's. */
  async function extendUp() {
    const first = firstLine();
    if (!first || isLoading) return;
    let older = recent.slice(0, Math.max(0, recent.indexOf(first))).slice(-PAGE);
    if (!older.length) older = await load({ lines: PAGE, before: first.seq });
    if (!older.length || first !== firstLine()) return;
    const height = rows.scrollHeight;
    rows.prepend(...rowsOf(older));
    rows.scrollTop += rows.scrollHeight - height;
    if (!following) trim("lastChild");
    highlight();
  }

  /** Show what comes below the last row: lines that are in memory, or the manager's if some between are not. */
  async function extendDown(last) {
    const place = recent.findIndex((item) => item.seq > last.seq);
    const isGap = place === 0 && recent[0].seq > last.seq + 1;
    const next = isGap ? await load({ lines: PAGE, after: last.seq }) : recent.slice(place, place + PAGE);
    if (last !== rows.lastChild?.item) return;
    rows.append(...rowsOf(next, last));
    const height = rows.scrollHeight;
    trim("firstChild");
    rows.scrollTop -= height - rows.scrollHeight;
    newer = countNewer();
    highlight();
  }
  function countNewer() {
    while (rows.lastChild?.item?.partial) rows.lastChild.remove();
    return recent.filter((item) => item.seq > rows.lastChild?.item?.seq).length;
  }
  function onScroll() {
    const below = rows.scrollHeight - rows.scrollTop - rows.clientHeight;
    const [wasFollowing, isUp] = [following, rows.scrollTop < top];
    top = rows.scrollTop;
    if (below > 4 && isUp) following = false;
    if (below < NEAR && !wasFollowing) following = !countNewer() && below <= 4 && !filters.until;
    if (below < NEAR && !wasFollowing && !isLoading && countNewer()) extendDown(rows.lastChild.item);
    if (rows.scrollTop < NEAR && rows.scrollHeight > rows.clientHeight) extendUp();
    if (following) newer = 0;
    updateBar();
  }
  const hold = () => updateBar((following = false));
  const flip = (name) => ((shown[name] = !shown[name]), updateBar(), following && append(recent.filter((item) => item.partial)));

  function resume() {
    if (filters.until) return setFilter("since", (since.value = ""));
    [following, newer] = [true, 0];
    rows.replaceChildren();
    append(recent);
    updateBar();
  }
  function updateBar() {
    for (const [name, isOn] of Object.entries({ follow: following, only: filters.only, ...shown })) {
      setAttribute(toggles[name], "aria-pressed", String(isOn));
      rows.classList.toggle(name, isOn);
    }
    toggles.only.hidden = !filters.search;
    range.hidden = since.value !== "range";
    pill.hidden = following || !(newer || filters.until);
    setText(pill, newer ? `▼ ${grouped(newer)} new` : "▼ Newest");
  }

  /** Mark what is searched for. The marks are ranges, not elements: the text stays as it is. */
  function highlight() {
    const words = (filters.search.match(TERMS) ?? []).filter((term) => !NO_WORD.test(term)).map((term) => term.replaceAll('"', ""));
    const ranges = [...rows.children].flatMap((row) => words.flatMap((word) => rangesIn(row, word)));
    const current = ranges.slice(match, match + 1);
    for (const [name, marked] of Object.entries({ match: ranges, current })) CSS.highlights?.set(name, new Highlight(...marked));
    setText(found, filters.search && (current.length ? `${match + 1} of ${ranges.length}` : `${grouped(ranges.length)} found`));
    return ranges;
  }
  function hop(step) {
    const count = highlight().length;
    if (!count) return;
    hold();
    match = match < 0 ? (step < 0 ? count - 1 : 0) : (match + step + count) % count;
    highlight()[match].startContainer.parentElement.scrollIntoView({ block: "center" });
  }
  function searchKey(event) {
    if (event.key === "Enter") hop(event.shiftKey ? 1 : -1);
    if (event.key === "Escape") (setFilter("search", (search.value = "")), rows.focus());
  }
  async function copy() {
    const chosen = String(getSelection());
    const lines = [...rows.children].map((row) => row.item).filter((item) => item?.text !== undefined);
    const text = lines.map((line) => `${shown.times ? `${line.time} ` : ""}${line.text}\n`).join("");
    await navigator.clipboard.writeText(chosen || text).then(
      () => toast(chosen ? "Copied the selection" : `Copied ${grouped(lines.length)} lines`),
      () => toast("The browser does not let this page copy; select lines and copy them yourself", "bad"));
  }
  async function download() {
    const asked = fetchLines({ lines: MAX_DOWNLOAD, format: "text" }, { raw: true });
    const blob = await asked.then((answer) => answer.blob()).catch((error) => toast(error.message, "bad"));
    if (blob) h("a", { href: URL.createObjectURL(blob), download: `${id}.log` }).click();
  }
  const next = (node) => () => {
    node.selectedIndex = (node.selectedIndex + 1) % node.options.length;
    setFilter(node.name, node.value);
  };
  begin();
  resized.observe(rows);
  return {
    element,
    close: () => (stop(), resized.disconnect(), cancelAnimationFrame(frame), CSS.highlights?.clear()),
    keys: {
      f: () => toggles.follow.click(), t: () => flip("times"), z: () => flip("wrap"), p: () => flip("records"), "/": () => search.focus(),
      o: next(streams), l: next(levels), n: () => hop(-1), N: () => hop(1), F: () => toggles.only.click(),
      y: copy, w: download, G: resume, End: resume, g: () => (hold(), (rows.scrollTop = 0)),
    },
  };
}

const renumber = (items, last) => items.every((item) => ((item.seq -= last), true));

/** `before` is the line above these. */
function rowsOf(items, before) {
  return items.flatMap((item) => {
    // Lines of a former manager may have run 0: which one it was is not known.
    const isNewRun = item.run && (item.isFirst || (before?.run ?? item.run) !== item.run);
    before = item;
    const row = item.missed ? h("div.gap", `${grouped(item.missed)} lines left out here`) : lineOf(item);
    row.item = item;
    return isNewRun ? [h("div.gap", `run ${item.run}`), row] : [row];
  });
}

function lineOf(line) {
  const time = line.time && h("time", { datetime: line.time, title: dayTime(line.time, 0) }, clockTime(line.time));
  const record = line.fields && recordOf(line);
  return h(`div.line.${line.stream}`, { "data-level": line.level, "data-partial": line.partial }, time, h("span.text", line.text), record);
}

/** A JSON or logfmt line: level and message first, then the other fields. */
function recordOf({ fields, level = "" }) {
  const message = MESSAGE_KEYS.find((name) => typeof fields[name] === "string");
  const rest = Object.entries(fields).filter(([name]) => name !== message && !KNOWN_KEYS.has(name));
  const text = ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`;
  return h("span.record", `${level.toUpperCase().padEnd(5)} ${fields[message] ?? ""}  `, h("span.dim", rest.map(text).join("  ")));
}

/** Where a word stands in a row; small letters also find capitals. */
function rangesIn(row, search) {
  const place = (shown.records && row.querySelector(".record")) || row.querySelector(".text");
  return [...(place?.childNodes ?? [])].flatMap((child) => rangesInText(child.firstChild ?? child, search));
}

function rangesInText(node, search) {
  const text = search === search.toLowerCase() ? node.data.toLowerCase() : node.data;
  const ranges = [];
  for (let at = text.indexOf(search); at >= 0 && at + search.length <= node.length; at = text.indexOf(search, at + search.length)) {
    ranges.push(new StaticRange({ startContainer: node, startOffset: at, endContainer: node, endOffset: at + search.length }));
  }
  return ranges;
}
