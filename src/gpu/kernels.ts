/**
 * One function per shader: each adds dispatches to a plan. Shapes are in the shaders' headers; what varies per adapter is in
 * `Tuning`.
 */
export * from './kernels/adamW';
export * from './kernels/attention';
export * from './kernels/crossEntropy';
export * from './kernels/embedding';
export * from './kernels/matmul';
export * from './kernels/rmsNorm';
export * from './kernels/sample';
export * from './kernels/swiglu';
export * from './kernels/tuning';
