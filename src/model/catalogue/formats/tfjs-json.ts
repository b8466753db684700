import { messageOf, UpresError } from '../../../errors.js';

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

/** What is wrong with a file's description of its layers. */
export function wrong(path: string, what: string): UpresError {
  return new UpresError('MODEL_INVALID', `${path} is no TensorFlow.js layers model that can be read: ${what}.`, {
    file: path,
  });
}

/** The file as JSON. @throws MODEL_INVALID with the place of the mistake */
export function parseModel(path: string, bytes: Uint8Array): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    const reason = messageOf(error);
    throw wrong(path, `its ${bytes.length} bytes are no whole JSON (${reason})`);
  }
  if (!isObject(json)) throw wrong(path, 'it holds no object');
  return json;
}
