/**
 * Networks and pictures in code.
 * @module upres
 */
export { UpresError, type UpresErrorCode, type UpresErrorOptions } from './errors.js';
export { ThreadSafeNetwork, type NetworkHandle } from './network/thread-safe-network.js';
export type { CallOptions, NameOption, NetworkOptions, ScaleOption } from './network/network-options.js';
export { NetworkWeights, type WeightsInfo } from './network/weights/network-weights.js';
export type { TileRecord } from './network/pool/call.js';
export type { Device, DeviceChoice, GpuDevice } from './network/device.js';
export { resolveDevice } from './network/resolve-device.js';
export type { GpuState } from './network/gpu/gpu-context.js';
export type { ImageTensor, PixelArray, PixelImage, Progress, Samples } from './pixels.js';
export {
  type AlphaMode,
  Upscaler,
  type ImageInput,
  Source,
  type Output,
  type OutputFormat,
  type ResizeOptions,
  type Target,
  type UpscaleOptions,
  type UpscaleResult,
  type UpscalerOptions,
} from './image/upscale.js';
export type { ColourMode } from './image/codec/decode.js';
export type { PixelLimits } from './image/limits.js';
export type { Header, ImageInfo } from './image/codec/header.js';
export { probe } from './image/codec/probe.js';
export type { Approximate } from './network/approximate.js';
export type { ComputingOptions } from './model/catalogue/computing.js';
export type { DescribedModel, OwnModel, StatedColours, ValueRange } from './model/catalogue/colours.js';
export { builtinLabels, type BuiltinLabel } from './model/catalogue/registry.js';
export { version } from './version.js';
