/**
 * Part of every network's key. Raise it with any change to what the rewritten graphs compute, be it in the last bit: cached
 * results and optimised files of older versions are then left alone.
 */
export const REWRITE_VERSION = 2;

/** The same for networks of the user's own alone: raise it with a change that leaves what the built-in ones compute as it is. */
export const OWN_REWRITE_VERSION = 7;
