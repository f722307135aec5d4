// Evaluations: the console's table for each, the newest first.

import { html, render } from "../vendor/lit-html.js";
import { failure, fetchDocument, keepLoading, percent, seconds, titleOf } from "./recordings.js";

export function mount(root, app) {
  let asked = 0;

  async function load() {
    const now = (asked += 1);
    const drawn = await fetchDocument("evaluations", { model: app.model }).then(
      ({ evaluations }) => (evaluations.length ? evaluations.map(table) : html`<p>No evaluation yet: <code>dr evaluate</code> starts one.</p>`),
      failure,
    );
    if (now === asked) render(drawn, root);
  }

  const stop = keepLoading(app, load);
  return () => {
    asked = -1;
    stop();
  };
}

function table(evaluation) {
  const { trials, summary } = evaluation;
  const title = titleOf(evaluation);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Evaluation of ${title}"><table>
    <caption>${title}: ${summary.laps} of ${summary.trials} laps complete, best ${seconds(summary.best_s)}</caption>
    <thead><tr>${["Trial", "Time", "Progress", "Status", "Resets", "Off track", "Crashes", "Penalties"].map((words) => html`<th scope="col">${words}</th>`)}</tr></thead>
    <tbody>${trials.map((trial) => html`<tr>
      <th scope="row">${trial.trial}</th><td>${seconds(trial.time_s)}</td><td>${percent(trial.progress)}</td>
      <td>${trial.status}</td><td>${trial.resets}</td><td>${trial.off_track}</td>
      <td>${trial.crashed}</td><td>${seconds(trial.penalty_s)}</td></tr>`)}</tbody></table></div>`;
}
