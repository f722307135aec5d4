// Compare: several models side by side, by their trainings and evaluations.

import { html, render } from "../vendor/lit-html.js";
import { failure, fetchDocument, percent, seconds } from "./recordings.js";

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

export function mount(root, app) {
  const chosen = new Set([app.model]);
  let asked = 0;

  async function load() {
    asked += 1;
    const now = asked;
    const query = new URLSearchParams([...chosen].map((model) => ["model", model]));
    try {
      const answer = await fetch(`/api/recordings/compare?${query}`);
      const document = await answer.json();
      if (!answer.ok) throw new Error(document.error);
      if (now === asked) draw(document.models);
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

  function draw(models) {
    render(html`${choice()}<div class="scroll" tabindex="0" role="region" aria-label="Models compared"><table>
      <caption>Trainings and evaluations</caption>
      <thead><tr><td></td>${models.map((model) => html`<th scope="col">${model.name}</th>`)}</tr></thead>
      <tbody>${ROWS.map(([words, value]) => html`<tr><th scope="row">${words}</th>${models.map((model) => html`<td>${value(model)}</td>`)}</tr>`)}</tbody>
    </table></div>`, root);
  }

  load();
  return () => {
    asked = -1;
  };
}
