/** How a picture was stored with loss, and so how far its pixels may lie from the original's. */
export interface LossyStorage {
  /** In words, for people: `JPEG of quality 72`. */
  readonly told: string;
  /**
   * Mean square of the quantisation steps of luma where pictures have their contents, in squared levels of an orthonormal
   * transform, so that formats compare; 1 or more.
   */
  readonly squaredStep: number;
  /** Bytes that the pixels take. */
  readonly pixelBytes: number;
}
