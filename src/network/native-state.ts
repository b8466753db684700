/** What this process has found out about the native runtime. It is apart from what finds it, since there must be one of it. */
export const native: {
  /** Why it can't be loaded; null: no reason is known. Undefined before it was looked for. */
  objection: string | null | undefined;
  /** Whether it was said that WebAssembly takes its place. */
  warned: boolean;
} = { objection: undefined, warned: false };
