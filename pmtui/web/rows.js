// One process as a row of the table: the dashboard's columns, words, tones, filter language, order and sections.
import { comingTime, countdown, duration, hms, memory, percent, rate } from "./format.js";

const LABELS = {
  waiting: ["◌", "dim"], starting: ["◐", "accent"], running: ["●", "good"], stopping: ["◑", "warn"], crashed: ["↻", "warn"],
  scheduled: ["◔", "dim"], stopped: ["■", "dim"], completed: ["✓", "dim"], failed: ["✖", "bad"], unhealthy: ["▲", "warn"], retrying: ["↻", "warn"],
};
const STATUSES = Object.keys(LABELS).slice(0, 9);
export const HEADER_ORDER = ["running", "unhealthy", "retrying", "failed", "starting", "waiting", "stopping", "scheduled", "completed", "stopped"];
const RESTARTED = {
  crash: "restarted after a crash", exit: "restarted after it exited", user: "restarted by user", config: "restarted: config changed",
  watch: "restarted: a file changed", memory: "restarted: too much memory", health: "restarted: unhealthy", dependency: "restarted after a dependency",
  schedule: "started by schedule", catchUp: "started late: it was missed", deadline: "restarted: it took too long",
};
const NOTHING = ["–", "dim"];
export const glyph = (status) => LABELS[status]?.[0] ?? "·";
export const tone = (status) => LABELS[status]?.[1] ?? "text";
export const isInactive = (row) => ["stopped", "completed", "failed"].includes(row.status);
const whileAlive = (row, text, tone = "text") => (row.pid ? [text, tone] : NOTHING);

/** What a status alone does not say, or "". */
function problemOf(row) {
  if (row.status === "crashed") return "retrying";
  if (row.status === "failed") return row.blocked ? "blocked" : "";
  return row.health === "unhealthy" && row.pid ? "unhealthy" : "";
}
const hasFailedLast = (row) => row.status === "scheduled" && row.reason !== "";
export const isProblem = (row) => row.status === "failed" || problemOf(row) !== "" || hasFailedLast(row);
/** The status that a process is counted as. */
export const countedAs = (row) => (row.status === "failed" ? "failed" : problemOf(row) || row.status);

export function statusCell(row, now) {
  const problem = problemOf(row);
  if (problem === "unhealthy") return ["▲ unhealthy", "warn"];
  const text = problem === "retrying" && row.nextStart ? retryText(row, now) : problem || row.status;
  return [`${glyph(row.status)} ${text}`, hasFailedLast(row) ? "warn" : tone(row.status)];
}
function retryText(row, now) {
  const left = countdown((Date.parse(row.nextStart) - now) / 1000);
  if (row.exitCode === 0) return `exit 0, again in ${left}`;
  return `retry in ${left} (${row.failures}${row.maxRetries >= 0 ? `/${row.maxRetries}` : ""})`;
}

/** Lines per second, marked with the worst level of the last minute. */
function activityCell({ pid, lineRate, level }) {
  if (!pid && !lineRate && !level) return ["–  ", "dim"];
  const [symbol, tone] = !level ? [" ", "dim"] : level === "warn" ? ["▲", "warn"] : ["✖", "bad"];
  return [`${rate(lineRate)} ${symbol}`, tone];
}
const ENDED = {
  "": "ok", deadline: "ended at its deadline after", replaced: "replaced after", user: "stopped after", shutdown: "ended with the manager after",
  health: "ended as unhealthy after", memory: "ended for its memory after", watch: "restarted after", config: "ended by a new config after",
  dependency: "restarted after",
};

/** When a job is started next, and how its last run ended. */
function scheduleText({ nextStart, lastRun, reason }, now) {
  const next = nextStart && `next ${comingTime(nextStart, now)} (in ${countdown((Date.parse(nextStart) - now) / 1000)})`;
  if (!lastRun) return [next, reason].filter(Boolean).join(" · ");
  const how = ENDED[lastRun.reason];
  const last = how ? `last ${how} ${hms(lastRun.duration)}` : `last failed ${hms(lastRun.duration)}: ${reason || lastRun.reason}`;
  return [next, last].filter(Boolean).join(" · ");
}

/** What it is doing, what it waits for, or what made it so. */
export function whyCell(row, now = Date.now()) {
  if (row.status === "scheduled") return [scheduleText(row, now), hasFailedLast(row) ? "warn" : "dim"];
  const text = row.status === "starting" ? (row.stage || "spawning").replaceAll("-", " ") : (RESTARTED[row.reason.replace(/^user: .*/, "user")] ?? row.reason);
  return [text, ["crashed", "failed"].includes(row.status) ? tone(row.status) : "dim"];
}
const short = (count) => (count < 1000 ? String(count) : `${Math.floor(count / 1000)}k`);
const cpuTone = (cpu) => (cpu < 0.05 ? "dim" : cpu >= 90 ? "warn" : "text");
const portCell = ({ ports }) => (ports.length ? [ports[0] + (ports.length > 1 ? "+" : ""), "text"] : NOTHING);

/** Key, title, what a cell says, what the table is sorted by; `isDescending`: the largest comes first. */
export const COLUMNS = [
  ["id", "ID", (row) => [row.id, "text"], (row) => row.id],
  ["pid", "PID", (row) => whileAlive(row, String(row.pid), "dim"), (row) => row.pid],
  ["status", "STATUS", statusCell, (row) => STATUSES.indexOf(row.status)],
  ["uptime", "UP", (row) => whileAlive(row, duration(row.uptimeSeconds)), (row) => row.uptimeSeconds, true],
  ["restarts", "↺", (row) => [short(row.restartCount), row.restartCount ? "text" : "dim"], (row) => row.restartCount, true],
  ["cpu", "CPU%", (row) => whileAlive(row, percent(row.cpu), cpuTone(row.cpu)), (row) => row.cpu, true],
  ["spark", ""],
  ["memory", "MEM", (row) => (row.memory ? [memory(row.memory), "text"] : NOTHING), (row) => row.memory, true],
  ["activity", "L/S", activityCell, (row) => row.lineRate, true],
  ["port", "PORT", portCell, (row) => row.ports[0] ?? 0],
  ["why", "WHY", whyCell, (row) => row.reason || "\u{10ffff}"],
].map(([key, title, cell, order, isDescending = false]) => ({ key, title, cell, order, isDescending }));

/** Whether a row passes a filter of words, `!not`, `@group` and `is:failed`, all of which must hold. */
export const matches = (filter, row) => filter.toLowerCase().split(/\s+/).filter(Boolean).every((word) => holds(word, row));

function holds(word, row) {
  if (word.startsWith("!")) return word.length === 1 || !holds(word.slice(1), row);
  if (word.startsWith("@")) return (row.group || "").toLowerCase().startsWith(word.slice(1));
  const is = (text) => text.startsWith(word.slice(3));
  if (word.startsWith("is:")) return is(row.status) || is(problemOf(row) || row.status) || (word === "is:problem" && isProblem(row));
  return [row.id, row.group || "", row.command, row.status].some((text) => text.toLowerCase().includes(word));
}
export const isFalling = (column, inverted) => column.isDescending !== inverted;

/** The rows to show, in order. `sort` null is the order of the config. */
export function arrange(rows, { filter, problemsOnly, sort, inverted }) {
  const shown = rows.filter((row) => matches(filter, row) && (!problemsOnly || isProblem(row)));
  const column = COLUMNS.find((known) => known.key === sort);
  if (!column) return inverted ? shown.reverse() : shown;
  const sign = isFalling(column, inverted) ? -1 : 1;
  const compare = (a, b) => (a < b ? -sign : a > b ? sign : 0);
  return shown.sort((a, b) => compare(column.order(a), column.order(b)));
}

/** The lines of the table in its own order: what needs a look, then the groups. Headers only if there is a group. */
export function layOut(rows, problems, folded) {
  const groups = Map.groupBy(rows, (row) => `@${row.group ?? ""}`);
  const names = [...groups.keys()].sort((a, b) => (a === "@") - (b === "@"));
  const urgent = rows.filter((row) => problems.has(row.id));
  const sections = [["!", urgent, urgent], ...names.map((key) => [key, groups.get(key).filter((row) => !problems.has(row.id)), groups.get(key)])];
  const hasHeaders = names.some((key) => key !== "@");
  return sections.filter(([, shown]) => shown.length).flatMap(([key, shown, members]) => {
    const isFolded = hasHeaders && folded.has(key);
    return [...(hasHeaders ? [sectionOf(key, shown, members, isFolded)] : []), ...(isFolded ? [] : shown)];
  });
}
function sectionOf(id, rows, members, isFolded) {
  const well = members.filter((row) => ["running", "completed", "scheduled"].includes(row.status) && problemOf(row) !== "unhealthy" && !hasFailedLast(row)).length;
  const [size, lines] = [rows.reduce((sum, row) => sum + row.memory, 0), rows.reduce((sum, row) => sum + row.lineRate, 0)];
  const name = id === "!" ? `needs a look · ${rows.length}` : `${id.slice(1) || "no group"} · ${well}/${members.length} ✓`;
  return { id, rows, isFolded, title: `${isFolded ? "▸" : "▾"} ${name}`, cost: [size && memory(size), lines && `${rate(lines)}/s`].filter(Boolean).join("  ") };
}
