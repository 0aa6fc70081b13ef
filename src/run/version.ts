/** Versions that a fingerprint depends on. */

/** Of the app, as in package.json: a change of any stage that changes results raises it. */
export const APP_VERSION = '0.1.0';

/** Of the GPU kernels: raised when a kernel's rounding may have changed. */
export const KERNELS_VERSION = '1';
