// Prints the peak memory in bytes of a process that does nothing.
import { ownPeakBytes } from '../run-child.js';

console.log(ownPeakBytes());
