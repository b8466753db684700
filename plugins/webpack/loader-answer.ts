import { relative } from 'node:path';
import { messageOf, UpresError } from '#upres/errors.js';
import type { LoaderContext } from 'webpack';

/** An error as a build's log should have it: which image and what is wrong, without our own stack. */
export function readableError(error: unknown, context: LoaderContext<unknown>): Error {
  const message = messageOf(error);
  const file = (error instanceof UpresError ? error.file : undefined) ?? context.resourcePath;
  // Who runs loaders without webpack may say less than webpack does.
  const { rootContext, resourceQuery } = context as Partial<LoaderContext<unknown>>;
  const shown = `${relative(rootContext ?? process.cwd(), file)}${file === context.resourcePath ? (resourceQuery ?? '') : ''}`;
  return Object.assign(new Error(`${shown}: ${message}`, { cause: error }), { name: 'UpresError', hideStack: true });
}

/** Gives webpack what a loader makes. Whatever is thrown has to reach the callback: a rejection that no one handles would end the process. */
export function answerLoader<Result extends Buffer | string>(
  context: LoaderContext<unknown>,
  result: Promise<Result>,
): void {
  const callback = context.async();
  result.then(
    (made) => {
      callback(null, made);
    },
    (error: unknown) => {
      callback(readableError(error, context));
    },
  );
}
