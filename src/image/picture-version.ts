/**
 * Part of every result's key in the cache. Raise it with any change to what is done to pixels before and after the network:
 * results of older versions are then left alone.
 */
export const PICTURE_VERSION = 10;
