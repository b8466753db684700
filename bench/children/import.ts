// Imports packages one after the other and prints the milliseconds of processor time that the last one took.

const names = process.argv.slice(2);
const last = names.pop()!;
for (const name of names) await import(name);
const before = process.cpuUsage();
await import(last);
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000);
