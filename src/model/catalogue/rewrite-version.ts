/**
 * Part of every network's key. Raise it with any change to what the rewritten graphs compute, be it in the last bit: cached
 * results and optimised files of older versions are then left alone.
 */
export const REWRITE_VERSION = 3;
