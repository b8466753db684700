/** What is left of a farm's jobs: keys of Redis, and of the storage. */
export function farmLeft(
  queue: string,
  storage: string,
): Promise<{ readonly keys: readonly string[]; readonly objects: readonly string[] }>;
