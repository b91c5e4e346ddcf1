// Elements without markup: text that processes wrote can never become HTML here.

/** Make an element. `tag` may carry classes ("p.dim"); `on…` are listeners, false and null leave an attribute out. */
export const h = (tag, ...rest) => make((name) => document.createElement(name), tag, rest);
export const svg = (tag, ...rest) => make((name) => document.createElementNS("http://www.w3.org/2000/svg", name), tag, rest);
export const button = (tag, label, title, onclick, more) => h(`button${tag}`, { type: "button", title, onclick, ...more }, label);

function make(create, tag, rest) {
  const [name, ...classes] = tag.split(".");
  const node = create(name);
  if (classes.length) node.setAttribute("class", classes.join(" "));
  const isPlain = rest[0] && Object.getPrototypeOf(rest[0]) === Object.prototype;
  for (const [key, value] of Object.entries(isPlain ? rest.shift() : {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else setAttribute(node, key, value);
  }
  node.append(...rest.flat().filter((child) => child || child === 0));
  return node;
}

export function setAttribute(node, name, value) {
  if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
}

/** Write a text, and a tone if there is one, only where they differ: a table that stands still costs nothing. */
export function setText(node, text, tone) {
  if (node.shownText !== text) node.textContent = node.shownText = text;
  if (tone) setAttribute(node, "data-tone", tone);
}

/** Replace what a node holds by what `make` returns, unless `key` is the same as at the last time. */
export function redraw(node, key, make) {
  if (node.shownKey === key) return;
  node.shownKey = key;
  node.replaceChildren(...[make()].flat().filter(Boolean));
}

export const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
});
