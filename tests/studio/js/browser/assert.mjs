// What stands in for node:assert/strict in a browser: as strict, with shorter messages.

const shown = (value) => {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value); // such as what contains itself
  }
};

function demand(holds, words, message) {
  if (!holds) throw message instanceof Error ? message : new Error(message ?? words);
}

/** The same values in the same types: also of arrays, typed arrays, sets and maps. */
function same(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Set || a instanceof Map) return same([...a], [...b]);
  if (a instanceof Date || a instanceof RegExp) return String(a) === String(b);
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]));
}

const assert = (value, message) => demand(value, `${shown(value)} is not true`, message);
assert.ok = assert;
assert.equal = (a, b, message) => demand(Object.is(a, b), `${shown(a)} is not ${shown(b)}`, message);
assert.notEqual = (a, b, message) => demand(!Object.is(a, b), `both are ${shown(a)}`, message);
assert.deepEqual = (a, b, message) => demand(same(a, b), `${shown(a)} is not ${shown(b)}`, message);
assert.notDeepEqual = (a, b, message) => demand(!same(a, b), `both are ${shown(a)}`, message);
assert.match = (text, pattern, message) => demand(pattern.test(text), `${shown(text)} does not match ${pattern}`, message);
assert.doesNotMatch = (text, pattern, message) => demand(!pattern.test(text), `${shown(text)} matches ${pattern}`, message);
assert.throws = (work, message) => {
  try {
    work();
  } catch {
    return;
  }
  demand(false, "nothing was thrown", message);
};

export default assert;
