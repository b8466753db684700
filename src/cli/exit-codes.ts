/** What the command tells the shell. An interrupted run gives 128 + the signal's number, as shells expect. */
export const exitCodes = { ok: 0, someFailed: 1, usage: 2 } as const;
