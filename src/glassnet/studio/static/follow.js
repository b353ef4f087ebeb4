// What the page asked for outlives a change of the network where it still makes sense; else it is let go.
// A lesson says itself what is asked and looked at when one of its parts begins.

/** Whether `about` still names something in a network of these sizes. */
export function exists(about, { sizes, blocks }) {
  const has = (l, j) => l >= 0 && l < sizes.length - 1 && j >= 0 && j < sizes[l + 1];
  if (about.weight) {
    const [l, i, j] = about.weight;
    return has(l, j) && i >= 0 && i < sizes[l];
  }
  if (about.bias) return has(...about.bias) && blocks[about.bias[0]].b !== null;
  if (about.unit) return has(...about.unit);
  if (about.layer !== undefined) return has(about.layer, 0);
  if (about.input !== undefined) return about.input < sizes[0];
  return true;
}

/** Whether `about` means the same in both: folded, numbers name other units; without a feature, other features. */
export function means(about, before, run) {
  const feature = about.input ?? (about.weight?.[0] === 0 ? about.weight[1] : undefined);
  return Boolean(before.folded) === Boolean(run.folded)
    && (feature === undefined || before.settings.features[feature] === run.settings.features[feature]);
}

/** The part of a lesson that has just begun, as a change of the page's state; null if it is the one from before. */
export function adopted(lesson, before, look) {
  if (!lesson || (lesson.name === before?.name && lesson.part === before.part)) return null;
  const { lines } = lesson.look ?? {};
  return { about: lesson.about ?? {}, look: { ...look, ...lesson.look }, ...(lines ? { lines } : {}) };
}

export function followRun(state, actions, store) {
  let known = null;
  let part = null;

  /** The server has set all of it already; only of a lesson that was under way may it know something else. */
  function enter() {
    const change = adopted(state.lesson, part, state.look);
    part = state.lesson;
    if (!change) return false;
    const asked = state.entering;
    store.set({ ...change, entering: false });
    if (asked) return true;
    actions.look({ lines: state.lines });
    actions.select(state.about);
    return true;
  }

  return function draw(news) {
    if (news.has("hello") && state.hello) actions.look({ lines: state.lines }); // the server may know an older page's
    if (news.has("notice") && state.notice?.level === "error") store.set({ entering: false }); // there is no such part
    const began = news.has("lesson") && enter();
    if (!news.has("run") || !state.run || state.run.version === known?.version) return;
    const before = known;
    known = state.run;
    if (state.hover && !exists(state.hover, state.run)) store.set({ hover: null });
    if (!before || began || state.entering || Object.keys(state.about).length === 0) return;
    if (means(state.about, before, state.run) && exists(state.about, state.run)) actions.select(state.about); // a new run starts without a question
    else actions.select({});
  };
}
