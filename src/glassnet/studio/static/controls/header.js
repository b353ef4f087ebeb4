// The header and the phone's footer: run it, and five numbers that change in place.

import { icon, rove } from "./dom.js";
import { lossText, scoreText, speedText, whole } from "./text.js";

const THEMES = { auto: "light", light: "dark", dark: "auto" };

export function mountHeader(state, actions) {
  const at = (id) => document.getElementById(id);
  at("over").onclick = actions.over;
  for (const id of ["play", "foot-play"]) at(id).onclick = actions.toggle;
  for (const id of ["step", "foot-step"]) at(id).onclick = () => actions.step();
  at("pace").onchange = (event) => actions.setPace(event.target.value);
  at("theme").onclick = () => actions.setTheme(THEMES[state.theme]);
  at("units").onclick = (event) => event.target.value && actions.setStepUnit(event.target.value);
  const settleUnits = rove(at("units"), (button) => button.getAttribute("aria-pressed") === "true");
  at("tabs").onclick = (event) => event.target.value && actions.setTab(event.target.value);
  const settleTabs = rove(at("tabs"), (button) => button.hasAttribute("aria-current"));
  at("open-settings").onclick = () => actions.setDrawer(!state.drawer);

  const cells = ["epoch", "loss", "validation", "score", "score-name", "speed"].map((name) => [name, at(`number-${name}`).firstChild]);
  const texts = Object.fromEntries(cells); // a text that is changed costs less than one that is replaced
  const write = (name, text) => {
    if (texts[name].data !== text) texts[name].data = text;
  };
  let playing = null;

  function drawRun(frame, run) {
    const trains = frame.playing && state.connection === "open"; // the server rests when the page is gone
    write("epoch", whole((frame.looking ?? frame).epoch));
    write("loss", lossText(frame.loss));
    write("validation", lossText(frame.validation));
    write("score-name", run?.score ?? "accuracy");
    write("score", scoreText(frame.validation_score ?? frame.score, run?.score));
    write("speed", trains ? speedText(frame.epochs_per_second) : "paused");
    if (playing === trains) return;
    playing = trains;
    for (const id of ["play", "foot-play"]) {
      at(id).setAttribute("aria-label", playing ? "Pause" : "Play");
      at(id).title = `${playing ? "Pause" : "Play"} (Space)`;
      at(id).replaceChildren(icon(playing ? "pause" : "play"));
    }
  }

  return function draw(news) {
    if (["frame", "run", "connection"].some((key) => news.has(key)) && state.frame) drawRun(state.frame, state.run);
    if (news.has("run") && state.run) document.title = `glassnet studio: ${state.run.title}`;
    if (news.has("pace")) at("pace").value = state.pace;
    if (news.has("stepUnit")) {
      for (const button of at("units").children) {
        button.setAttribute("aria-pressed", String(button.value === state.stepUnit));
      }
      settleUnits();
    }
    if (news.has("tab") || news.has("media")) nameMain(state.tab);
    if (news.has("tab")) {
      document.body.dataset.tab = state.tab;
      for (const button of at("tabs").children) {
        if (button.value === state.tab) button.setAttribute("aria-current", "page");
        else button.removeAttribute("aria-current");
      }
      settleTabs();
    }
    if (news.has("drawer")) {
      at("open-settings").setAttribute("aria-expanded", String(state.drawer));
      document.body.classList.toggle("drawer", state.drawer);
    }
    if (news.has("lesson") && !state.lesson && state.drawer) actions.setDrawer(false); // the settings are beside it again
    if (news.has("theme") || news.has("patterns")) dress(state);
  };
}

/** On a phone's Data tab the network is away: the settings are then what the page is about. */
function nameMain(tab) {
  const rail = document.getElementById("rail");
  if (tab === "data" && matchMedia("(max-width: 720px)").matches) rail.setAttribute("role", "main");
  else rail.setAttribute("role", "complementary");
}

/** The theme as an attribute that wins over the system's, patterns as a class. */
function dress(state) {
  const root = document.documentElement;
  if (state.theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = state.theme;
  root.classList.toggle("patterns", state.patterns);
  const name = { auto: "as the system", light: "light", dark: "dark" }[state.theme];
  const button = document.getElementById("theme");
  button.setAttribute("aria-label", `Theme: ${name}`);
  button.title = `Theme: ${name}`;
}
