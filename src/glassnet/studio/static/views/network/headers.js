// Above each column: how many units, their activation, one less, one more; and "+ layer".

import { attribute, el, keep, place, show, text, toggle } from "../dom.js";
import { count, sup } from "../format.js";

function make(view) {
  const column = node => Number(node.closest(".column").dataset.column);
  const press = change => event => {
    const c = column(event.currentTarget);
    change(c, view.actions, view.state);
  };
  return el("div", { class: "column" }, el("b"),
    el("div", { class: "units" },
      el("button", { type: "button", class: "less", on: { click: press((c, actions) => actions.unit({ layer: c - 1, remove: null })) } }, "−"),
      el("select", { on: { change: event => {
        const c = column(event.currentTarget), layers = view.state.run.settings.layers.map((layer, l) => l === c - 1 ? { ...layer, activation: event.target.value } : layer);
        view.actions.set({ layers });
      } } }),
      el("button", { type: "button", class: "more-units", on: { click: press((c, actions) => actions.unit({ layer: c - 1, add: true })) } }, "+")));
}

export function draw(view, state, plan) {
  const { run, hello } = state, last = run.sizes.length - 1;
  const heads = keep(view.headers, run.sizes.length, () => make(view));
  run.sizes.forEach((size, c) => {
    const head = heads[c], hidden = c > 0 && c < last, [title, units] = head.children;
    head.dataset.column = c;
    place(head, plan.xs[c], plan.phone ? 8 : 12);
    const letter = c === 0 ? "x" : c === last ? "y" : `h${sup(c)}`;
    text(title, plan.phone ? letter : c === 0 ? count(size, "feature") : c === last ? (size === 1 ? "output" : count(size, "output")) : count(size, "unit"));
    show(units, hidden && !plan.phone);
    if (!hidden) return;
    const [less, select, more] = units.children, names = hello?.activations ?? [run.layers[c - 1].activation];
    attribute(less, "aria-label", size === 1 ? `Remove layer ${letter}` : `One unit less in ${letter}`);
    attribute(more, "aria-label", `One unit more in ${letter}`);
    attribute(more, "disabled", size >= (hello?.limits?.units ?? Infinity));
    attribute(select, "aria-label", `Activation of ${letter}`);
    const key = names.join();
    if (select.dataset.names !== key) {
      select.dataset.names = key;
      select.replaceChildren(...names.map(name => el("option", { value: name }, name)));
    }
    const now = run.layers[c - 1].activation;
    if (select.value !== now && select !== document.activeElement) select.value = now;
    toggle(head, "locked", layerFrozen(run, c - 1));
    toggle(head, "narrow", plan.xs[1] - plan.xs[0] < 118);
  });
  show(view.addLayer, !plan.phone && run.sizes.length - 2 < (hello?.limits?.layers ?? 8));
  place(view.addLayer, last > 0 ? (plan.xs[last - 1] + plan.xs[last]) / 2 + (last > 1 && plan.xs[1] - plan.xs[0] < 200 ? 34 : 0) : plan.xs[0], 41);
}

function layerFrozen(run, l) {
  if (!run.frozen.length) return false;
  const frozen = new Set(run.frozen), { w, b } = run.blocks[l];
  for (let p = w[0]; p < w[1]; p++) if (!frozen.has(p)) return false;
  if (b) for (let p = b[0]; p < b[1]; p++) if (!frozen.has(p)) return false;
  return true;
}
