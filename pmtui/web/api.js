// Requests to the manager, the token they carry, and streams of server-sent events.
import { pause } from "./dom.js";
import { refusals, root, tokenAtHand } from "./site.js";

const [STORED, REQUEST_TIMEOUT, RETRY_DELAY] = ["pmtui-token", 15_000, 1_000];
/** An answer that is not what was asked for; status 0: there was none. */
const apiError = (status, message) => Object.assign(new Error(message), { status });
/** The first letter is encoded: a process may have the name of a route, such as `list`. */
export const processPath = (id, rest = "") => `api/pm/%${id.charCodeAt(0).toString(16)}${encodeURIComponent(id.slice(1))}${rest}`;

export const session = {
  token: sessionStorage.getItem(STORED) || tokenAtHand(),
  changes: new EventTarget(),
  use(token, message = "") {
    Object.assign(this, { token: token.trim(), message });
    sessionStorage.setItem(STORED, this.token);
    this.changes.dispatchEvent(new Event("change"));
  },
};

/** Ask the manager; the answer as JSON, or the Response itself with `raw`. An answer that refuses the token ends the session. */
export async function request(path, { method = "GET", query = {}, headers, signal, raw, timeout = REQUEST_TIMEOUT } = {}) {
  const url = new URL(path, root);
  for (const [name, value] of Object.entries(query)) if (value || value === 0) url.searchParams.set(name, value);
  const { token } = session;
  const until = AbortSignal.any([signal, timeout && AbortSignal.timeout(timeout)].filter(Boolean));
  const options = { method, signal: until, cache: "no-store", credentials: "omit" };
  let response;
  try {
    response = await fetch(url, { ...options, headers: { Authorization: `Bearer ${token}`, ...headers } });
    if (response.ok) return raw ? response : await response.json();
  } catch {
    throw apiError(0, "The manager does not answer.");
  }
  const { message = `The manager answered ${response.status}.` } = await response.json().catch(() => ({}));
  const refusal = refusals[response.status];
  if (refusal && token === session.token) session.use("", token && refusal);
  throw apiError(response.status, message);
}

/** Follow a stream of events, coming back to where it was, which is kept in `place`; yields what came at once as a list. */
export async function* stream(path, query, signal, onState = () => {}, place = {}) {
  for (; !signal.aborted; await pause(RETRY_DELAY, signal)) {
    try {
      const headers = place.id ? { "Last-Event-ID": place.id } : {};
      const response = await request(path, { query, headers, signal, raw: true, timeout: 0 });
      onState("");
      for await (const events of parsed(response.body)) {
        place.id = events.findLast((event) => event.id)?.id ?? place.id;
        yield events.filter((event) => event.data);
      }
    } catch (error) {
      if (!signal.aborted && error.status && error.status !== 503) throw error;
    }
    if (!signal.aborted) onState("Waiting for the manager…");
  }
}

async function* parsed(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    yield blocks.map(eventOf);
  }
}

function eventOf(block) {
  const fields = Object.fromEntries(block.split("\n").map((line) => [line.split(": ", 1)[0], line.slice(line.indexOf(": ") + 2)]));
  return { type: fields.event ?? "message", id: fields.id ?? "", data: fields.data ? JSON.parse(fields.data) : null };
}

/** Run `work(signal)` while the page is visible and signed in, again each time it becomes so; returns what ends it. */
export function whileVisible(work) {
  const ending = new AbortController();
  let running = null;
  const update = () => {
    const isWanted = !document.hidden && session.token && !ending.signal.aborted;
    if (!isWanted) running = running?.abort();
    else if (!running) work((running = new AbortController()).signal);
  };
  document.addEventListener("visibilitychange", update, ending);
  session.changes.addEventListener("change", update, ending);
  update();
  return () => (ending.abort(), update());
}
