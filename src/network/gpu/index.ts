// The one door to what only graphics processors need: loaded when one is asked for.
export { FailoverBackend, warnOfFallback } from './failover-backend.js';
export { GpuBackend } from './gpu-backend.js';
export { GpuContext } from './gpu-context.js';
export { builtInDevices, tryDevice, tryDevices } from './try-device.js';
