// Episodes: a list to sort, and a replay step by step. Space plays and pauses, arrows step, Home and End jump.

import { html, render } from "../vendor/lit-html.js";
import { several } from "../words.js";
import { STATUS, colour, drawTrack, drivesChoice, failure, fetchDocument, keepLoading, number, percent, placeOf, seconds } from "./recordings.js";

const COLUMNS = [
  ["name", "Episode"], ["iteration", "Iteration"], ["worker", "Worker"], ["status", "Status"], ["progress", "Progress"],
  ["time_s", "Time"], ["reward", "Reward"], ["steps", "Steps"],
];
const MOST_ROWS = 200;
const STEP_MS = 1000 / 15;

export function mount(root, app) {
  const view = { rows: null, evaluations: [], by: "iteration", isDown: true, error: null, episode: null, step: 0, params: null, isPlaying: false };
  let place = placeOf(app);
  let timer = 0;
  let asked = 0;
  let loads = 0;

  async function load() {
    const now = (loads += 1);
    const wanted = placeOf(app);
    const news = { error: null };
    try {
      news.evaluations = (await fetchDocument("evaluations", { model: app.model })).evaluations;
      news.rows = (await fetchDocument("episodes", wanted)).episodes;
    } catch (error) {
      news.error = error;
    }
    if (now !== loads) return;
    if (wanted.evaluation !== place.evaluation) {
      pause();
      view.episode = null;
      place = wanted;
    }
    Object.assign(view, news);
    draw();
  }

  async function open(name) {
    pause();
    try {
      view.episode = await fetchDocument("episode", { ...place, name });
      view.error = null;
      go(0);
      root.querySelector(".replay")?.focus();
    } catch (error) {
      view.error = error;
      draw();
    }
  }

  // Params and picture are only fetched where a replay stands: while it plays they would come too late.
  function go(step) {
    view.step = Math.min(Math.max(step, 0), view.episode.steps.X.length - 1);
    view.params = null;
    if (view.step === view.episode.steps.X.length - 1) pause();
    clearTimeout(asked);
    if (!view.isPlaying) asked = setTimeout(details, 150);
    draw();
  }

  async function details() {
    const { step, episode } = view;
    try {
      const { params } = await fetchDocument("params", { ...place, name: episode.name, step });
      if (view.step === step && view.episode === episode) view.params = params;
    } catch (error) {
      view.error = error;
    }
    draw();
  }

  function toggle() {
    if (view.isPlaying) pause();
    else {
      view.isPlaying = true;
      if (view.step === view.episode.steps.X.length - 1) view.step = 0;
      timer = setInterval(() => go(view.step + 1), STEP_MS);
    }
    go(view.step);
  }

  function pause() {
    view.isPlaying = false;
    clearInterval(timer);
  }

  function press(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -15, PageDown: 15, Home: -Infinity, End: Infinity };
    if (event.key === " " && event.target.tagName !== "BUTTON") toggle();
    else if (event.key in steps && event.target.tagName !== "INPUT") go(view.step + steps[event.key]);
    else return;
    event.preventDefault();
  }

  function sort(by) {
    view.isDown = view.by === by ? !view.isDown : true;
    view.by = by;
    draw();
  }

  function draw() {
    const choice = view.evaluations.length ? html`<div class="choices">${drivesChoice(view.evaluations, load)}</div>` : "";
    if (view.error) return render(html`${choice}${failure(view.error)}`, root);
    if (!view.rows) return render(html`<p>Reading the traces …</p>`, root);
    render(html`${view.episode ? replay(view, place, { go, toggle, press }) : ""}${choice}${list(view, sort, open)}`, root);
    if (view.episode) drawReplay(root.querySelector("canvas.replay-map"), view);
  }

  const stop = keepLoading(app, load);
  return () => {
    loads = -1;
    stop();
    pause();
    clearTimeout(asked);
  };
}

function list(view, sort, open) {
  const sign = view.isDown ? -1 : 1;
  const value = (row) => row[view.by];
  const sorted = [...view.rows].sort((a, b) => sign * (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0));
  return html`<div class="scroll" tabindex="0" role="region" aria-label="List of episodes"><table class="episodes">
    <caption>${several(view.rows.length, "episode")}${sorted.length > MOST_ROWS ? `; the first ${MOST_ROWS} in this order` : ""}</caption>
    <thead><tr>${COLUMNS.map(([name, words]) => html`
      <th scope="col" aria-sort=${view.by === name ? (view.isDown ? "descending" : "ascending") : "none"}>
        <button type="button" @click=${() => sort(name)}>${words}</button></th>`)}</tr></thead>
    <tbody>${sorted.slice(0, MOST_ROWS).map((row) => html`<tr>
      <th scope="row"><button type="button" class="open" @click=${() => open(row.name)}>${row.name}</button></th>
      <td>${row.iteration}</td><td>${row.worker}</td><td>${STATUS[row.status] ?? row.status}</td>
      <td>${percent(row.progress)}</td><td>${seconds(row.time_s)}</td><td>${number(row.reward)}</td><td>${row.steps}</td>
    </tr>`)}</tbody></table></div>`;
}

function replay(view, place, { go, toggle, press }) {
  const { steps, name, began_s: began } = view.episode;
  const { step } = view;
  const last = steps.X.length - 1;
  const query = new URLSearchParams({ ...place, name, step });
  const told = `Step ${step + 1} of ${last + 1}: ${seconds(steps.tstamp[step] - began)}, ${number(steps.throttle[step])} m/s, steering ${number(steps.steer[step])}°, reward ${number(steps.reward[step], 3)}, progress ${number(steps.progress[step])} %, ${steps.episode_status[step].replace("_", " ")}`;
  return html`<section class="replay" tabindex="0" aria-label="Replay of episode ${name}" @keydown=${press}>
    <h2>Episode ${name}</h2>
    <canvas class="replay-map" role="img" aria-label="Map: ${told}"></canvas>
    <div class="controls">
      <button type="button" class="play" @click=${toggle}>${view.isPlaying ? "Pause" : "Play"}</button>
      <button type="button" @click=${() => go(step - 1)}>Step back</button>
      <button type="button" @click=${() => go(step + 1)}>Step on</button>
      <label>Step <input type="range" min="0" max=${last} .value=${String(step)} @input=${(event) => go(Number(event.target.value))}></label>
    </div>
    <p class="step" aria-live=${view.isPlaying ? "off" : "polite"}>${told}.</p>
    ${view.params ? html`<img class="picture" alt="What the front camera saw at this step" width="320" height="240" src="/api/recordings/picture?${query}">
      <details><summary>What the reward function was told</summary><table><tbody>
        ${Object.entries(view.params).map(([key, value]) => html`<tr><th scope="row">${key}</th><td>${JSON.stringify(value)}</td></tr>`)}
      </tbody></table></details>` : ""}
  </section>`;
}

function drawReplay(canvas, { episode, step }) {
  const { pen, toPixels } = drawTrack(canvas, episode.track);
  const { X, Y, yaw } = episode.steps;
  const line = (from, to, style) => {
    pen.beginPath();
    for (let i = from; i <= to; i += 1) pen[i > from ? "lineTo" : "moveTo"](...toPixels(X[i], Y[i]));
    pen.strokeStyle = style;
    pen.lineWidth = 2;
    pen.stroke();
  };
  line(step, X.length - 1, colour("--faint") || "#999");
  line(0, step, colour("--accent") || "#e18f00");
  const [x, y] = toPixels(X[step], Y[step]);
  pen.save();
  pen.translate(x, y);
  pen.rotate((-yaw[step] * Math.PI) / 180);
  pen.fillStyle = colour("--accent") || "#e18f00";
  pen.strokeStyle = colour("--ink") || "#fff";
  pen.beginPath();
  pen.moveTo(4, 0);
  pen.lineTo(-10, 7);
  pen.lineTo(-10, -7);
  pen.closePath();
  pen.fill();
  pen.stroke();
  pen.restore();
}
