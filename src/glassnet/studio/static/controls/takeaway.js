// What one can take along: the model, code that repeats the run, its state, a link, and the pictures.

import { fetchFile, fetchLink } from "../api.js";
import { button, dialog, element, saveBlob } from "./dom.js";

const FILES = [
  ["model.safetensors", "Model", "opens with gn.load and anything that reads safetensors"],
  ["replay.py", "Python code", "trains the same network, to the last bit"],
  ["state.json", "State", "drop it on the studio to go on from here"],
];
const EXPORTS = [
  ["model.onnx", "ONNX", "the model for onnxruntime and whatever else runs ONNX"],
  ["model.py", "Plain Python", "the model in one file without a package"],
  ["model.c", "C", "the model as one function of C99"],
];
const PICTURES = [["output", "Output"], ["hidden", "Hidden space"], ["loss", "Loss"]];

export function mountTakeaway(state, actions) {
  const box = dialog("Take away");
  box.element.id = "take";
  const said = element("p", { class: "problem", role: "status", "aria-live": "polite" });
  const files = FILES.map(([file, name, text]) => {
    const link = element("a", { class: "button", download: file }, name);
    return { file, link, item: row(link, text) };
  });
  const exports = EXPORTS.map(([file, name, text]) => {
    const press = button(name, () => saveExport(press, file));
    return row(press, text);
  });
  const field = element("input", { type: "text", readOnly: true, id: "link", onfocus: () => field.select() });
  const copy = button("Copy", copyLink);
  const pictures = element("div", { class: "buttons" },
    ...PICTURES.map(([id, name]) => button(`${name}, PNG`, () => savePicture(id), { value: id })),
    button("Network, SVG", () => saveNetwork("svg")),
    button("Network, PNG", () => saveNetwork("png")));
  const linked = element("div", { class: "field" }, element("label", { htmlFor: "link" }, "settings, seeds and every change, in the address itself"),
    element("div", { class: "field-row" }, field, copy));
  const none = element("p", { class: "hint", hidden: true }); // why there is no link
  box.body.append(
    element("h3", {}, "Files"), element("ul", { class: "take-list" }, ...files.map(({ item }) => item), ...exports),
    element("h3", {}, "Link"),
    linked, none,
    element("h3", {}, "Pictures, as they are now"), pictures, said);

  document.getElementById("open-take").onclick = () => {
    said.textContent = "";
    for (const { file, link } of files) link.href = `/take/${encodeURIComponent(state.hello?.run ?? "")}/${file}`;
    for (const item of pictures.children) {
      item.disabled = PICTURES.some(([id]) => id === item.value) && !document.querySelector(`#${item.value} canvas`);
    }
    box.open();
    fillLink();
  };

  async function attempt(work) {
    try {
      said.textContent = "";
      await work();
    } catch (error) {
      said.textContent = error.message;
    }
  }
  function fillLink() {
    return attempt(async () => {
      field.value = "";
      const { hash, why } = await fetchLink(state.hello.run);
      linked.hidden = !hash;
      none.hidden = Boolean(hash);
      if (hash) field.value = `${location.origin}/${hash}`;
      else none.textContent = why;
    });
  }
  async function copyLink() {
    if (!field.value) await fillLink();
    await attempt(async () => {
      await navigator.clipboard.writeText(field.value);
      said.textContent = "Copied.";
    });
  }
  function saveExport(press, file) {
    return attempt(async () => {
      press.disabled = true;
      said.textContent = "It is written, and tried on rows …";
      try {
        const { blob, name } = await fetchFile(state.hello.run, file);
        saveBlob(blob, name);
        said.textContent = `${name} is saved.`;
      } finally {
        press.disabled = false;
      }
    });
  }
  // What makes the files is loaded when it is needed: the first picture does not wait for it.
  function savePicture(id) {
    return attempt(async () => {
      const { canvasBlob } = await import("./picture.js");
      saveBlob(await canvasBlob(document.getElementById(id)), `${id}.png`);
    });
  }
  function saveNetwork(kind) {
    return attempt(async () => {
      const { networkBlob, svgBlob } = await import("./picture.js");
      const make = kind === "svg" ? svgBlob : networkBlob;
      saveBlob(await make(document.getElementById("network"), state), `network.${kind}`);
    });
  }
  return () => {};
}

function row(control, text) {
  return element("li", {}, control, element("span", { class: "hint" }, text));
}
