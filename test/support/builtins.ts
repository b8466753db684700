/** Every built-in label with each scale of its own, one chain, and the interpolations. */
export const builtins = [
  { label: 'natural', scale: 2 },
  { label: 'natural', scale: 3 },
  { label: 'natural', scale: 4 },
  { label: 'art', scale: 2 },
  { label: 'art', scale: 4 },
  { label: 'bilinear', scale: 2 },
  { label: 'bicubic', scale: 2 },
  { label: 'bicubic', scale: 3 },
  { label: 'nearest', scale: 2 },
] as const;
