// Now: pictures of all workers, and what the watched one does: speed, steering, reward, what the network would do.

import { html, nothing, render } from "../vendor/lit-html.js";
import { number, percent, seconds } from "../words.js";

const VIEWS = [["camera", "Car's camera"], ["behind", "From behind"], ["above", "From above"], ["race", "With figures"], ["attention", "Attention"]];
const TOPICS = {
  "/racecar/deepracer/kvs_stream": "race",
  "/racecar/camera/zed/rgb/image_rect_color": "camera",
  "/racecar/main_camera/zed/rgb/image_rect_color": "behind",
  "/sub_camera/zed/rgb/image_rect_color": "above",
  "/racecar/deepracer/attention": "attention",
};
const NO_PICTURE_MS = 8000;
const FIGURE_MS = 200;

export function mount(root, app) {
  const first = TOPICS[app.options.topic];
  const view = { shown: new Set(first ? [first] : ["camera", "behind", "above"]), watched: "", states: new Map(), since: performance.now(), runs: [] };
  const canvases = new Map();
  let aborter = null;
  let drawn = 0;

  const keyOf = (each) => `${each.run_id}-${each.kind}-${each.camera}`;
  const stopRuns = app.on("runs", (runs) => {
    view.runs = runs.filter((run) => run.model === app.model && run.is_alive);
    const alive = new Set(view.runs.map((run) => `${run.run_id}-${run.kind}`));
    for (const [place, head] of canvases) if (!alive.has(`${head.run_id}-${head.kind}`)) canvases.delete(place);
    for (const [key, state] of view.states) if (!alive.has(`${state.run_id}-${state.kind}`)) view.states.delete(key);
    draw();
  });
  const stopLive = app.live((state) => {
    const key = keyOf(state);
    if (state.worker === undefined) return;
    const isNew = !view.states.has(key);
    view.states.set(key, { ...state, seen: performance.now() });
    if (!view.watched) view.watched = key;
    if (isNew || performance.now() - drawn > FIGURE_MS) draw();
  });
  const timer = setInterval(() => {
    for (const [key, state] of view.states) if (performance.now() - state.seen > 15000) view.states.delete(key);
    draw();
  }, 2000);

  function toggle(name, isShown) {
    if (isShown) view.shown.add(name);
    else view.shown.delete(name);
    canvases.clear();
    watchPictures();
    draw();
  }

  async function watchPictures() {
    aborter?.abort();
    const mine = (aborter = new AbortController());
    const query = new URLSearchParams({ model: app.model });
    for (const name of ["width", "height", "quality"]) if (app.options[name]) query.set(name, app.options[name]);
    for (const name of view.shown) query.append("view", name);
    while (view.shown.size && !mine.signal.aborted) {
      try {
        const answer = await fetch(`/pictures?${query}`, { signal: mine.signal });
        for await (const [head, jpeg] of frames(answer.body.getReader())) await show(head, jpeg, mine);
      } catch {
        // it ended: the server was restarted, or this panel was left
      }
      if (!mine.signal.aborted) await new Promise((done) => setTimeout(done, 1000));
    }
  }

  async function show(head, jpeg, mine) {
    const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })).catch(() => null);
    if (!picture || mine.signal.aborted) return;
    const place = `${keyOf(head)} ${head.view}`;
    if (!canvases.has(place)) {
      canvases.set(place, head);
      draw();
    }
    const canvas = root.querySelector(`canvas[data-place="${CSS.escape(place)}"]`);
    if (!canvas) return;
    if (canvas.width !== picture.width) [canvas.width, canvas.height] = [picture.width, picture.height];
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.dataset.frames = Number(canvas.dataset.frames ?? 0) + 1;
  }

  function draw() {
    drawn = performance.now();
    const keys = [...new Set([...view.states.keys(), ...[...canvases.values()].map(keyOf)])].sort();
    if (!keys.includes(view.watched)) view.watched = keys[0] ?? "";
    render(page(view, keys, canvases, toggle, (key) => { view.watched = key; draw(); }), root);
  }

  watchPictures();
  draw();
  return () => {
    stopRuns();
    stopLive();
    clearInterval(timer);
    aborter?.abort();
  };
}

// A stream of a line of JSON and as many bytes as it says, again and again.
async function* frames(reader) {
  let rest = new Uint8Array(0);
  let head = null;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(rest.length + value.length);
    joined.set(rest);
    joined.set(value, rest.length);
    rest = joined;
    for (;;) {
      if (!head) {
        const end = rest.indexOf(10);
        if (end < 0) break;
        head = JSON.parse(new TextDecoder().decode(rest.subarray(0, end)));
        rest = rest.slice(end + 1);
      }
      if (rest.length < head.size) break;
      yield [head, rest.slice(0, head.size)];
      rest = rest.slice(head.size);
      head = null;
    }
  }
}

function page(view, keys, canvases, toggle, watch) {
  const isLate = performance.now() - view.since > NO_PICTURE_MS;
  return html`
    <fieldset class="controls"><legend>Pictures</legend>${VIEWS.map(([name, words]) => html`
      <label class="toggle"><input type="checkbox" .checked=${view.shown.has(name)} @change=${(event) => toggle(name, event.target.checked)}> ${words}</label>`)}
    </fieldset>
    ${keys.length ? html`<div class="live">
      <div class="workers">${keys.map((key) => worker(key, view, canvases, keys.length > 1, watch))}</div>
      ${figures(view.states.get(view.watched))}</div>` : html`<p class="empty">${nobody(view, isLate)}</p>`}`;
}

function nobody(view, isLate) {
  if (!view.runs.length) return html`This model is not being trained or evaluated. <code>dr start-training</code> or <code>dr evaluate</code> starts a run, and its cars appear here. Track and Episodes show what it has driven.`;
  if (view.runs.every((run) => run.kind === "training") && !isLate) return "Waiting for the first picture …";
  return "No picture has arrived. They start once a worker drives: while a teacher learns, there are none, and Curves shows how it does. On a very busy machine they take a while, as the training comes first.";
}

function worker(key, view, canvases, isOneOfMany, watch) {
  const state = view.states.get(key);
  const name = key.split("-").slice(2).join("-");
  const pictures = VIEWS.filter(([each]) => view.shown.has(each) && (canvases.has(`${key} ${each}`) || each !== "attention"));
  return html`<section class="worker card" aria-label=${name}>
    <h2>${name}<small>${state ? `${state.phase} on ${state.world_name}` : ""}</small>${isOneOfMany ? html`<button type="button" aria-pressed=${view.watched === key} @click=${() => watch(key)}>Figures</button>` : nothing}</h2>
    <div class="pictures">${pictures.map(([each, words]) => html`<figure>
      <canvas data-place="${key} ${each}" width="400" height="300" role="img" aria-label="${words} of ${name}, live"></canvas>
      <figcaption>${words}</figcaption></figure>`)}</div></section>`;
}

function figures(state) {
  if (!state) return nothing;
  const rows = [
    ["Speed", `${number(state.speed_mps)} m/s`], ["Steering", `${number(state.steering_deg, 0)}°`],
    ["Reward of the step", number(state.reward, 2)], ["Reward so far", number(state.total_reward)],
    ["Progress", percent(state.progress)], ["Lap", seconds(state.lap_s)], ["Episode", state.episode], ["Step", state.step],
  ];
  return html`<section class="card figures" aria-label="Figures of the watched car">
    <dl>${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${steering(state)}${state.probabilities ? actions(state) : state.mean ? continuous(state) : nothing}</section>`;
}

function steering(state) {
  const turn = Math.max(-45, Math.min(45, -(state.steering_deg ?? 0)));
  return html`<svg class="wheel" viewBox="-60 -60 120 66" role="img" aria-label="Steering ${number(state.steering_deg, 0)} degrees">
    <path d="M-50 0A50 50 0 0 1 50 0" class="arc"></path><path d="M0 0V-46" class="needle" transform="rotate(${turn})"></path></svg>`;
}

function actions(state) {
  const names = state.actions ?? state.probabilities.map((_, i) => `action ${i}`);
  const taken = Number(state.action);
  return html`<table class="bars"><caption>What the network would do: steering, speed</caption><tbody>${state.probabilities.map((share, i) => html`
    <tr class=${i === taken ? "taken" : ""}><th scope="row">${names[i].replace("steering ", "")}${i === taken ? html`<span class="hidden"> (taken)</span>` : nothing}</th>
    <td><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width=${(100 * share).toFixed(1)} height="10"></rect></svg></td>
    <td>${percent(100 * share)}</td></tr>`)}</tbody></table>`;
}

function continuous({ mean, std }) {
  const spread = (i, digits) => (std ? ` ± ${number(std[i], digits)}` : "");
  return html`<table class="bars"><caption>What the network would do</caption><tbody>
    <tr><th scope="row">Steering</th><td>${number(mean[0], 1)}${spread(0, 1)}°</td></tr>
    <tr><th scope="row">Speed</th><td>${number(mean[1], 2)}${spread(1, 2)} m/s</td></tr></tbody></table>`;
}
