// Checkpoints: what there is, and the commands that evaluate, upload or pack one, to copy. Nothing here runs them.

import { html, nothing, render } from "../vendor/lit-html.js";
import { brief, date, seconds, size } from "../words.js";

const AGAIN_MS = 10000;

export function mount(root, app) {
  const view = { document: null, error: null, copied: "" };
  let isOver = false;

  async function load() {
    try {
      view.document = await app.get("/api/checkpoints", { model: app.model });
      view.error = null;
    } catch (error) {
      view.error = error;
    }
    if (!isOver) draw();
  }

  async function copy(command) {
    try {
      await navigator.clipboard.writeText(command);
    } catch { // without https only this machine has a clipboard
      getSelection().selectAllChildren(root.querySelector(`code[data-command="${CSS.escape(command)}"]`));
      document.execCommand("copy");
    }
    view.copied = command;
    draw();
  }

  const draw = () => render(page(view, copy), root);
  const timer = setInterval(load, AGAIN_MS);
  draw();
  load();
  return () => {
    isOver = true;
    clearInterval(timer);
  };
}

function page({ document, error, copied }, copy) {
  if (error) return html`<p class="failure" role="alert">${error.message}</p>`;
  if (!document) return html`<p class="empty">Reading the checkpoints …</p>`;
  if (!document.checkpoints.length) return html`<p class="empty">There is no checkpoint yet.</p>`;
  return html`${document.problem ? html`<p class="failure">${document.problem}</p>` : nothing}
    <p class="hidden" role="status">${copied ? "Copied." : ""}</p>
    ${document.checkpoints.map((each) => html`<section class="card checkpoint" aria-label="Checkpoint ${each.number}">
      <h2>Checkpoint ${each.number} ${each.roles.map((role) => html`<span class="chip" data-state=${role === "last" ? "" : "training"}>${role}</span>`)}
        <small>${each.metric == null ? nothing : html`evaluated ${brief(each.metric)} · `}${each.lap_s == null ? nothing : html`mean lap ${seconds(each.lap_s)} · `}${date(each.written)} · ${size(each.size_bytes)}</small></h2>
      <dl class="commands">${Object.entries(each.commands).map(([words, command]) => html`<div><dt>${words}</dt>
        <dd><code tabindex="0" data-command=${command}>${command}</code>
        <button type="button" aria-label="Copy the command: ${words} checkpoint ${each.number}" @click=${() => copy(command)}>${copied === command ? "Copied" : "Copy"}</button></dd></div>`)}</dl>
    </section>`)}`;
}
