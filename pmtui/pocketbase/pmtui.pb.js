// Written by "pmtui plugin install"; "pmtui plugin uninstall" removes it. Changes are lost at the next "install".
/// <reference path="../pb_data/types.d.ts" />

// pmtui inside PocketBase: "./pocketbase serve" starts the processes of a config, and ends them when it ends.
//
//   /api/pm/...      the manager's REST API, for superusers
//   /api/agent/...   a process whose config has "pocketbase": {"route": "/api/agent"}
//   /_pm/            the manager's web page, where superusers sign in
//   /_pm/log         where the manager posts the output of its processes
//
// PocketBase runs each handler in a separate context, where nothing below exists: handlers load this file as a module to
// get at its functions, and what start() has to leave for the others is in $app.store().

const PMTUI = "@PMTUI@" // the command that wrote this file
const CONFIG = "@CONFIG@" // if empty: the first of CONFIGS that exists; PMTUI_CONFIG in the environment wins
const CONFIGS = ["pb_processes.json", "pb_data/pb_processes.json"]
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] // PocketBase answers OPTIONS, and cannot register "any"
const SWITCHES = ["dev", "hooksWatch", "automigrate", "indexFallback"] // PocketBase's options without a value
const LEVELS = { 0: "info", 4: "warn", 8: "error" } // of PocketBase's log
const [MAX_BODY, TIMEOUT] = [5 << 20, 125] // bytes; seconds, while the manager gives up after 120
/** Headers that belong to one connection. */
const HOP = /^(connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|content-length|host|expect)$/i
/** Headers that a client cannot pass on to a process, because they are the manager's or this file's. */
const OWN = /^(authorization|origin|x-pocketbase-.*|x-pmtui-.*|x-forwarded-prefix)$/i

/** Whether this is "pocketbase serve". Its other commands, such as "superuser", load this file too. */
function isServe() {
  const args = $os.args.slice(1)
  while (args[0]?.startsWith("-")) {
    const option = String(args.shift()).replace(/^-+/, "")
    if (!option.includes("=") && !SWITCHES.includes(option)) args.shift() // its value
  }
  return args[0] === "serve"
}

/** The absolute path of the config, or "" if there is none. Relative paths start at the folder that holds pb_hooks. */
function configPath() {
  const home = $filepath.dir(__hooks)
  const absolute = (path) => ($filepath.isAbs(path) ? path : $filepath.join(home, path))
  const named = $os.getenv("PMTUI_CONFIG") || CONFIG
  if (named) return absolute(named)
  for (const path of CONFIGS.map(absolute)) {
    try {
      if ($os.readFile(path)) return path
    } catch {} // no such file
  }
  return ""
}

/** Run a subcommand of "pmtui plugin"; the JSON that it prints, or {error}. */
function plugin(...args) {
  try {
    return JSON.parse(toString($os.cmd(PMTUI, "plugin", ...args).output()))
  } catch (error) {
    return { error: `${PMTUI} plugin ${args[0]}: ${toString(error.value?.stderr || "").trim() || error}` }
  }
}

/** Start the manager, unless there is no config or it runs already. Does not wait for the processes. */
function start() {
  const config = configPath()
  if (!config) return
  const pid = toString($os.readFile("/proc/self/stat")).split(" ")[0]
  const options = ["--config", config, "--pid", pid, "--data-dir", $app.dataDir(), ...($app.isDev() ? ["--dev"] : [])]
  const result = plugin("host-start", ...options, "--", ...$os.args)
  const stop = result.started ? ["plugin", "host-stop", "--config", config, "--pid", pid] : null
  $app.store().set("pmtui", { folder: result.folder, command: PMTUI, stop })
  if (result.error) report(result.error)
  else console.log(`pmtui: ${result.message}`)
}

const report = (error) => (console.error(`pmtui: ${error}`), $app.logger().error(`[pmtui] ${error}`))

/** The manager's {url, token}, or {} while none runs (a zombie's port may be another's). Read for each request. */
function findManager() {
  const read = (path) => toString($os.readFile(path)).trim()
  try {
    const folder = $app.store().get("pmtui")?.folder || $filepath.join($filepath.dir(configPath()), ".pmtui")
    const { pid, startTicks, boot, url } = JSON.parse(read(`${folder}/instance.json`))
    const [state, ...stat] = read(`/proc/${pid}/stat`).split(") ").pop()?.split(" ") || []
    if (state === "Z" || Number(stat[18]) !== startTicks || read("/proc/sys/kernel/random/boot_id") !== boot) return {}
    return { url, token: $os.getenv("PMTUI_TOKEN") || read(`${folder}/token`) }
  } catch {
    return {} // no such file: it does not run
  }
}

/** An answer in the shape that PocketBase and the manager have in common; where the page should be, one that people can
 * read and that tries again. @param {core.RequestEvent} e */
function answer(e, status, message) {
  if (e.request.url.path !== "/_pm/") return e.json(status, { status, message, data: {} })
  e.response.header().set("Refresh", "2")
  const head = '<!doctype html><html lang="en"><title>pmtui</title><meta name="color-scheme" content="light dark">'
  return e.html(status, `${head}<meta name="viewport" content="width=device-width"><p>${message}</p>`)
}

/** Pass the request on to the manager, and its response to the client. @param {core.RequestEvent} e */
function send(e, path, headers) {
  const read = typeof toBytes === "function" ? toBytes : readerToString // an older PocketBase has no toBytes
  const body = /** @type {any} */ (read(e.request.body)) // raises PocketBase's own error 413
  const { url, token } = findManager()
  const query = e.request.url.rawQuery && `?${e.request.url.rawQuery}`
  headers = { "User-Agent": "", "Accept-Encoding": "identity", ...headers, Authorization: `Bearer ${token}` }
  let response
  try {
    if (!url) throw new Error("no manager")
    response = $http.send({ url: url + path + query, method: e.request.method, body, headers, timeout: TIMEOUT })
  } catch (error) {
    if (/timeout|deadline/i.test(String(error))) return answer(e, 504, "The manager did not answer in time.")
    e.response.header().set("Retry-After", "2")
    return answer(e, 503, "The process manager is not running; 'pmtui plugin status' shows why.")
  }
  for (const [name, values] of Object.entries(response.headers)) {
    if (HOP.test(name) || ["Date", "Server", "X-Pmtui-Status"].includes(name)) continue
    e.response.header().del(name)
    for (const value of values) e.response.header().add(name, value)
  }
  e.response.writeHeader(Number(response.headers["X-Pmtui-Status"]?.[0] || response.statusCode))
  e.response.write(response.body || response.raw)
}

/** /api/pm/...: what the manager answers, but no streams: PocketBase would hold them back until their end.
 * @param {core.RequestEvent} e */
function passToManager(e) {
  const path = e.request.url.escapedPath()
  if (/^\/api\/pm\/(events|logs\/stream|[^/]+\/logs\/stream)$/.test(path)) {
    return answer(e, 501, `PocketBase cannot pass on a stream; connect to ${findManager().url || "the manager"}${path}`)
  }
  return send(e, path, { "Content-Type": e.request.header.get("Content-Type") })
}

/** /_pm/...: the manager's web page, with another site.js. @param {core.RequestEvent} e */
function passToPage(e) {
  const path = e.request.url.escapedPath().slice("/_pm".length)
  if (!/^\/(web\/[\w.-]+)?$/.test(path)) return answer(e, 404, "Not found.")
  const headers = { "If-None-Match": e.request.header.get("If-None-Match") }
  return send(e, path.replace("site.js", "pocketbase.js"), headers)
}

/** /api/agent/...: by way of the manager, which knows the port, and whether the process is ready. The response has its
 * status in a header, since $http.send would follow a redirect. @param {core.RequestEvent} e */
function passToProcess(e) {
  const route = e.request.pattern.replace(/^\S+ /, "").replace("/{path...}", "")
  const path = e.request.url.escapedPath().split("/").slice(route.split("/").length).join("/")
  const sent = JSON.parse(toString(e.request.header))
  const listed = (sent.Connection || []).join(",").toLowerCase().split(/\s*,\s*/)
  const headers = { "X-Pmtui-Route": route, "X-Forwarded-Prefix": route }
  for (const [name, values] of Object.entries(sent)) {
    if (HOP.test(name) || OWN.test(name) || listed.includes(name.toLowerCase())) continue
    headers[name] = values.join(name === "Cookie" ? "; " : ", ")
  }
  if (sent.Origin) headers["X-Pmtui-Origin"] = sent.Origin[0]
  if (e.auth) headers["X-PocketBase-User"] = e.auth.id
  if (e.auth) headers["X-PocketBase-Collection"] = e.auth.collection().name
  return send(e, `/_pm/forward/${path}`, headers)
}

/** /_pm/log: lines as [level, message, process, stream, run], signed with the token. @param {core.RequestEvent} e */
function takeLog(e) {
  const body = toString(e.request.body)
  const { token } = findManager()
  const signature = e.request.header.get("X-Pmtui-Signature")
  if (!token || !$security.equal($security.hs256(body, token), signature)) return answer(e, 401, "Not signed.")
  const logger = /** @type {any} */ ($app.logger())
  for (const [level, message, process, stream, run] of JSON.parse(body)) {
    logger[LEVELS[level]](message, "process", process, "stream", stream, "run", run)
  }
  return e.noContent(204)
}

function register() {
  onBootstrap((e) => { e.next(); require(`${__hooks}/pmtui.pb.js`).start() }) // older versions misread (…, …) here
  onTerminate((e) => {
    const { command, stop } = $app.store().get("pmtui") || {} // without the module: its file may be gone by now
    const more = e.isRestart ? ["--no-wait"] : [] // it may take three seconds, so that start() waits for their end
    if (stop) $os.cmd(command, ...stop, ...more).output() // returns when all processes have ended
    e.next()
  })
  const [limit, superuser] = [$apis.bodyLimit(MAX_BODY), $apis.requireSuperuserAuth()]
  const silent = $apis.skipSuccessActivityLog() // of what is asked every second
  const add = (methods, path, handler, ...more) => methods.forEach((one) => routerAdd(one, path, handler, ...more))
  add(["POST"], "/_pm/log", (e) => require(`${__hooks}/pmtui.pb.js`).takeLog(e), silent, limit)
  add(["GET"], "/_pm/{path...}", (e) => require(`${__hooks}/pmtui.pb.js`).passToPage(e), silent)
  const passToManager = (e) => require(`${__hooks}/pmtui.pb.js`).passToManager(e)
  add(["GET"], "/api/pm/{path...}", passToManager, superuser, limit, silent)
  add(METHODS.slice(1), "/api/pm/{path...}", passToManager, superuser, limit)
  const config = configPath()
  const { routes = [], error } = config ? plugin("routes", "--config", config) : {}
  if (error) report(error)
  const guards = { superuser: [superuser, limit], user: [$apis.requireAuth(), limit], none: [limit] }
  const passToProcess = (e) => require(`${__hooks}/pmtui.pb.js`).passToProcess(e)
  for (const { route, auth } of routes) {
    for (const path of [route, `${route}/{path...}`]) add(METHODS, path, passToProcess, ...guards[auth])
  }
}

// PocketBase loads this file to register the handlers, and they load it as a module.
if (typeof module !== "undefined") module.exports = { start, passToPage, passToManager, passToProcess, takeLog }
else if (isServe()) register()
