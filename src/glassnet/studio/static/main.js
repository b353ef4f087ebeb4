// Wires the page: state to controls and views, views to actions, and tells the server when a picture has been drawn.

import { acknowledge, connect, send } from "./api.js";
import { createActions, remembered } from "./controls/actions.js";
import { mountFindings } from "./controls/findings.js";
import { mountHeader } from "./controls/header.js";
import { mountKeyboard } from "./controls/keyboard.js";
import { mountLesson } from "./controls/lesson.js";
import { mountLessons } from "./controls/lessons.js";
import { mountNotices } from "./controls/notices.js";
import { mountPanel } from "./controls/panel.js";
import { mountRail } from "./controls/rail.js";
import { mountTakeaway } from "./controls/takeaway.js";
import { followRun } from "./follow.js";
import { store } from "./store.js";

const VIEWS = ["network", "output", "hidden", "loss", "layers", "why", "timeline"];
// What lags two pictures behind while it trains, and nobody sees it: each of these has its turn in every third picture.
const TURNS = { loss: 0, layers: 1, timeline: 2, why: 2 };
// What no picture shows: a change of these alone leaves the views as they are.
const UNSEEN = new Set(["notice", "verdict", "panel", "upload", "drawer", "letters", "pace", "retryAt", "dropped", "entering"]);

const { state } = store;
const actions = createActions(store, send);
const lessons = mountLessons(state, actions);
const controls = [
  mountHeader(state, actions), mountRail(state, actions), lessons.draw,
  mountLesson(state, actions, lessons.open), mountPanel(state, actions), mountTakeaway(state, actions), mountKeyboard(state, actions),
  mountFindings(state, actions),
  mountNotices(state, actions), // last: others say first which errors are theirs
  followRun(state, actions, store),
];
const views = [];
let pictures = 0;
let waiting = VIEWS.length;
const broken = new Set();

/** One part that fails says so once and leaves the others alone. */
function guarded(name, work) {
  try {
    work();
  } catch (error) {
    if (!broken.has(name)) console.error(`The part "${name}" failed:`, error);
    broken.add(name);
  }
}

function drawControls(news) {
  controls.forEach((draw, i) => guarded(`control ${i}`, () => draw(news)));
}

function drawViews(news) {
  const moves = state.frame?.playing && [...news].every((key) => key === "frame" || key === "history");
  if (news.has("frame")) pictures++;
  for (const { name, element, draw } of views) {
    if (!moves || !(name in TURNS) || pictures % 3 === TURNS[name]) guarded(name, () => draw(element, state, actions));
  }
}

store.subscribe((_, news) => {
  drawControls(news);
  if ([...news].some((key) => !UNSEEN.has(key))) drawViews(news);
  if (waiting === 0 && state.frame) document.body.classList.add("drawn"); // all pictures at once, and none is seen to move
  acknowledge();
});

/** A view that cannot be loaded leaves its place empty; the rest of the page works. */
async function loadView(name) {
  const { draw } = await import(`./views/${name}.js`);
  views.push({ name, element: document.getElementById(name), draw });
}

const more = matchMedia("(prefers-contrast: more)");
store.set({
  theme: remembered("theme", "auto"),
  patterns: remembered("patterns", more.matches),
  letters: remembered("letters", true),
  pace: remembered("pace", "even"),
  tab: "watch",
});
for (const query of [more, matchMedia("(prefers-color-scheme: dark)"), matchMedia("(max-width: 720px)")]) {
  query.addEventListener("change", () => {
    if (query === more) actions.setPatterns(more.matches);
    store.set({ media: {} }); // colours and sizes are read anew
  });
}
drawControls(new Set(Object.keys(state)));
connect();
for (const name of VIEWS) {
  loadView(name).catch((error) => console.error(`The view "${name}" could not be loaded:`, error))
    .then(() => store.set({ waiting: --waiting }));
}
