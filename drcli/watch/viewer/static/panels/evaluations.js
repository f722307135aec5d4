// Evaluations: the console's table for each.

import { html, render } from "../vendor/lit-html.js";
import { failure, fetchDocument, percent, seconds } from "./recordings.js";

export function mount(root, app) {
  fetchDocument("evaluations", { model: app.model })
    .then(({ evaluations }) => render(evaluations.length ? evaluations.map(table) : html`<p>No evaluation yet: <code>dr evaluate</code> starts one.</p>`, root))
    .catch((error) => render(failure(error), root));
  return () => {};
}

function table({ started, checkpoint, world_name: world, race_type: race, trials, summary }) {
  const title = [started.replace("T", " "), world, race, checkpoint && `checkpoint ${checkpoint}`].filter(Boolean).join(", ");
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Evaluation of ${title}"><table>
    <caption>${title}: ${summary.laps} of ${summary.trials} laps complete, best ${seconds(summary.best_s)}</caption>
    <thead><tr>${["Trial", "Time", "Progress", "Status", "Resets", "Off track", "Crashes", "Penalties"].map((words) => html`<th scope="col">${words}</th>`)}</tr></thead>
    <tbody>${trials.map((trial) => html`<tr>
      <th scope="row">${trial.trial}</th><td>${seconds(trial.time_s)}</td><td>${percent(trial.progress)}</td>
      <td>${trial.progress >= 100 ? "Lap complete" : trial.status}</td><td>${trial.resets}</td><td>${trial.off_track}</td>
      <td>${trial.crashed}</td><td>${seconds(trial.penalty_s)}</td></tr>`)}</tbody></table></div>`;
}
