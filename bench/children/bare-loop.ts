// Runs a bare loop once to warm up and once when told to, and says when it is ready and when it is done. Argument: the plan.
import { once } from 'node:events';
import { openBareLoop, type BareLoopPlan } from '../bare-loop.js';
import { photograph } from '../pictures.js';

const plan = JSON.parse(process.argv[2]!) as BareLoopPlan;
const loop = await openBareLoop(plan, await photograph(plan.side));
await loop.run();
process.send!('ready');
await once(process, 'message');
await loop.run();
process.send!('done');
await loop.release();
// The channel to the parent is all that still keeps this process alive.
if (process.connected) process.disconnect();
