/** A checkpoint that this app cannot continue; the message says why. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';

  /** @param isDamage whether it is not what was written, as opposed to written by another version of the app */
  constructor(
    message: string,
    readonly isDamage = false,
  ) {
    super(message);
  }
}
