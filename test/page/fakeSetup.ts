/** Builds the page on a trainer that plays a run, once for all tests of that, and serves it. */
import type { TestProject } from 'vitest/node';
import { servePage } from '../../src/commands/serve';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of the page on a trainer that plays a run. */
    fakeUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await servePage({ port: 0, outDir: '.cache/fake', entry: 'test/page/fake.html' });
  project.provide('fakeUrl', server.url);
  return () => server.close();
}
