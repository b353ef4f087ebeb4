// How it learns: loss, optimizer, rate, batch, penalties, seed; on a phone also pace and what a step is.

import { button, choice, element, fillChoice, labelled } from "./dom.js";
import { nameOf, settingText, withCurrent } from "./text.js";

const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.02, 0.03, 0.1, 0.3, 1, 3, 10];
const BATCHES = [1, 2, 5, 10, 20, 50, 100, 200];
const PENALTIES = [0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3];
const PACES = [["even", "even"], ["epoch", "1 epoch a picture"], ["full", "full speed"]];
const STEPS = ["epoch", "batch", "stage"].map((unit) => [unit, unit]);

export function mountTraining(section, state, actions) {
  const pick = (name, read = (v) => v) => choice((v) => actions.set({ [name]: read(v) }));
  const controls = {
    loss: pick("loss"),
    optimizer: pick("optimizer"),
    rate: pick("rate", Number),
    batch: pick("batch", Number),
    l2: pick("l2", Number),
    l1: pick("l1", Number),
  };
  const seed = element("input", { type: "number", min: 0, max: 2 ** 31, step: 1 });
  seed.onchange = () => {
    if (seed.checkValidity() && seed.value !== "") actions.set({ seed: Number(seed.value) });
    else seed.value = state.run.settings.seed;
  };
  const pace = choice(actions.setPace);
  const step = choice(actions.setStepUnit);
  section.append(
    labelled("loss", controls.loss), labelled("optimizer", controls.optimizer), labelled("rate", controls.rate),
    labelled("batch", controls.batch), labelled("L2", controls.l2), labelled("L1", controls.l1), labelled("seed", seed),
    element("div", { class: "slim-only" }, labelled("pace", pace), labelled("a step is", step)),
    element("div", { class: "slim-only buttons" }, button("Start over", actions.over), button("Undo", actions.undo)),
  );

  return function draw(news) {
    if (news.has("pace")) fillChoice(pace, PACES, state.pace);
    if (news.has("stepUnit")) fillChoice(step, STEPS, state.stepUnit);
    if (!(news.has("run") || news.has("hello")) || !state.run || !state.hello) return;
    const { settings, kind, rows } = state.run;
    const auto = settings.loss === "auto" ? `${nameOf(state.run.loss)}, auto` : "auto";
    const losses = state.run.losses ?? state.hello.losses[kind];
    fillChoice(controls.loss, [["auto", auto], ...losses.map((v) => [v, nameOf(v)])], settings.loss);
    fillChoice(controls.optimizer, state.hello.optimizers.map((v) => [v, nameOf(v)]), settings.optimizer);
    const number = (v) => [v, settingText(v)];
    fillChoice(controls.rate, withCurrent(RATES, settings.rate).map(number), settings.rate);
    const sizes = withCurrent(BATCHES, settings.batch).filter((n) => n > 0 && (n < rows.training || n === settings.batch));
    fillChoice(controls.batch, [[0, `all ${rows.training}`], ...sizes.map(number)], settings.batch);
    for (const name of ["l2", "l1"]) {
      const options = withCurrent(PENALTIES, settings[name]).map((v) => [v, v === 0 ? "none" : settingText(v)]);
      fillChoice(controls[name], options, settings[name]);
    }
    if (document.activeElement !== seed) seed.value = settings.seed;
  };
}
