/**
 * The launchers: `kernels/rmsNorm.ts` adds the dispatches of `shaders/rms_norm.wgsl` to a plan, and so for every shader. Shapes are
 * in the shaders' headers. What varies per adapter is in `Tuning`.
 */
export * from './kernels/adamw';
export * from './kernels/attention';
export * from './kernels/clear';
export * from './kernels/crossEntropy';
export * from './kernels/crossEntropyChunks';
export * from './kernels/decodeAttention';
export * from './kernels/embedding';
export { halfWeights } from './kernels/halfWeights';
export * from './kernels/heads';
export * from './kernels/matmul';
export * from './kernels/matmulGated';
export * from './kernels/matmulNormed';
export * from './kernels/matmulRotated';
export * from './kernels/matmulUngated';
export * from './kernels/reduceSlices';
export * from './kernels/rmsNorm';
export * from './kernels/rope';
export * from './kernels/sample';
export * from './kernels/swiglu';
export * from './kernels/tuning';
