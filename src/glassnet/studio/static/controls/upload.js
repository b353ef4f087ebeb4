// A file of one's own: dropped anywhere on the page or chosen. How far it is, how to stop it, what went wrong.

import { upload } from "../api.js";
import { button, element } from "./dom.js";

export function mountUpload(state, actions) {
  const file = element("input", { type: "file", class: "visually-hidden", tabIndex: -1, "aria-hidden": "true",
    accept: ".csv,.tsv,.txt,.parquet,.xlsx,.json,.safetensors" });
  const choose = button("Drop or choose a table", () => file.click(), { class: "wide-button dashed" });
  const bar = element("progress", { max: 1, "aria-label": "Upload" });
  const stop = button("Cancel", () => running?.cancel());
  const progress = element("div", { class: "field-row", hidden: true }, bar, stop);
  const problem = element("p", { class: "problem", role: "alert" });
  let running = null;

  file.onchange = () => {
    if (file.files[0]) take(file.files[0]);
    file.value = "";
  };
  listenForDrops((dropped) => take(dropped));

  async function take(chosen) {
    problem.textContent = "";
    const most = state.hello?.limits.upload_bytes;
    if (most && chosen.size > most) {
      problem.textContent = `${chosen.name} has ${megabytes(chosen.size)}, but at most ${megabytes(most)} can be read here.`;
      return;
    }
    if (chosen.name.endsWith(".json")) return restore(chosen);
    running?.cancel();
    const mine = running = upload(chosen, (share) => {
      bar.value = share;
      stop.textContent = share < 1 ? "Cancel" : "Reading…";
    });
    bar.removeAttribute("value"); // unknown until the first bytes have gone
    progress.hidden = false;
    choose.hidden = true;
    try {
      use(await mine, state, actions);
    } catch (error) {
      if (error.name !== "AbortError") problem.textContent = error.message;
    }
    if (running !== mine) return; // another file came in between
    running = null;
    progress.hidden = true;
    choose.hidden = false;
  }

  async function restore(chosen) {
    try {
      actions.restore(JSON.parse(await chosen.text()));
    } catch {
      problem.textContent = `${chosen.name} is not a state file of the studio.`;
    }
  }

  return { element: element("div", { class: "upload" }, file, choose, progress, problem), draw() {} };
}

/** What to train on, from the server's answer to an upload. */
export function dataFrom(answer, data) {
  const { share = 0.67, seed = 0 } = data ?? {};
  if (answer.model) {
    return { kind: "model", model: answer.model, name: answer.name, table: data?.kind === "table" ? data.table : null, share, seed };
  }
  const columns = Object.fromEntries(answer.columns.map(({ name, kind }) => [name, kind]));
  return { kind: "table", table: answer.table, name: answer.name, target: answer.target, columns, share, seed };
}

function use(answer, state, actions) {
  actions.set({ data: dataFrom(answer, state.run?.settings.data) });
  if (answer.note) actions.notice(answer.note);
}

export function megabytes(bytes) {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(bytes >= 1e7 ? 0 : 1)} MB` : `${Math.max(1, Math.round(bytes / 1000))} kB`;
}

function listenForDrops(take) {
  const mark = (on) => document.body.classList.toggle("dropping", on);
  addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    mark(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && mark(false));
  addEventListener("drop", (event) => {
    mark(false);
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
}
