// What the page asked for outlives a change of the network where it still makes sense; else it is let go.

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

export function followRun(state, actions, store) {
  let version = null;
  return function draw(news) {
    if (news.has("hello") && state.hello) actions.look({ lines: state.lines }); // the server may know an older page's
    if (!news.has("run") || !state.run || state.run.version === version) return;
    const first = version === null;
    version = state.run.version;
    if (state.hover && !exists(state.hover, state.run)) store.set({ hover: null });
    if (first || Object.keys(state.about).length === 0) return;
    if (exists(state.about, state.run)) actions.select(state.about); // a new run starts without a question
    else actions.select({});
  };
}
