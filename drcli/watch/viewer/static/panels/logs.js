// Logs: the end of the log of each service, followed for as long as its run lasts.

import { html, render } from "../vendor/lit-html.js";

const MOST_LINES = 3000;

export function mount(root, app) {
  const view = { runs: [], chosen: "", words: "", isFollowing: true };
  const lines = document.createElement("pre");
  Object.assign(lines, { className: "log", tabIndex: 0 });
  lines.setAttribute("role", "log");
  lines.setAttribute("aria-live", "off");
  lines.setAttribute("aria-label", "Log");
  lines.addEventListener("scroll", () => {
    view.isFollowing = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 30;
    draw();
  });
  let source = null;
  let known = "";

  const stop = app.on("runs", (runs) => {
    view.runs = runs.filter((run) => run.model === app.model);
    const services = view.runs.map((run) => [run.started_at, run.services.map((service) => service.name)]);
    if (JSON.stringify(services) !== known) {
      known = JSON.stringify(services);
      const names = choices(view.runs).map(([name]) => name);
      if (!names.includes(view.chosen)) view.chosen = names[0] ?? "";
      open(); // another run, or a restart: from the start of its new log
    }
    draw();
  });

  function open() {
    source?.close();
    lines.replaceChildren();
    view.words = "";
    view.isFollowing = true;
    if (!view.chosen) return;
    const [run, kind, ...name] = view.chosen.split(" ");
    source = new EventSource(`/logs?${new URLSearchParams({ run, kind, name: name.join(" ") })}`);
    source.addEventListener("lines", (event) => add(JSON.parse(event.data)));
    source.addEventListener("end", () => finish("The run has ended."));
    source.addEventListener("problem", (event) => finish(JSON.parse(event.data)));
    source.onopen = () => lines.replaceChildren();
  }

  function finish(words) {
    source.close();
    view.words = words;
    draw();
  }

  function add(texts) {
    lines.append(texts.map((text) => `${text}\n`).join(""));
    while (lines.childNodes.length > 1 && lines.childNodes.length > MOST_LINES / 10) lines.firstChild.remove();
    if (view.isFollowing) lines.scrollTop = lines.scrollHeight;
  }

  function draw() {
    const names = choices(view.runs);
    render(names.length ? html`<div class="controls"><label>Service <select @change=${(event) => { view.chosen = event.target.value; open(); draw(); }}>
        ${names.map(([name, words]) => html`<option value=${name} ?selected=${name === view.chosen}>${words}</option>`)}</select></label>
      <label class="toggle"><input type="checkbox" .checked=${view.isFollowing} @change=${(event) => { view.isFollowing = event.target.checked; if (view.isFollowing) lines.scrollTop = lines.scrollHeight; }}> Follow</label>
      <span role="status">${view.words}</span></div>${lines}` : html`<p class="empty">This model was not trained or evaluated in this workspace, so there is no log.</p>`, root);
  }

  draw();
  return () => {
    stop();
    source?.close();
  };
}

function choices(runs) {
  return runs.flatMap((run) => run.services.map((service) => [`${run.run_id} ${run.kind} ${service.name}`, `${service.name}, ${run.kind} of run ${run.run_id} (${service.state})`]));
}
