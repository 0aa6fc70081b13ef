/** Builds the page once for all page tests and serves it as it is deployed, and the page of the fake trainer beside it. */
import type { TestProject } from 'vitest/node';
import { servePage } from '../../src/commands/serve';

declare module 'vitest' {
  interface ProvidedContext {
    pageUrl: string;
    /** Of the page on a trainer that plays a run. */
    fakeUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await servePage({ port: 0, outDir: '.cache/page' });
  const fake = await servePage({ port: 0, outDir: '.cache/fake', entry: 'test/page/fake.html' });
  project.provide('pageUrl', server.url);
  project.provide('fakeUrl', fake.url);
  return async () => {
    await server.close();
    await fake.close();
  };
}
