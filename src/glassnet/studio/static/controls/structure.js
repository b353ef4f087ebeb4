// The network's shape: activation, first weights, biases, features and, where the picture has no room for it, layers.

import { claim } from "./claims.js";
import { button, choice, element, fillChoice, fold, labelled, searchable } from "./dom.js";
import { nameOf } from "./text.js";

export function mountStructure(section, state, actions) {
  const activation = choice((name) => name && actions.set({
    layers: state.run.settings.layers.map((layer) => ({ ...layer, activation: name })),
  }));
  const init = choice((name) => actions.set({ init: name }));
  const bias = element("input", { type: "checkbox", onchange: () => actions.set({ bias: bias.checked }) });
  const layers = element("div", { class: "slim-only layers", role: "group", "aria-label": "Hidden layers" });
  const features = mountFeatures(state, actions);
  section.append(
    labelled("activation", activation), labelled("first weights", init), element("label", { class: "row" }, element("span", {}, "biases"), bias), layers, features.element,
  );

  return function draw(news) {
    if (!(news.has("run") || news.has("hello")) || !state.run || !state.hello) return;
    const { settings } = state.run;
    const used = new Set(settings.layers.map((layer) => layer.activation));
    const all = state.hello.activations.map((name) => [name, nameOf(name)]);
    const mixed = used.size === 1 ? [] : [["", used.size ? "mixed" : "no layers"]];
    fillChoice(activation, [...mixed, ...all], used.size === 1 ? [...used][0] : "");
    activation.disabled = used.size === 0;
    fillChoice(init, state.hello.inits.map((name) => [name, nameOf(name)]), settings.init);
    bias.checked = settings.bias;
    drawLayers(layers, state, actions, all);
    features.draw();
  };
}

function drawLayers(box, state, actions, all) {
  const { settings: { layers }, folded } = state.run;
  const text = JSON.stringify([layers, all, folded]);
  if (box.dataset.shown === text) return; // keep the focus where it is
  box.dataset.shown = text;
  const rows = layers.map(({ units, activation }, l) => {
    const name = `hidden layer ${l + 1}`;
    const select = choice((value) => actions.set({
      layers: layers.map((layer, k) => (k === l ? { ...layer, activation: value } : layer)),
    }), { "aria-label": `Activation of ${name}`, disabled: folded });
    fillChoice(select, all, activation);
    return element("div", { class: "row", role: "group", "aria-label": `Hidden layer ${l + 1}, ${units} units` },
      button("−", () => actions.unit({ layer: l, remove: null }), { "aria-label": `One unit less in ${name}`, disabled: folded || units === 1 }),
      element("span", { class: "units" }, `${units} units`),
      button("+", () => actions.unit({ layer: l, add: true }), { "aria-label": `One unit more in ${name}`, disabled: folded }),
      select,
      button("×", () => actions.layer({ remove: l }), { "aria-label": `Remove ${name}` }));
  });
  box.replaceChildren(...rows, button("+ layer", () => actions.layer({ add: true }), { class: "dashed", disabled: folded }),
    button(folded ? "Part the layers again" : "Collapse", () => actions.collapse(), { disabled: layers.length === 0 }));
}

function mountFeatures(state, actions) {
  const list = element("div", { class: "features", role: "group", "aria-label": "Features" });
  const search = searchable(list, "features");
  const summary = element("summary", {}, "features");
  const formula = element("input", { type: "text", placeholder: "x1*x2", autocomplete: "off", spellcheck: false, id: "own-feature" });
  const problem = element("p", { class: "problem", role: "alert" });
  const form = element("form", { class: "field" },
    element("label", { htmlFor: "own-feature" }, "a feature of your own"),
    element("div", { class: "field-row" }, formula, element("button", { type: "submit" }, "Add")), problem);
  form.onsubmit = (event) => {
    event.preventDefault();
    const text = formula.value.trim();
    problem.textContent = "";
    if (!text) return;
    claim(actions.feature(text, true), (words) => {
      problem.textContent = words;
      formula.value = text;
    });
    formula.value = "";
  };
  function drawList() {
    const inputs = state.run.inputs;
    const text = JSON.stringify(inputs.map(({ name, label, on, removable }) => [name, label, on, removable]));
    if (list.dataset.shown === text) return;
    list.dataset.shown = text;
    const on = inputs.filter((input) => input.on).length;
    summary.textContent = `features: ${on} of ${inputs.length}`;
    list.replaceChildren(...inputs.map((input) => {
      const box = element("input", { type: "checkbox", checked: input.on });
      box.disabled = input.on && on === 1; // a network needs something to look at
      box.onchange = () => actions.feature(input.name, box.checked);
      return element("label", { class: "check" }, box, element("span", { title: input.name }, input.label ?? input.name));
    }));
    search.settle();
  }
  return { element: fold(summary, ...search.parts, list, form), draw: drawList };
}
