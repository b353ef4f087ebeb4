// Above each column: how many units, their activation, one less, one more; and "+ layer".

import { attribute, el, keep, place, show, text, toggle } from "../dom.js";
import { factors } from "../equations.js";
import { count, sup } from "../format.js";

function make(view) {
  const column = node => Number(node.closest(".column").dataset.column);
  const press = change => event => {
    const c = column(event.currentTarget);
    change(c, view.actions, view.state);
  };
  return el("div", { class: "column" }, el("b"),
    el("button", { type: "button", class: "layer-name", title: "Why: this layer in one formula", on: { click: press((c, actions) => actions.select({ layer: Math.max(c - 1, 0) })) } }),
    el("div", { class: "units" },
      el("button", { type: "button", class: "less", on: { click: press((c, actions, { run }) => run.sizes[c] === 1 ? actions.layer({ remove: c - 1 }) : actions.unit({ layer: c - 1, remove: null })) } }, "−"),
      el("select", { on: { change: event => {
        const c = column(event.currentTarget), layers = view.state.run.settings.layers.map((layer, l) => l === c - 1 ? { ...layer, activation: event.target.value } : layer);
        view.actions.set({ layers });
      } } }),
      el("button", { type: "button", class: "more-units", on: { click: press((c, actions) => actions.unit({ layer: c - 1, add: true })) } }, "+")),
    el("button", { type: "button", class: "fold-layer", title: "One linear map after another is one linear map (C)",
      on: { click: press((c, actions) => actions.collapse(true, c - 1)) } }, "collapse"));
}

export function draw(view, state, plan) {
  const { run, hello } = state, last = run.sizes.length - 1, narrow = plan.xs[1] - plan.xs[0] < 118;
  const heads = keep(view.headers, run.sizes.length, () => make(view));
  run.sizes.forEach((size, c) => {
    const head = heads[c], hidden = c > 0 && c < last, [title, ask, units, fold] = head.children;
    head.dataset.column = c;
    place(head, plan.xs[c], plan.phone ? 8 : 12);
    const letter = c === 0 ? "x" : c === last ? "y" : `h${sup(c)}`;
    text(title, letter);
    text(ask, c === 0 ? count(size, "feature") : c === last ? (size === 1 ? "output" : count(size, "output")) : count(size, "unit"));
    show(title, !!plan.phone); // where there is no room for a button
    show(ask, !plan.phone);
    show(units, hidden && !plan.phone);
    show(fold, hidden && !run.folded && !plan.phone && run.layers[c - 1].activation === "identity");
    if (!hidden) return;
    const [less, select, more] = units.children, names = hello?.activations ?? [run.layers[c - 1].activation];
    attribute(less, "aria-label", size === 1 ? `Remove layer ${letter}` : `One unit less in ${letter}`);
    attribute(more, "aria-label", `One unit more in ${letter}`);
    attribute(fold, "aria-label", `Collapse ${letter}`);
    attribute(less, "disabled", run.folded); // what is shown is made of several layers, none of them this one
    attribute(select, "disabled", run.folded);
    attribute(more, "disabled", run.folded || size >= (hello?.limits?.units ?? Infinity));
    attribute(select, "aria-label", `Activation of ${letter}`);
    const key = names.join();
    if (select.dataset.names !== key) {
      select.dataset.names = key;
      select.replaceChildren(...names.map(name => el("option", { value: name }, name)));
    }
    const now = run.layers[c - 1].activation;
    if (select.value !== now && select !== document.activeElement) select.value = now;
    toggle(head, "locked", layerFrozen(run, c - 1));
    toggle(head, "narrow", narrow);
  });
  const between = l => (plan.xs[l] + plan.xs[l + 1]) / 2;
  const beside = last > 1 && plan.xs[1] - plan.xs[0] < 200 ? 34 : 0; // of the last layer's own controls
  show(view.addLayer, !plan.phone && !run.folded && run.sizes.length - 2 < (hello?.limits?.layers ?? 8));
  place(view.addLayer, between(last - 1) + beside, 41);
  show(view.part, !!run.folded);
  if (run.folded) place(view.part, between(foldedLayer(run)) + (plan.phone ? 0 : beside), plan.phone ? 16 : 41);
}

// The first layer that is a product of several; their letters stand one after the other in its own.
export function foldedLayer({ layers }) {
  const at = layers.findIndex(({ letter }) => factors(letter).length > 1);
  return at < 0 ? layers.length - 1 : at;
}

function layerFrozen(run, l) {
  if (!run.frozen.length) return false;
  const frozen = new Set(run.frozen), { w, b } = run.blocks[l];
  for (let p = w[0]; p < w[1]; p++) if (!frozen.has(p)) return false;
  if (b) for (let p = b[0]; p < b[1]; p++) if (!frozen.has(p)) return false;
  return true;
}
