// How quantities and times are written: the same words as in the dashboard and in the shell.

const UNITS = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];

/** The two largest units: 45s, 5m12s, 2h30m, 3d4h. */
export function duration(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  const place = UNITS.findIndex(([, size]) => left >= size);
  if (place < 0) return "0s";
  const [[name, size], [lower, lowerSize] = ["", left + 1]] = UNITS.slice(place);
  const rest = Math.floor((left % size) / lowerSize);
  return `${Math.floor(left / size)}${name}${rest ? `${rest}${lower}` : ""}`;
}

/** What is left, rounded up so that 0s is never shown before its time. */
export const countdown = (seconds) => duration(Math.max(1, Math.ceil(seconds)));

export function memory(bytes) {
  let amount = bytes;
  for (const unit of ["B", "KB", "MB"]) {
    if (amount < 1000) return `${amount.toFixed(0)} ${unit}`;
    amount /= 1024;
  }
  return `${amount.toFixed(amount < 100 ? 1 : 0)} GB`;
}

/** A number per second in at most four characters. */
export function rate(value) {
  if (value < 0.05) return "0";
  return value < 9.95 ? value.toFixed(1) : value < 1000 ? value.toFixed(0) : `${(value / 1000).toFixed(0)}k`;
}
export const percent = (value) => value.toFixed(value < 99.95 ? 1 : 0);
export const grouped = (count) => count.toLocaleString("en-US");
export const plural = (count, one, many) => `${grouped(count)} ${count === 1 ? one : many}`;
const padded = (number, width = 2) => String(number).padStart(width, "0");

/** Local time of day, with milliseconds as it stands before a log line. */
export function clockTime(time, withMs = true) {
  const date = new Date(time);
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => padded(part)).join(":");
  return withMs ? `${clock}.${padded(date.getMilliseconds(), 3)}` : clock;
}

/** Hours, minutes and seconds: 00:04:11. */
export const hms = (seconds) => [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => padded(Math.floor(part))).join(":");

/** A time to come: 02:00 within a day, Mon 02:00 within a week, else 30 Nov 02:00. */
export function comingTime(time, now) {
  const [date, left] = [new Date(time), Date.parse(time) - now];
  const name = (options) => `${date.toLocaleString("en-US", options)} `;
  const day = left < 864e5 ? "" : left < 6 * 864e5 ? name({ weekday: "short" }) : `${padded(date.getDate())} ${name({ month: "short" })}`;
  return `${day}${padded(date.getHours())}:${padded(date.getMinutes())}`;
}

/** Local time of day; the day stands before it if it is not that of `now`. */
export function dayTime(time, now = Date.now()) {
  const date = new Date(time);
  if (date.toDateString() === new Date(now).toDateString()) return clockTime(date, false);
  return `${padded(date.getDate())} ${date.toLocaleString("en-US", { month: "short" })} ${clockTime(date, false)}`;
}
