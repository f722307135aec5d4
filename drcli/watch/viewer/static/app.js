// The page: what is looked at, what happens there, and one panel at a time.
//
// A panel is a module in panels/ with a function `mount(root, app)`, which draws into the empty element `root` and returns
// a function that ends what it has begun. It is mounted when its tab is chosen, and again for another model. `app` has
//
//   model               the prefix of the model that is looked at
//   models              the prefixes of all models
//   options             parameters of the page's address, such as width, height, quality
//   get(path, params)   a JSON document of the server; an Error says what went wrong
//   on(name, listener)  calls `listener(document)` now, if it is known, and whenever it changes; returns a function that
//                       ends this. Names: runs, status, curve, store (see run_documents.py)
//   live(listener)      calls it with each state of each worker, ten times a second; returns a function that ends this
//
// Nothing is asked of the server while the page is hidden.

import { html, nothing, render } from "./vendor/lit-html.js";
import { count, duration, number, percent } from "./words.js";

const PANELS = [
  ["now", "Now"], ["curves", "Curves"], ["track", "Track"], ["episodes", "Episodes"], ["evaluations", "Evaluations"],
  ["compare", "Compare"], ["checkpoints", "Checkpoints"], ["logs", "Logs"],
];
const AGAIN_MS = 30000;
const STATE_WORDS = { training: "training", running: "running", starting: "starting", stopping: "stopping", ended: "ended", failed: "failed", lost: "lost" };

const $ = (id) => document.getElementById(id);
const options = Object.fromEntries(new URLSearchParams(location.search));
const chosen = new URLSearchParams(location.hash.slice(1));
const page = { panel: chosen.get("panel") ?? "now", picked: chosen.get("model") ?? "", models: [], error: null };
const known = {};
const listeners = {};
let events = null;
let endPanel = () => {};
let mounting = 0;
let said = "";

export const app = {
  model: "",
  models: [],
  options,
  get,
  on(name, listener) {
    (listeners[name] ??= new Set()).add(listener);
    if (name in known) listener(known[name]);
    return () => listeners[name].delete(listener);
  },
  live(listener) {
    const source = new EventSource(`/live?${new URLSearchParams({ model: app.model })}`);
    source.addEventListener("live", (event) => listener(JSON.parse(event.data)));
    return () => source.close();
  },
};

async function get(path, params = {}) {
  const query = new URLSearchParams(params);
  const answer = await fetch(`${path}?${query}`).catch(() => null);
  if (!answer) throw new Error("The viewer does not respond. `dr start-viewer` starts it.");
  const document = await answer.json();
  if (!answer.ok) throw new Error([document.error, document.hint].filter(Boolean).join(" "));
  return document;
}

function tell(name, document) {
  known[name] = document;
  for (const listener of [...(listeners[name] ?? [])]) listener(document);
}

// Events: all runs, and the documents of one model. The browser connects again by itself.
function listen() {
  events?.close();
  events = new EventSource(`/events?${new URLSearchParams(app.model ? { model: app.model } : {})}`);
  events.onopen = () => warn("");
  events.onerror = () => warn("The viewer does not respond; trying again …");
  for (const name of ["runs", "status", "curve", "store"]) {
    events.addEventListener(name, (event) => take(name, JSON.parse(event.data)));
  }
}

function take(name, document) {
  if (name === "curve") {
    const { from, points, evaluations, source } = document;
    const old = known.curve ?? { points: [], evaluations: [] };
    document = {
      source,
      points: [...old.points.slice(0, from.points), ...points],
      evaluations: [...old.evaluations.slice(0, from.evaluations), ...evaluations],
    };
  }
  tell(name, document);
  if (name === "runs") follow();
  drawHead();
}

// The model that is looked at: the picked one, else that of the newest run, else the newest of the bucket.
function follow() {
  const newest = known.runs?.find((run) => run.is_alive) ?? known.runs?.[0];
  const model = page.picked || newest?.model || page.models[0]?.prefix || "";
  app.models = [...new Set([...(known.runs ?? []).map((run) => run.model), ...page.models.map((each) => each.prefix)])];
  if (model === app.model && known.mounted) return;
  app.model = model;
  for (const name of ["status", "curve", "store"]) delete known[name];
  known.mounted = true;
  listen();
  mount();
}

async function mount() {
  const now = (mounting += 1);
  endPanel();
  endPanel = () => {};
  const root = document.createElement("div");
  root.className = `panel ${page.panel}`;
  $("panel").replaceChildren(root);
  $("panel").setAttribute("aria-labelledby", `tab-${page.panel}`);
  drawTabs();
  if (!app.model) {
    render(html`<p class="empty">There is no run and no model yet. <code>dr start-training</code> starts one; it appears here by itself.</p>`, root);
    return;
  }
  const panel = await import(`./panels/${page.panel}.js`);
  if (now === mounting) endPanel = panel.mount(root, app) ?? (() => {});
}

function choosePanel(name, focus = false) {
  page.panel = name;
  remember();
  mount();
  if (focus) $(`tab-${name}`).focus();
}

function pick(event) {
  page.picked = event.target.value;
  remember();
  follow();
  drawHead();
}

function remember() {
  const place = new URLSearchParams({ panel: page.panel, ...(page.picked ? { model: page.picked } : {}) });
  const query = new URLSearchParams(options);
  query.delete("token");
  history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}#${place}`);
}

function press(event) {
  const at = PANELS.findIndex(([name]) => name === page.panel);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: PANELS.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  choosePanel(PANELS[(to + PANELS.length) % PANELS.length][0], true);
}

function drawTabs() {
  const tab = ([name, title]) => html`<button type="button" role="tab" id="tab-${name}" aria-controls="panel"
    aria-selected=${page.panel === name} tabindex=${page.panel === name ? 0 : -1}
    @click=${() => choosePanel(name)} @keydown=${press}>${title}</button>`;
  render(PANELS.map(tab), $("tabs"));
  const { offsetLeft, offsetWidth } = $(`tab-${page.panel}`);
  if (offsetLeft < $("tabs").scrollLeft || offsetLeft + offsetWidth > $("tabs").scrollLeft + $("tabs").clientWidth) $("tabs").scrollLeft = offsetLeft - 24;
}

const ofModel = () => (known.runs ?? []).filter((run) => run.model === app.model);

function state() {
  const runs = ofModel();
  const run = runs.find((each) => each.is_alive) ?? runs[0];
  if (!run) return { words: "not running", mark: "ended", run };
  const words = run.kind === "training" && run.state === "running" && run.is_ours ? known.status?.state ?? "starting" : run.state;
  const shown = run.is_alive && words === "stopped" ? "starting" : words;
  return { words: `${run.kind === "evaluation" ? "evaluation " : ""}${STATE_WORDS[shown] ?? shown}`, mark: shown, run };
}

function drawHead() {
  const { words, mark, run } = state();
  $("state").textContent = words;
  $("state").dataset.state = mark;
  const news = app.model ? `${app.model}: ${words}` : "";
  if (news !== said) $("news").textContent = said = news;
  document.title = app.model ? `${app.model} · ${words}` : "DeepRacer viewer";
  drawPick();
  drawNotice(run);
  drawSummary();
}

function drawPick() {
  const runs = known.runs ?? [];
  const running = new Set(runs.map((run) => run.model));
  const line = (run) => `Run ${run.run_id}, ${run.kind}: ${run.model} (${run.state})`;
  render(html`
    <option value="">Newest run${app.model && !page.picked ? `: ${app.model}` : ""}</option>
    ${runs.length ? html`<optgroup label="Runs">${runs.map((run) => html`<option value=${run.model}>${line(run)}</option>`)}</optgroup>` : nothing}
    ${page.models.length ? html`<optgroup label="Models in the bucket">${page.models.filter((model) => !running.has(model.prefix)).map((model) => html`
      <option value=${model.prefix}>${model.prefix}${model.world_name ? ` (${model.world_name})` : ""}</option>`)}</optgroup>` : nothing}`, $("pick"));
  $("pick").value = page.picked;
}

function drawNotice(run) {
  const notices = [
    run && run.state === "failed" && [run.message, run.hint],
    run && run.is_alive && run.message && [run.message, run.hint],
    known.store?.state === "away" && [known.store.message, known.store.hint],
    page.error && [page.error, ""],
  ].filter(Boolean);
  render(notices.map(([message, hint]) => html`<p class="failure" role="alert">${message} ${hint}</p>`), $("notice"));
}

function drawSummary() {
  const status = known.status;
  const evaluation = known.curve?.evaluations.at(-1);
  const laps = (known.curve?.evaluations ?? []).flatMap((each) => each.laps_s);
  const last = known.curve?.points.at(-1);
  const phases = { teacher: "Teacher", student: "Student", pixels: "Pictures" };
  const figures = [
    status?.phase && ["Phase", phases[status.phase] ?? status.phase],
    ["Iteration", count(status?.iteration ?? last?.iteration)],
    ["Episodes", count(status?.episodes ?? last?.episodes)],
    status && ["Steps", count(status.phase === "teacher" ? status.teacher_steps : status.steps)],
    status && ["Steps/s", count(status.steps_per_s)],
    ["Reward", number(status?.reward ?? last?.reward)],
    ["Evaluation", percent(status?.evaluation_progress ?? evaluation?.progress)],
    ["Best lap", laps.length ? `${Math.min(...laps).toFixed(2)} s` : "–"],
    status && ["Time", duration(status.elapsed_s)],
  ].filter(Boolean);
  const isKnown = status || last || evaluation;
  render(isKnown ? html`<dl class="summary">${figures.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>` : nothing, $("summary"));
}

function warn(words) {
  page.error = words;
  drawHead();
}

async function readModels() {
  if (document.hidden) return;
  try {
    const found = await get("/api/models");
    page.models = found.models;
    $("workspace").textContent = [found.workspace, found.experiment].filter(Boolean).join(" / ");
  } catch {
    // the events say what is wrong
  }
  if (known.runs) follow();
  drawPick();
}

function changeTheme() {
  const isDark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
  dispatchEvent(new Event("themechange"));
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    events?.close();
    endPanel();
    endPanel = () => {};
  } else {
    listen();
    mount();
    readModels();
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));
$("pick").addEventListener("change", pick);
$("theme").addEventListener("click", changeTheme);
if (!PANELS.some(([name]) => name === page.panel)) page.panel = "now";
remember();
drawTabs();
listen();
readModels();
setInterval(readModels, AGAIN_MS);
