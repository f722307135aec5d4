// Compare: several models side by side, by their trainings and evaluations, and each of their evaluations.

import { html, render } from "../vendor/lit-html.js";
import { brief } from "../words.js";
import { colour, failure, keepLoading, percent, seconds, titleOf } from "./recordings.js";

const MOST = 8;
const ROWS = [
  ["Track", (model) => model.world_name ?? "–"],
  ["Iterations", (model) => model.iterations],
  ["Episodes", (model) => model.episodes],
  ["Best evaluation in training", (model) => percent(model.best_progress)],
  ["Fastest lap in training", (model) => seconds(model.best_lap_s)],
  ["Evaluations", (model) => model.evaluations.evaluations],
  ["Complete laps", (model) => `${model.evaluations.laps} of ${model.evaluations.trials}`],
  ["Mean completion", (model) => percent(model.evaluations.completion)],
  ["Best lap", (model) => seconds(model.evaluations.best_s)],
  ["Median lap", (model) => seconds(model.evaluations.median_s)],
  ["Resets", (model) => model.evaluations.resets],
  ["Off track", (model) => model.evaluations.off_track],
  ["Crashes", (model) => model.evaluations.crashed],
];

const EVALUATION_COLUMNS = [
  ["Laps", ({ summary }) => `${summary.laps} of ${summary.trials}`],
  ["Completion", ({ summary }) => percent(summary.completion)],
  ["Best lap", ({ summary }) => seconds(summary.best_s)],
  ["Median lap", ({ summary }) => seconds(summary.median_s)],
  ["Resets", ({ summary }) => summary.resets],
  ["Off track", ({ summary }) => summary.off_track],
  ["Crashes", ({ summary }) => summary.crashed],
];
const LINES = ["--line-1", "--line-2", "--line-3", "--line-4"];

export function mount(root, app) {
  const chosen = new Set([app.model]);
  let asked = 0;
  let plot = null;

  async function load() {
    asked += 1;
    const now = asked;
    const query = new URLSearchParams([...chosen].map((model) => ["model", model]));
    try {
      const answer = await fetch(`/api/recordings/compare?${query}`);
      const document = await answer.json();
      if (!answer.ok) throw new Error(document.error);
      if (now === asked) draw(document);
    } catch (error) {
      if (now === asked) render(html`${choice()}${failure(error)}`, root);
    }
  }

  function toggle(model, isChosen) {
    if (isChosen && chosen.size < MOST) chosen.add(model);
    else chosen.delete(model);
    load();
  }

  const choice = () => html`<fieldset><legend>Models, at most ${MOST}</legend>${app.models.map((model) => html`
    <label><input type="checkbox" .checked=${chosen.has(model)} @change=${(event) => toggle(model, event.target.checked)}> ${model}</label>`)}</fieldset>`;

  function draw({ models, curves, evaluations }) {
    const isCurve = Object.values(curves).some((rows) => rows.length > 1);
    render(html`${choice()}
    ${isCurve ? html`<section class="card graph"><h2>Completion in evaluations of the training</h2>
      <div id="graph-compare" role="img" aria-label="Completion by iteration, a line for each model; the best values are in the table below"></div></section>` : ""}
    <div class="scroll" tabindex="0" role="region" aria-label="Models compared"><table>
      <caption>Trainings and evaluations</caption>
      <thead><tr><td></td>${models.map((model) => html`<th scope="col">${model.name}</th>`)}</tr></thead>
      <tbody>${ROWS.map(([words, value]) => html`<tr><th scope="row">${words}</th>${models.map((model) => html`<td>${value(model)}</td>`)}</tr>`)}</tbody>
    </table></div>
    ${evaluations.length ? evaluationTable(evaluations) : html`<p>These models have no evaluations: <code>dr evaluate</code> starts one.</p>`}`, root);
    plot?.destroy();
    plot = isCurve ? curvePlot(root.querySelector("#graph-compare"), curves) : null;
  }

  const redraw = () => plot?.redraw();
  const fit = () => plot?.setSize(room(root.querySelector("#graph-compare")));
  const stop = keepLoading(app, load);
  addEventListener("themechange", redraw);
  addEventListener("resize", fit);
  return () => {
    asked = -1;
    stop();
    plot?.destroy();
    removeEventListener("themechange", redraw);
    removeEventListener("resize", fit);
  };
}

// The best completion first, then the fastest lap.
function evaluationTable(evaluations) {
  const ranked = [...evaluations].sort((a, b) =>
    (b.summary.completion ?? 0) - (a.summary.completion ?? 0) || (a.summary.best_s ?? Infinity) - (b.summary.best_s ?? Infinity));
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Evaluations compared"><table>
    <caption>Evaluations, the best first</caption>
    <thead><tr><th scope="col">Model</th><th scope="col">Evaluation</th>${EVALUATION_COLUMNS.map(([words]) => html`<th scope="col">${words}</th>`)}</tr></thead>
    <tbody>${ranked.map((each) => html`<tr><th scope="row">${each.model}</th><td>${titleOf(each)}</td>
      ${EVALUATION_COLUMNS.map(([, value]) => html`<td>${value(each)}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

const room = (place) => ({ width: Math.max(place.clientWidth, 200), height: 240 });

function curvePlot(place, curves) {
  const names = Object.keys(curves);
  const iterations = [...new Set(names.flatMap((name) => curves[name].map((row) => row.iteration)))].sort((a, b) => a - b);
  const column = (rows) => {
    const progress = new Map(rows.map((row) => [row.iteration, row.progress]));
    return iterations.map((iteration) => progress.get(iteration) ?? null);
  };
  const axis = { stroke: () => colour("--muted"), grid: { stroke: () => colour("--edge"), width: 1 }, ticks: { show: false }, font: "13px system-ui, sans-serif" };
  return new uPlot({
    ...room(place),
    cursor: { drag: { x: true, y: false } },
    scales: { x: { time: false }, y: { range: [0, 100] } },
    axes: [axis, { ...axis, size: 56, values: (_, ticks) => ticks.map((value) => `${value} %`) }],
    series: [
      { label: "iteration", value: (_, value) => value ?? "–" },
      ...names.map((name, i) => ({
        label: name,
        stroke: () => colour(LINES[i % LINES.length]),
        width: 2,
        dash: i < LINES.length ? undefined : [6, 4],
        spanGaps: true,
        value: (_, value) => (value == null ? "–" : `${brief(value)} %`),
      })),
    ],
  }, [iterations, ...names.map((name) => column(curves[name]))], place);
}
