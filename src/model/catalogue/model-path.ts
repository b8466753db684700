/** How the main files of networks end: ONNX, and the foreign formats that there are importers for. */
export const MODEL_EXTENSIONS = ['.onnx', '.param', '.json', '.rsr', '.pth', '.pt', '.ckpt', '.safetensors'] as const;

/** Whether a text can only be meant as the path of a network's file, whatever lies there: it has a folder, or such an ending. */
export function looksLikePath(model: string): boolean {
  const lower = model.toLowerCase();
  return /[/\\]/.test(model) || MODEL_EXTENSIONS.some((extension) => lower.endsWith(extension));
}
