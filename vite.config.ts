import { defineConfig } from 'vitest/config';

// One build for the page and its workers. `base: './'` lets the folder be served from any path.
export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: { target: 'es2022', sourcemap: true },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/browser/**', 'test/page/**'],
          testTimeout: 60_000,
        },
      },
    ],
  },
});
