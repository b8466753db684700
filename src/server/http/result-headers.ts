import { extensionFor } from '../../asset/names.js';
import type { Approximate } from '../../network/approximate.js';
import type { ResultFacts } from '../../asset/cached-upscaler.js';

/** What a client may want to know about a result. Labels of the owner's own may hold what no header can. */
export function resultHeaders(
  facts: Pick<ResultFacts, 'format' | 'width' | 'height' | 'frames' | 'model' | 'machine' | keyof Approximate> & {
    readonly device: string;
  },
): Record<string, string> {
  const { format, width, height, frames, model, device, machine, approximate, approximateBy } = facts;
  return {
    'content-disposition': `inline; filename="upscaled${extensionFor(format)}"`,
    'upres-width': String(width),
    'upres-height': String(height),
    'upres-frames': String(frames),
    'upres-model': encodeURIComponent(model),
    'upres-device': device,
    ...(machine !== undefined && { 'upres-machine': encodeURIComponent(machine) }),
    ...(approximate !== undefined && { 'upres-approximate': String(approximate) }),
    ...(approximateBy !== undefined && { 'upres-approximate-by': String(approximateBy) }),
  };
}
