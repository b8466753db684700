/** The first line of what the runtime says, without the place in its sources that it begins with. */
export function firstLine(text: string): string {
  return text
    .trim()
    .split('\n')[0]!
    .replace(/\/onnxruntime_src\/.*? was false\. /, '');
}
