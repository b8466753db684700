import { fileURLToPath } from 'node:url';
import upres from 'upres/next';

export default upres()({
  // The sample pictures, and upres itself, lie outside of this folder.
  turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) },
});
