import type { TrialResult } from './device-trial.js';

/** The result among the lines that a trial's process printed; drivers print lines of their own, which may look like it. */
export function findTrialResult(printed: string): TrialResult | undefined {
  return printed.split('\n').map(parse).findLast(isTrialResult);
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isTrialResult(value: unknown): value is TrialResult {
  return typeof value === 'object' && value !== null && 'works' in value && typeof value.works === 'boolean';
}
