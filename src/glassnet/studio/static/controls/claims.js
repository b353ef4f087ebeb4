// Who asked, answers for the error: a message's id leads to the place that sent it, beside which the error then stands.

const claims = new Map();

/** Show errors of the message `id` with `show(text)` instead of as a notice. */
export function claim(id, show) {
  if (claims.size > 100) claims.delete(claims.keys().next().value); // most messages go well and are never heard of again
  claims.set(id, show);
}

/** Hand an error to who asked for it; false if nobody did. */
export function handOver({ id, text, level }) {
  const show = level === "error" ? claims.get(id) : undefined;
  if (!show) return false;
  claims.delete(id);
  show(text);
  return true;
}
