// Who needs whom, as a picture: dependencies stand to the left of what needs them.
import { request, whileVisible } from "./api.js";
import { h, pause, redraw, svg } from "./dom.js";
import { glyph, tone } from "./rows.js";

const REFRESH_INTERVAL = 3_000;
const [WIDTH, HEIGHT, GAP_X, GAP_Y, LONGEST_NAME] = [180, 44, 110, 16, 20];

/** The graph around a process: all that it needs, and all that needs it. */
export function graphView(id) {
  const picture = h("div.scroll", { tabindex: 0, role: "group", "aria-label": "Dependency graph" });
  const stop = whileVisible(async (signal) => {
    for (; !signal.aborted; await pause(REFRESH_INTERVAL, signal)) {
      const graph = await request("api/pm/graph", { signal }).catch(() => null);
      if (graph) draw(graph, JSON.stringify(graph));
    }
  });

  function draw(graph, key) {
    const near = connected(graph, id);
    const edges = graph.edges.filter((edge) => near.has(edge.from) && near.has(edge.to));
    const none = "It needs no other process, and none needs it (dependsOn).";
    redraw(picture, key, () => (edges.length ? drawing(graph, edges, id) : h("p.dim", none)));
  }
  return { element: h("div.graph", picture), close: stop, keys: {} };
}

function drawing(graph, edges, id) {
  const isLinked = (name) => edges.some((edge) => edge.from === name || edge.to === name);
  const levels = graph.order.map((level) => level.filter(isLinked)).filter((level) => level.length);
  const place = (column, row) => [1 + column * (WIDTH + GAP_X), 1 + row * (HEIGHT + GAP_Y)];
  const places = new Map(levels.flatMap((level, column) => level.map((name, row) => [name, place(column, row)])));
  const [width, height] = place(levels.length, Math.max(...levels.map((level) => level.length)));
  return svg("svg", { width: width - GAP_X + 1, height },
    edges.map((edge) => arrow(edge, places.get(edge.to), places.get(edge.from))),
    graph.nodes.filter((node) => places.has(node.id)).map((node) => box(node, places.get(node.id), node.id === id)));
}

const edgeTone = (edge) => (edge.met ? "dim" : edge.forever ? "bad" : "warn");

function arrow(edge, [fromX, fromY], [toX, toY]) {
  const [x1, y1, y2, bend] = [fromX + WIDTH, fromY + HEIGHT / 2, toY + HEIGHT / 2, GAP_X / 2];
  const path = `M${x1},${y1}C${x1 + bend},${y1} ${toX - bend},${y2} ${toX},${y2}`;
  const words = `${edge.from} needs ${edge.to} ${edge.condition}${edge.why ? `: ${edge.why}` : ""}`;
  return svg("g", { role: "img", "aria-label": words, "data-tone": edgeTone(edge) }, svg("title", words), svg("path.edge", { d: path }),
    svg("text.status", { x: x1 + 8, y: y1 - 5 }, `${edge.met ? "✓" : "◌"} ${edge.condition}`));
}

function box(node, [x, y], isCurrent) {
  const name = node.id.length > LONGEST_NAME ? `${node.id.slice(0, LONGEST_NAME - 1)}…` : node.id;
  const label = `${node.id}: ${node.status}${node.reason ? `, ${node.reason}` : ""}`;
  return svg("a", { href: `#/p/${encodeURIComponent(node.id)}/graph`, "aria-label": label, "aria-current": isCurrent && "true" },
    svg("title", label), svg("rect", { x, y, width: WIDTH, height: HEIGHT, rx: 8 }), svg("text", { x: x + 12, y: y + 19 }, name),
    svg("text.status", { x: x + 12, y: y + 35, "data-tone": tone(node.status) }, `${glyph(node.status)} ${node.status}`));
}

function connected(graph, id) {
  const reach = (from, to) => {
    const found = new Set([id]);
    for (const name of found) for (const edge of graph.edges) if (edge[from] === name) found.add(edge[to]);
    return [...found];
  };
  return new Set([...reach("from", "to"), ...reach("to", "from")]);
}
