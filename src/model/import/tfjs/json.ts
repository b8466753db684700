/** What JSON.parse gives for an object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is an object with names, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects in a list; nothing of anything else. */
export function objectsIn(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
