import type { MeasuredGeometry } from './weights-manifest.js';
import type { ModelCard } from '../../model/catalogue/card.js';
import type { WeightsLocation } from '../pool/protocol.js';

/** What is known of a network's parameters without touching them. */
export interface WeightsInfo {
  /** What the model is called in lists: a built-in's label, or the file's name. */
  readonly label: string;
  /** A line for people. */
  readonly display: string;
  /** Scale factor: output pixels for each input pixel, along each axis. */
  readonly factor: number;
  /** Channels of the hidden layers, for networks that are a plain stack. */
  readonly width?: number;
  /** Logarithm to base 2 of the depth, for networks that are described so. */
  readonly logDepth?: number;
  /** Nodes that look at the whole image, for each channel, for networks that are described so. */
  readonly globalNodeFactor?: number;
  /** Number of parameters. */
  readonly parameters: number;
  /** Identity of what is computed: SHA-256 over the model's files, the chain of passes, and the version of the rewrites. */
  readonly hash: string;
  readonly geometry: MeasuredGeometry;
  /** Whether all threads share one copy, mapped from a file; otherwise each holds its own. */
  readonly shared: boolean;
}

/**
 * The parameters of one network: immutable, loaded once, written once as a file optimised for this processor, and mapped by
 * every thread of every process that uses the network.
 */
export class NetworkWeights implements WeightsInfo {
  readonly label: string;
  readonly display: string;
  readonly factor: number;
  declare readonly width?: number;
  declare readonly logDepth?: number;
  declare readonly globalNodeFactor?: number;
  readonly parameters: number;
  readonly hash: string;
  readonly geometry: MeasuredGeometry;
  readonly shared: boolean;

  /** @internal */
  constructor(info: WeightsInfo) {
    this.label = info.label;
    this.display = info.display;
    this.factor = info.factor;
    if (info.width !== undefined) this.width = info.width;
    if (info.logDepth !== undefined) this.logDepth = info.logDepth;
    if (info.globalNodeFactor !== undefined) this.globalNodeFactor = info.globalNodeFactor;
    this.parameters = info.parameters;
    this.hash = info.hash;
    this.geometry = info.geometry;
    this.shared = info.shared;
    Object.freeze(this);
  }

  /** @internal */
  static describe(card: ModelCard, hash: string, geometry: MeasuredGeometry, location: WeightsLocation): WeightsInfo {
    const { width, logDepth, globalNodeFactor } = geometry;
    return {
      ...(width !== undefined && { width }),
      ...(logDepth !== undefined && { logDepth }),
      ...(globalNodeFactor !== undefined && { globalNodeFactor }),
      label: card.label,
      display: card.display,
      factor: geometry.scale,
      parameters: geometry.parameters,
      hash,
      geometry,
      shared: location.kind === 'mapped',
    };
  }
}
