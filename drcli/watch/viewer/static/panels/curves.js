// Curves: how a training goes, drawn by uPlot; the same numbers as a table below.

import { html, render } from "../vendor/lit-html.js";
import { brief, count, duration, number, percent, seconds } from "../words.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const LOSSES = { surrogate_loss: "surrogate loss", value_loss: "value loss", policy_loss: "policy loss", q_loss: "Q loss" };
const TABLE_ROWS = 60;
const LINES = ["--line-1", "--line-2", "--line-3", "--line-4"];

// Each graph: its id, title, unit of the y axis, and series of the curve; a series is [words, of which list, value, style].
const GRAPHS = [
  ["reward", "Average reward", "", [
    ["teacher", "points", (p) => (p.phase === "teacher" ? p.reward : null), { line: 3 }],
    ["model", "points", (p) => (p.phase === "teacher" ? null : p.reward), { line: 0 }],
    ["evaluation", "evaluations", (e) => e.reward, { line: 1, isDots: true }],
  ]],
  ["progress", "Completion", "%", [
    ["teacher", "points", (p) => (p.phase === "teacher" ? p.progress : null), { line: 3 }],
    ["training", "points", (p) => (p.phase === "teacher" ? null : p.progress), { line: 0 }],
    ["evaluation", "evaluations", (e) => e.progress, { line: 1, isDots: true }],
    ["best model", "evaluations", best((e) => e.progress, Math.max), { line: 2, isStep: true }],
  ]],
  ["laps", "Lap times in evaluation", "s", [
    ["mean lap", "evaluations", (e) => mean(e.laps_s), { line: 1, isDots: true }],
    ["fastest lap", "evaluations", (e) => least(e.laps_s), { line: 0, isDots: true }],
    ["fastest so far", "evaluations", best((e) => least(e.laps_s), Math.min), { line: 2, isStep: true }],
  ]],
  ["entropy", "Entropy", "", [["entropy", "points", (p) => p.stats.entropy, { line: 0 }]]],
  ["losses", "Losses", "", Object.entries(LOSSES).map(([name, words], i) => [words, "points", (p) => p.stats[name], { line: i }])],
  ["kl", "KL divergence", "", [["KL divergence", "points", (p) => p.stats.kl_divergence, { line: 0 }]]],
  ["speed", "Steps per second", "", [["steps/s", "points", (p) => p.steps_per_s, { line: 0 }]]],
];

export function mount(root, app) {
  const plots = new Map();
  let curve = null;
  let asked = 0;

  const stop = app.on("curve", (document) => {
    curve = document;
    draw();
  });
  const resize = new ResizeObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(fit);
  });
  resize.observe(root);
  addEventListener("themechange", again);

  function again() {
    for (const plot of plots.values()) plot.destroy();
    plots.clear();
    draw();
  }

  function fit() {
    for (const [id, plot] of plots) plot.setSize(room(root.querySelector(`#graph-${id}`)));
    histogram(root.querySelector("canvas.laps"), curve);
  }

  function draw() {
    if (!curve || !(curve.points.length || curve.evaluations.length)) {
      render(html`<p class="empty">There are no points yet: the first comes with the first iteration.</p>`, root);
      return;
    }
    const graphs = GRAPHS.map((graph) => withData(graph, curve)).filter(([, data]) => data.length > 1);
    render(page(graphs, curve), root);
    for (const [id] of [...plots]) if (!graphs.some(([graph]) => graph[0] === id)) plots.get(id).destroy(), plots.delete(id);
    for (const [graph, data] of graphs) {
      const place = root.querySelector(`#graph-${graph[0]}`);
      if (plots.get(graph[0])?.series.length === data.length) plots.get(graph[0]).setData(data);
      else plots.get(graph[0])?.destroy(), plots.set(graph[0], new uPlot(settings(graph, curve, place), data, place));
    }
    histogram(root.querySelector("canvas.laps"), curve);
  }

  return () => {
    stop();
    resize.disconnect();
    removeEventListener("themechange", again);
    for (const plot of plots.values()) plot.destroy();
  };
}

function mean(values) {
  return values.length ? values.reduce((sum, each) => sum + each, 0) / values.length : null;
}

function least(values) {
  return values.length ? Math.min(...values) : null;
}

// The best value so far, for a curve that is read from its start
function best(value, better) {
  const read = (row, before) => {
    const now = value(row);
    return now == null ? before : before == null ? now : better(before, now);
  };
  read.isRunning = true;
  return read;
}

// Columns for uPlot: minutes since the start, and a value or null for each series.
function table(curve, series) {
  const rows = [...curve.points.map((row) => ["points", row]), ...curve.evaluations.map((row) => ["evaluations", row])]
    .sort((one, other) => one[1].at - other[1].at);
  const start = rows[0]?.[1].at ?? 0;
  return [
    rows.map(([, row]) => (row.at - start) / 60),
    ...series.map(([, list, value]) => {
      let before = null;
      return rows.map(([of, row]) => {
        if (of !== list) return value.isRunning ? before : null;
        before = value.isRunning ? value(row, before) : value(row);
        return before ?? null;
      });
    }),
  ];
}

// A graph without the series that have no values yet, and its columns
function withData([id, title, unit, series], curve) {
  const [x, ...columns] = table(curve, series);
  const isThere = columns.map((column) => column.some((value) => value != null));
  return [[id, title, unit, series.filter((_, i) => isThere[i])], [x, ...columns.filter((_, i) => isThere[i])]];
}

function room(place) {
  return { width: Math.max(place.clientWidth, 200), height: place.clientWidth < 420 ? 200 : 240 };
}

function settings([, , unit, series], curve, place) {
  const axis = {
    stroke: () => css("--muted"), grid: { stroke: () => css("--edge"), width: 1 }, ticks: { show: false },
    font: "13px system-ui, sans-serif", gap: 8,
  };
  return {
    ...room(place),
    legend: { show: true, live: true },
    cursor: { points: { size: 7 }, drag: { x: true, y: false } },
    scales: { x: { time: false }, y: { range: (plot, low, high) => spread(low, high, unit) } },
    axes: [
      { ...axis, values: (plot, ticks) => ticks.map((minutes) => duration(minutes * 60).replace(/ 00 (s|min)$/, "")) },
      { ...axis, size: 56, values: (plot, ticks) => ticks.map((value) => `${brief(value).replace(/\.0+$/, "")}${unit && ` ${unit}`}`) },
    ],
    series: [
      { label: "after", value: (plot, minutes) => (minutes == null ? "–" : duration(minutes * 60)) },
      ...series.map(([label, , , style]) => ({
        label,
        stroke: () => css(LINES[style.line]),
        width: 2,
        dash: style.isStep ? [6, 4] : undefined,
        spanGaps: true,
        paths: style.isStep ? uPlot.paths.stepped({ align: 1 }) : undefined,
        points: { show: style.isDots ? true : undefined, size: 6, fill: () => css(LINES[style.line]) },
        value: (plot, value) => (value == null ? "–" : `${brief(value)}${unit && ` ${unit}`}`),
      })),
    ],
    hooks: { draw: [(plot) => phases(plot, curve)] },
  };
}

function spread(low, high, unit) {
  if (low == null) return [0, 1];
  if (unit === "%") return [0, Math.max(100, high)];
  const margin = (high - low || Math.abs(high) || 1) * 0.1;
  return [low >= 0 && low - margin < 0 ? 0 : low - margin, high + margin];
}

// A line where a phase ends: the teacher has learned, the student begins.
function phases(plot, { points }) {
  for (let i = 1; i < points.length; i += 1) {
    if (points[i].phase === points[i - 1].phase) continue;
    const x = plot.valToPos((points[i].at - points[0].at) / 60, "x", true);
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = css("--muted");
    ctx.setLineDash([2, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillStyle = css("--muted");
    ctx.textAlign = "left";
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.fillText(points[i].phase, x + 5, bbox.top + 12 * devicePixelRatio);
    ctx.restore();
  }
}

function page(graphs, curve) {
  const laps = curve.evaluations.flatMap((each) => each.laps_s);
  const note = curve.source === "metrics" ? html`<p class="note">From the metrics of episodes, in simulated time: this engine writes no learning curve.</p>` : "";
  return html`${note}<div class="grid">${graphs.map(([[id, title], data]) => html`<section class="card graph">
      <h2>${title}</h2><div id="graph-${id}" role="img" aria-label="${title}: ${spoken(data)}"></div></section>`)}
    ${laps.length > 1 ? html`<section class="card graph"><h2>Distribution of lap times</h2>
      <canvas class="laps" role="img" aria-label="${laps.length} laps, ${seconds(Math.min(...laps))} to ${seconds(Math.max(...laps))}"></canvas></section>` : ""}</div>
    ${numbers(curve)}`;
}

function spoken(data) {
  const last = data.slice(1).map((column) => column.findLast((value) => value != null)).filter((value) => value != null);
  return `${data[0].length} points, at last ${last.map(brief).join(", ")}`;
}

function numbers({ points, evaluations }) {
  return html`<details class="card"><summary>The numbers as tables</summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Iterations"><table><caption>The last ${Math.min(points.length, TABLE_ROWS)} of ${count(points.length)} iterations</caption>
      <thead><tr>${["Phase", "Iteration", "Steps", "Episodes", "Reward", "Completion", "Steps/s", "Entropy"].map((words) => html`<th scope="col">${words}</th>`)}</tr></thead>
      <tbody>${points.slice(-TABLE_ROWS).reverse().map((p) => html`<tr><td>${p.phase}</td><td>${p.iteration}</td><td>${count(p.steps)}</td><td>${count(p.episodes)}</td>
        <td>${number(p.reward)}</td><td>${percent(p.progress)}</td><td>${count(p.steps_per_s)}</td><td>${number(p.stats.entropy, 3)}</td></tr>`)}</tbody></table></div>
    <div class="scroll" tabindex="0" role="region" aria-label="Evaluations in training"><table><caption>Evaluations in training</caption>
      <thead><tr>${["Checkpoint", "Iteration", "Completion", "Reward", "Laps", "Fastest", "Mean"].map((words) => html`<th scope="col">${words}</th>`)}</tr></thead>
      <tbody>${evaluations.slice(-TABLE_ROWS).reverse().map((e) => html`<tr><td>${e.checkpoint || "–"}</td><td>${e.iteration}</td><td>${percent(e.progress)}</td>
        <td>${number(e.reward)}</td><td>${e.laps_s.length} of ${e.trials}</td><td>${seconds(least(e.laps_s))}</td><td>${seconds(mean(e.laps_s))}</td></tr>`)}</tbody></table></div></details>`;
}

function histogram(canvas, curve) {
  if (!canvas) return;
  const laps = curve.evaluations.flatMap((each) => each.laps_s);
  const [low, high] = [Math.min(...laps), Math.max(...laps)];
  const bins = Math.min(16, Math.max(4, Math.ceil(Math.sqrt(laps.length))));
  const counts = Array(bins).fill(0);
  for (const lap of laps) counts[Math.min(bins - 1, Math.floor(((lap - low) / (high - low || 1)) * bins))] += 1;
  const width = canvas.parentElement.clientWidth - 32;
  const height = 240;
  [canvas.width, canvas.height] = [width * devicePixelRatio, height * devicePixelRatio];
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(devicePixelRatio, devicePixelRatio);
  pen.font = "13px system-ui, sans-serif";
  pen.textAlign = "center";
  const bar = width / bins;
  counts.forEach((each, i) => {
    const tall = (each / Math.max(...counts)) * (height - 50);
    pen.fillStyle = css("--line-1");
    pen.fillRect(i * bar + 2, height - 26 - tall, bar - 4, tall);
    pen.fillStyle = css("--muted");
    if (each) pen.fillText(each, (i + 0.5) * bar, height - 31 - tall);
  });
  pen.fillStyle = css("--muted");
  pen.textAlign = "left";
  pen.fillText(seconds(low), 2, height - 8);
  pen.textAlign = "right";
  pen.fillText(seconds(high), width - 2, height - 8);
}
