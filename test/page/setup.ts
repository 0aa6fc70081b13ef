/** Builds the page once for all tests of it and serves it as it is deployed. */
import type { TestProject } from 'vitest/node';
import { servePage } from '../../src/commands/serve';

declare module 'vitest' {
  interface ProvidedContext {
    pageUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await servePage({ port: 0, outDir: '.cache/page' });
  project.provide('pageUrl', server.url);
  return () => server.close();
}
