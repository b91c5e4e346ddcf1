// What the page knows of the manager: one look a second while it is visible, and state changes as they come.
import { request, session, stream, whileVisible } from "./api.js";
import { SPARK_LENGTH } from "./chart.js";
import { pause } from "./dom.js";
import { isInactive, isProblem } from "./rows.js";
import { hasStreams } from "./site.js";

const [LIST_INTERVAL, ABOUT_INTERVAL, PROBLEM_PERIOD] = [1_000, 10_000, 15_000];
const EMPTY = { problems: new Map(), rows: [], about: null, staleSince: null, lastAnswer: null, trouble: "", cpu: [], history: new Map() };

export const state = { ...EMPTY };
export const updates = new EventTarget();
const changed = () => updates.dispatchEvent(new Event("update"));
export const rowOf = (id) => state.rows.find((row) => row.id === id);

/** Start to look; who wants to know listens to `updates`. */
export function watch() {
  whileVisible(poll);
  session.changes.addEventListener("change", () => {
    if (!session.token) Object.assign(state, EMPTY);
    changed();
  });
}

/** Take state changes from their stream, until what is returned is called. Without streams the list says a second later. */
export function watchEvents() {
  const take = async (signal) => {
    for await (const events of stream("api/pm/events", {}, signal)) {
      for (const { type, data } of events) if (type === "message") apply(rowOf(data.id), data);
      changed();
    }
  };
  return hasStreams ? whileVisible((signal) => take(signal).catch(() => {})) : () => {};
}

function apply(row, { to, reason }) {
  if (row) Object.assign(row, { status: to, reason, nextStart: null });
  if (row && (isInactive(row) || to === "scheduled")) Object.assign(row, { pid: 0, memory: 0, cpu: 0 });
}

async function poll(signal) {
  for (let aboutAt = -Infinity; !signal.aborted; ) {
    const begun = performance.now();
    try {
      const rows = await request("api/pm/list", { signal });
      if (rows.length !== state.rows.length || state.staleSince || begun - aboutAt > ABOUT_INTERVAL) {
        state.about = await request("api/pm/config", { signal });
        aboutAt = begun;
      }
      Object.assign(state, { rows, staleSince: null, lastAnswer: Date.now() });
      remember(rows);
    } catch (error) {
      if (signal.aborted) return;
      state.staleSince ??= state.lastAnswer ?? Date.now();
      state.trouble = error.message;
    }
    changed();
    await pause(Math.max(50, LIST_INTERVAL - (performance.now() - begun)), signal);
  }
}

function remember(rows) {
  const longer = (past = [], value) => [...past, value].slice(-SPARK_LENGTH);
  state.cpu = longer(state.cpu, rows.reduce((sum, row) => sum + row.cpu, 0));
  // Who has recovered stays among the problems for a while, so that a crash loop does not jump.
  const recent = [...state.problems].filter(([id, seen]) => rowOf(id) && Date.now() - seen < PROBLEM_PERIOD);
  state.problems = new Map([...recent, ...rows.filter(isProblem).map((row) => [row.id, Date.now()])]);
  state.history = new Map(rows.map((row) => {
    const past = state.history.get(row.id);
    return [row.id, { cpu: longer(past?.cpu, row.cpu), memory: longer(past?.memory, row.memory) }];
  }));
}
