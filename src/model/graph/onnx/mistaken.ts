/** What people take for ONNX, by how it begins, and what is to be done with it. */
const KINDS: readonly { readonly at: number; readonly begins: string; readonly is: string }[] = [
  {
    at: 0,
    begins: 'GGUF',
    is: 'it is GGUF, the format of llama.cpp and stable-diffusion.cpp: take the .pth, .safetensors or .onnx file of the same network',
  },
  {
    at: 4,
    begins: 'TFL3',
    is: 'it is a TensorFlow Lite network: take the TensorFlow or ONNX file of the same network, or convert it with tf2onnx (--tflite)',
  },
  {
    at: 0,
    begins: '\x89HDF',
    is: 'it is HDF5, as Keras saves networks: convert it with tensorflowjs_converter, or export it with tf2onnx',
  },
  {
    at: 0,
    begins: 'version https://git-lfs',
    is: 'it is only a pointer of Git LFS to the network: run "git lfs pull", or download the file itself',
  },
  { at: 0, begins: '<', is: 'it is a web page, which a link gave in place of the network: download the file itself' },
  {
    at: 0,
    begins: '{',
    is: 'it is JSON: of networks only those of TensorFlow.js (model.json with "modelTopology") are written so',
  },
  { at: 0, begins: '[', is: 'it is a list in JSON, and no network' },
  { at: 0, begins: '\x1f\x8b', is: 'it is packed with gzip: unpack it first' },
];

/** What a file is that is no ONNX; undefined where that can't be told. */
export function mistakenKind(bytes: Uint8Array): string | undefined {
  // A TextDecoder's latin1 is Windows' code page, in which some bytes are other letters.
  const start = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  const text = start.replace(/^(?:\xef\xbb\xbf)?\s+/, '').replace(/^\xef\xbb\xbf/, '');
  return KINDS.find(({ at, begins }) => start.startsWith(begins, at) || (at === 0 && text.startsWith(begins)))?.is;
}
