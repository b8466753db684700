/** A tensor of a checkpoint. */
export interface NamedTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: Float32Array;
}

/** A file of tensors (https://github.com/huggingface/safetensors#format). */
export function writeSafetensors(tensors: readonly NamedTensor[]): Uint8Array {
  let at = 0;
  const entries = tensors.map(({ name, dims, data }) => {
    const start = at;
    at += data.byteLength;
    return [name, { dtype: 'F32', shape: dims, data_offsets: [start, at] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const padding = Buffer.alloc((8 - (header.length % 8)) % 8, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length + padding.length));
  const values = tensors.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return Buffer.concat([length, header, padding, ...values]);
}
