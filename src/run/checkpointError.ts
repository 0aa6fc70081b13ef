/** A checkpoint that this app cannot continue; the message says why and what to do. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}
