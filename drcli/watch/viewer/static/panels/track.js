// Track: laps coloured by speed or reward, where episodes end, rewards, actions in turns, sectors, fastest against median.

import { html, render } from "../vendor/lit-html.js";
import { several } from "../words.js";
import { STATUS, colour, drawTrack, drivesChoice, failure, fetchDocument, keepLoading, number, percent, placeOf, scaleColour, seconds } from "./recordings.js";

const SHOWN = { speed_mps: "speed (m/s)", reward: "reward of a step", ends: "where episodes end", waypoints: "mean reward per waypoint" };

export function mount(root, app) {
  const view = { shown: "speed_mps", sectors: 6, document: null, evaluations: [], error: null };
  let asked = 0;

  async function load() {
    const now = (asked += 1);
    const news = { error: null };
    try {
      news.evaluations = (await fetchDocument("evaluations", { model: app.model })).evaluations;
      news.document = await fetchDocument("track", { ...placeOf(app), sectors: view.sectors });
    } catch (error) {
      news.error = error;
    }
    if (now !== asked) return;
    Object.assign(view, news);
    draw();
  }

  function draw() {
    const choice = drivesChoice(view.evaluations, load);
    if (view.error) return render(html`<div class="choices">${choice}</div>${failure(view.error)}`, root);
    if (!view.document) return render(html`<p>Reading the traces …</p>`, root);
    render(page(view, choice, choose, chooseSectors), root);
    drawMap(root.querySelector("canvas.map"), view);
    drawSpeeds(root.querySelector("canvas.speeds"), view.document);
  }

  function choose(event) {
    view.shown = event.target.value;
    draw();
  }

  function chooseSectors(event) {
    view.sectors = Number(event.target.value);
    load();
  }

  const stop = keepLoading(app, load);
  window.addEventListener("resize", draw);
  return () => {
    asked = -1;
    stop();
    window.removeEventListener("resize", draw);
  };
}

function page(view, choice, choose, chooseSectors) {
  const { track, laps, sectors, actions } = view.document;
  const counts = [3, 4, 5, 6, 8, 10, 12];
  return html`
    <div class="choices">
      <label>Show <select @change=${choose}>
        ${Object.entries(SHOWN).map(([name, words]) => html`<option value=${name} ?selected=${name === view.shown}>${words}</option>`)}
      </select></label>
      ${choice}
    </div>
    <figure>
      <canvas class="map" role="img" aria-label=${summary(view)}></canvas>
      <figcaption>${summary(view)}</figcaption>
    </figure>
    <h2>Lap times</h2>
    <p>${laps.laps ? `${several(laps.laps, "complete lap")}: best ${seconds(laps.best_s)}, median ${seconds(laps.median_s)}, mean ${seconds(laps.mean_s)}.` : "No complete lap yet."}</p>
    ${sectors.laps.length ? html`
      <figure>
        <canvas class="speeds" role="img" aria-label="Speed of the fastest and of the median lap along the track"></canvas>
        <figcaption>Speed along the track: ${view.document.fastest_and_median.map((lap, i) => `${i ? "median" : "fastest"} lap, ${seconds(lap.lap_s)}`).join("; ")}.</figcaption>
      </figure>
      <h2>Sectors</h2>
      <label>Sectors <select @change=${chooseSectors}>
        ${counts.map((count) => html`<option ?selected=${count === view.sectors}>${count}</option>`)}
      </select></label>
      ${sectorTable(sectors)}` : ""}
    <h2>Actions in turns</h2>
    ${actionTable(actions)}
    <p>${track.name}: ${number(track.length_m, 2)} m long, ${number(track.width_m, 2)} m wide.</p>`;
}

function sectorTable(sectors) {
  const row = (name, times, total) => html`<tr><th scope="row">${name}</th>${times.map((time) => html`<td>${number(time, 2)}</td>`)}<td>${number(total, 2)}</td></tr>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Sector times"><table>
    <caption>Seconds in sectors of ${number(sectors.sector_m, 2)} m from the start line; the best sectors together: ${seconds(sectors.ideal_s)}</caption>
    <thead><tr><th scope="col">Lap</th>${sectors.best_s.map((_, i) => html`<th scope="col">${i + 1}</th>`)}<th scope="col">Lap time</th></tr></thead>
    <tbody>
      ${row("best", sectors.best_s, sectors.ideal_s)}
      ${row("median", sectors.median_s, null)}
      ${sectors.laps.slice(0, 10).map((lap) => row(lap.episode, lap.times_s, lap.lap_s))}
    </tbody></table></div>`;
}

function actionTable(actions) {
  if (!actions.actions.length) return html`<p>No steps were recorded.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Actions in turns"><table>
    <caption>How often each action was chosen, in % of the steps in that part of the track${actions.is_rounded ? ", rounded to 10° and 1 m/s" : ""}</caption>
    <thead><tr><th scope="col">Part</th>${actions.actions.map(([steer, speed]) => html`<th scope="col">${number(steer, 0)}° ${number(speed, 1)} m/s</th>`)}</tr></thead>
    <tbody>${actions.sections.map((part, i) => {
      const total = actions.counts[i].reduce((sum, count) => sum + count, 0);
      return html`<tr><th scope="row">${part.name}</th>${actions.counts[i].map((count) => html`<td>${total ? percent((100 * count) / total) : "–"}</td>`)}</tr>`;
    })}</tbody></table></div>`;
}

function summary(view) {
  const { track, lines, ends } = view.document;
  if (view.shown === "ends") {
    const counts = {};
    for (const end of ends) counts[STATUS[end.status] ?? end.status] = (counts[STATUS[end.status] ?? end.status] ?? 0) + 1;
    const told = Object.entries(counts).map(([words, count]) => `${count} ${words}`).join(", ");
    return `Map of ${track.name} with the places where episodes ended: ${told || "none but complete laps"}.`;
  }
  const [low, high] = range(view);
  if (low === null) return `Map of ${track.name}; no steps were recorded.`;
  const what = view.shown === "waypoints" ? "waypoints" : several(lines.length, "drive");
  return `Map of ${track.name} with ${what} coloured by ${SHOWN[view.shown]}, from ${number(low, 2)} (dark) to ${number(high, 2)} (bright).`;
}

// What 2 % and 98 % of the values stay below, so that single steps do not decide about colours.
function range(view) {
  const { lines, rewards } = view.document;
  const every = view.shown === "waypoints" ? rewards.mean : lines.flatMap((line) => line[view.shown]);
  const values = every.filter((value) => value !== null).sort((a, b) => a - b);
  if (!values.length) return [null, null];
  return [values[Math.floor(values.length * 0.02)], values[Math.floor((values.length - 1) * 0.98)]];
}

function drawMap(canvas, view) {
  const { track, lines, ends, rewards } = view.document;
  const { pen, toPixels } = drawTrack(canvas, track);
  if (view.shown === "ends") {
    pen.strokeStyle = colour("--bad") || "#ff6b5e";
    pen.lineWidth = 1.5;
    for (const { x_m, y_m } of ends) {
      const [x, y] = toPixels(x_m, y_m);
      pen.beginPath();
      pen.moveTo(x - 3, y - 3);
      pen.lineTo(x + 3, y + 3);
      pen.moveTo(x - 3, y + 3);
      pen.lineTo(x + 3, y - 3);
      pen.stroke();
    }
    return;
  }
  const [low, high] = range(view);
  const shade = (value) => scaleColour((value - low) / (high - low || 1));
  if (view.shown === "waypoints") {
    rewards.mean.forEach((value, i) => {
      if (value === null) return;
      const [x, y] = toPixels(...track.center[i]);
      pen.beginPath();
      pen.arc(x, y, 4, 0, 2 * Math.PI);
      pen.fillStyle = shade(value);
      pen.fill();
    });
    return;
  }
  pen.lineWidth = 1.5;
  for (const line of lines) {
    for (let i = 1; i < line.x_m.length; i += 1) {
      pen.beginPath();
      pen.moveTo(...toPixels(line.x_m[i - 1], line.y_m[i - 1]));
      pen.lineTo(...toPixels(line.x_m[i], line.y_m[i]));
      pen.strokeStyle = shade(line[view.shown][i]);
      pen.stroke();
    }
  }
}

function drawSpeeds(canvas, { track, fastest_and_median: laps }) {
  if (!canvas) return;
  const [width, height, density] = [canvas.clientWidth || 640, 180, window.devicePixelRatio || 1];
  canvas.width = width * density;
  canvas.height = height * density;
  const pen = canvas.getContext("2d");
  pen.setTransform(density, 0, 0, density, 0, 0);
  const top = Math.max(...laps.flatMap((lap) => lap.speed_mps)) * 1.1;
  pen.fillStyle = colour("--ink") || "#888";
  pen.font = "12px system-ui, sans-serif";
  pen.fillText(`${top.toFixed(1)} m/s`, 4, 12);
  pen.fillText("0 m", 4, height - 4);
  pen.fillText(`${track.length_m.toFixed(0)} m`, width - 36, height - 4);
  laps.forEach((lap, which) => {
    pen.beginPath();
    lap.speed_mps.forEach((speed, i) => {
      const at = [(lap.place_m[i] / track.length_m) * width, height - 18 - (speed / top) * (height - 30)];
      pen[i ? "lineTo" : "moveTo"](...at);
    });
    pen.setLineDash(which ? [6, 4] : []);
    pen.strokeStyle = colour(which ? "--second" : "--accent") || (which ? "#3b82f6" : "#e18f00");
    pen.lineWidth = 2;
    pen.stroke();
  });
}
