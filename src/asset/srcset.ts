export interface SrcsetCandidate {
  readonly url: string;
  /** `2x`, `640w`, or nothing. */
  readonly descriptor: string;
}

/** The candidates of a `srcset`, after the HTML standard (4.8.4.2.2): a URL ends at white space, or at a comma that ends it. */
export function parseSrcset(srcset: string): SrcsetCandidate[] {
  const candidates: SrcsetCandidate[] = [];
  const candidate = /[\s,]*(\S+)/y;
  const descriptor = /\s*((?:[^,(]|\([^)]*\))*)/y;
  for (let match = candidate.exec(srcset); match; match = candidate.exec(srcset)) {
    const url = match[1]!;
    const alone = url.replace(/,+$/, '');
    descriptor.lastIndex = candidate.lastIndex;
    const text = alone === url ? (descriptor.exec(srcset)?.[1] ?? '') : '';
    if (alone === url) candidate.lastIndex = descriptor.lastIndex;
    candidates.push({ url: alone, descriptor: text.trim() });
  }
  return candidates;
}

export function printSrcset(candidates: readonly SrcsetCandidate[]): string {
  return candidates.map(({ url, descriptor }) => (descriptor === '' ? url : `${url} ${descriptor}`)).join(', ');
}
