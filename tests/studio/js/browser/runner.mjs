// What stands in for node:test in a browser: tests are collected, and run when they are asked for.

const collected = [];

export function test(name, work) {
  collected.push({ name, work });
}

/** Import a file of tests and run them: [name, what went wrong or null] of each. */
export async function run(file) {
  collected.length = 0;
  await import(file);
  const told = [];
  for (const { name, work } of collected) {
    let wrong = null;
    try {
      await work();
    } catch (error) {
      wrong = String(error?.message ?? error);
    }
    told.push([name, wrong]);
  }
  return told;
}
