// What the panels of recorded drives share: documents of the server, a canvas with a track on it, words for numbers.
//
// Each panel exports `mount(root, app)`, which draws into `root` and returns a function that ends it. `app.model` is the
// prefix that is looked at, `app.models` those that exist.

import { html } from "../vendor/lit-html.js";

const AGAIN_MS = 10000;
const LATEST_EVALUATIONS = 50;
const picked = { model: "", evaluation: "" };

export const STATUS = {
  lap_complete: "lap complete",
  off_track: "off track",
  crashed: "crashed",
  immobilized: "immobilized",
  reversed: "reversed",
  time_up: "time up",
  in_progress: "broken off",
  prepare: "broken off",
  pause: "broken off",
};

export async function fetchDocument(name, params) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== ""));
  const answer = await fetch(`/api/recordings/${name}?${query}`);
  const document = await answer.json();
  if (!answer.ok) throw new Error([document.error, document.hint].filter(Boolean).join(" "));
  return document;
}

// Loads now, and again after news of the model: an iteration, a run that began or ended. Returns a function that ends it.
export function keepLoading(app, load) {
  let last = performance.now();
  let timer = 0;
  const news = () => {
    timer ||= setTimeout(() => {
      timer = 0;
      last = performance.now();
      load();
    }, Math.max(0, last + AGAIN_MS - performance.now()));
  };
  load();
  const stops = ["curve", "runs"].map((name) => app.on(name, news));
  return () => {
    clearTimeout(timer);
    for (const stop of stops) stop();
  };
}

// Which drives are shown: those of the training, or of one evaluation. The panels of a model share the choice.
export function placeOf(app) {
  if (picked.model !== app.model) Object.assign(picked, { model: app.model, evaluation: "" });
  return { ...picked };
}

export function drivesChoice(evaluations, load) {
  if (!evaluations.length) return "";
  const choose = (event) => {
    picked.evaluation = event.target.value;
    load();
  };
  return html`<label>Drives <select class="drives" @change=${choose}>
    <option value="" ?selected=${!picked.evaluation}>of the training</option>
    ${evaluations.slice(0, LATEST_EVALUATIONS).map((each) => html`<option value=${each.name} ?selected=${each.name === picked.evaluation}>evaluation ${titleOf(each)}</option>`)}
  </select></label>`;
}

export function titleOf({ started, checkpoint, world_name: world, race_type: race }) {
  return [started.replace("T", " "), world, race, checkpoint && `checkpoint ${checkpoint}`].filter(Boolean).join(", ");
}

export const seconds = (value) => (value == null ? "–" : `${value.toFixed(2)} s`);
export const percent = (value) => (value == null ? "–" : `${value.toFixed(0)} %`);
export const number = (value, digits = 1) => (value == null ? "–" : value.toFixed(digits));

export function failure(error) {
  return html`<p class="failure" role="alert">${error.message}</p>`;
}

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// 0 … 1 as a colour from dark blue to yellow, which also differ in brightness.
export function scaleColour(share) {
  const stops = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const mixed = stops[low].map((from, i) => Math.round(from + (stops[low + 1][i] - from) * (at - low)));
  return `rgb(${mixed.join(" ")})`;
}

// The track fitted into a canvas; returns `toPixels(x, y)` and the drawing context.
export function drawTrack(canvas, track) {
  const points = [...track.inner, ...track.outer];
  const [xs, ys] = [points.map((p) => p[0]), points.map((p) => p[1])];
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const width = canvas.clientWidth || 640;
  const scale = Math.min((width - 24) / (right - left), 520 / (high - low));
  const height = (high - low) * scale + 24;
  const density = window.devicePixelRatio || 1;
  canvas.width = width * density;
  canvas.height = height * density;
  const pen = canvas.getContext("2d");
  pen.setTransform(density, 0, 0, density, 0, 0);
  pen.clearRect(0, 0, width, height);
  const margin = (width - (right - left) * scale) / 2;
  const toPixels = (x, y) => [margin + (x - left) * scale, height - 12 - (y - low) * scale];
  const trace = (line) => line.forEach(([x, y], i) => pen[i ? "lineTo" : "moveTo"](...toPixels(x, y)));
  pen.beginPath();
  trace(track.outer);
  if (track.is_loop) trace(track.inner);
  else [...track.inner].reverse().forEach(([x, y]) => pen.lineTo(...toPixels(x, y)));
  pen.fillStyle = colour("--road") || "#55565a";
  pen.fill("evenodd");
  pen.beginPath();
  trace([track.inner[0], track.outer[0]]);
  pen.strokeStyle = colour("--ink") || "#fff";
  pen.lineWidth = 3;
  pen.stroke();
  return { pen, toPixels };
}
