import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import type { Plugin, UserConfig } from 'vite';
import { defineConfig, type TestProjectConfiguration } from 'vitest/config';
import { findNodeAdapters, isSoftware, type NodeAdapter } from './src/browsers/adapters.ts';
import { CHROMIUM_FLAGS, findChromium } from './src/browsers/chromium.ts';
import { findFirefox } from './src/browsers/firefox.ts';
import { barrier, LICENCES_POLICY, metaPolicy } from './src/commands/barrier.ts';
import { folderOf, licencePage, packageOf, partsOf } from './src/commands/licences.ts';

/**
 * `@tensorflow/tfjs` re-exports packages that nothing here uses (Keras layers, model converter, data pipelines, WebGL),
 * and none of them says that it can be left out. This says it, which takes 105 KB (gzip) off the workers' code. The threaded build of its
 * WebAssembly is never started (src/gpu/tfjs.ts): nothing stands in the place of its 10 KB.
 */
function leanTensorFlow(): Plugin {
  const unused = /@tensorflow\/tfjs-(layers|converter|data|backend-webgl)\//;
  const nothing = '\0threads';
  return {
    name: 'lean-tensorflow',
    apply: 'build',
    enforce: 'pre',
    load: (id) => (id === nothing ? "export default null; export const wasmWorkerContents = '';" : null),
    async resolveId(source, importer, options) {
      if (/wasm-out\/tfjs-backend-wasm-threaded-simd(\.worker)?\.js$/.test(source)) return nothing;
      if (!source.startsWith('@tensorflow/') && !(importer && unused.test(importer))) return null;
      const resolved = await this.resolve(source, importer, { ...options, skipSelf: true });
      return resolved && unused.test(resolved.id) ? { ...resolved, moduleSideEffects: false } : resolved;
    },
  };
}

/**
 * What the fields of the config mean at length is for docs/CONFIG.md. The page shows their hints, so it is built without.
 */
function leanFields(): Plugin {
  const text = String.raw`(?:'(?:[^'\\]|\\.)*'|\`[^\`]*\`)`;
  const help = new RegExp(String.raw`help:\s*${text}(?:\s*\+\s*${text})*`, 'g');
  return {
    name: 'lean-fields',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      if (!/\/src\/run\/fields\/\w+\.ts$/.test(id)) return null;
      // Lines stay where they are, so source maps hold.
      const lean = code.replace(help, (found) => `help: ''${found.replace(/[^\n]/g, '')}`);
      return { code: lean, map: null };
    },
  };
}

/** Lines of a shader that are comment alone are for who reads it. Those that the macros of gpu/unroll.ts read stand behind code. */
function leanShaders(): Plugin {
  return {
    name: 'lean-shaders',
    apply: 'build',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith('.wgsl?raw')) return null;
      const source: string = JSON.parse(code.slice(code.indexOf('"'), code.lastIndexOf('"') + 1));
      // Lines stay where they are, so what a compiler says of them is true of the file.
      const lean = source.replace(/^ *\/\/.*$/gm, '');
      return { code: `export default ${JSON.stringify(lean)}`, map: null };
    },
  };
}

/** Packages of which a part went into the page or into a worker; workers are built before the page is written. */
const shipped = new Set<string>();

/** Notes the packages of each bundle: what was left in of their code, their style sheets, and files that are copied whole. */
function collectPackages(): Plugin {
  const collect = (id: string) => {
    const name = packageOf(id);
    if (name !== null) shipped.add(name);
  };
  return {
    name: 'collect-packages',
    apply: 'build',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === 'asset') for (const name of file.originalFileNames) collect(name);
        else
          for (const [id, { renderedLength }] of Object.entries(file.modules))
            if (renderedLength > 0) collect(id);
      }
      for (const id of this.getModuleIds()) if (/\.css(\?|$)/.test(id)) collect(id);
    },
  };
}

/** Writes the page of licences beside the app. The build ends here when a package has none (src/commands/licences.ts). */
function licences(): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    enforce: 'post',
    buildStart: () => shipped.clear(),
    generateBundle(_options, bundle) {
      const names = [...shipped].sort();
      const parts = [...partsOf('taiji-lab', '.'), ...names.flatMap((name) => partsOf(name, folderOf(name)))];
      const source = readFileSync('src/app/styles/licences.css', 'utf8');
      const own = this.getFileName(this.emitFile({ type: 'asset', name: 'licences.css', source }));
      const styles = [...Object.keys(bundle).filter((path) => path.endsWith('.css') && path !== own), own];
      const page = licencePage({ parts, styles, policy: metaPolicy(LICENCES_POLICY) });
      this.emitFile({ type: 'asset', fileName: 'licences.html', source: page });
    },
  };
}

// One build for the page and its workers. `base: './'` lets the folder be served from any path.
const shared: UserConfig = {
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [leanTensorFlow(), leanFields(), leanShaders(), barrier(), collectPackages(), licences()],
  worker: { format: 'es', plugins: () => [leanTensorFlow(), leanFields(), leanShaders(), collectPackages()] },
  // Every browser with WebGPU preloads modules by itself.
  build: { target: 'es2022', sourcemap: true, modulePreload: { polyfill: false } },
};

const GPU_TESTS = 'test/**/*.gpu.test.ts';

/** Tests of the page as it is deployed, training included; those beside them are of the page on a trainer that plays a run. */
const REAL_PAGES = [
  ...['barrier', 'beside', 'firefox', 'firefoxBarrier', 'licences', 'limits', 'longTasks', 'ownFiles'],
  ...['recorded', 'run', 'sentences', 'shell', 'study', 'teacher'],
].map((name) => `test/page/${name}.test.ts`);

/**
 * Files that run side by side, of all projects that say so: vitest mixes them where the number is the same, and would leave a
 * core idle by itself. Those that say 1 come after them, one by one.
 */
const maxWorkers = availableParallelism();

/** Pages come after all others, and two at a time: they wait more than they work. */
const pages = { sequence: { groupOrder: 1 }, maxWorkers: 2 };

/**
 * Kernel tests run once per adapter: a Vulkan driver is chosen per process. A real GPU has one file at a time. The whole grid of
 * shapes is the first adapter's; a second driver of the same shaders runs each of them at fewer (test/adapter.ts).
 */
function gpuProject({ name, env }: NodeAdapter, index: number): TestProjectConfiguration {
  return {
    ...shared,
    test: {
      name: `gpu-${name}`,
      environment: 'node',
      include: [GPU_TESTS],
      env: { ...env, TAIJI_TEST_ADAPTER: name, TAIJI_TEST_GRID: index === 0 ? 'whole' : 'some' },
      // Shaders compile on the cores that other files share, and a test that ran out of time takes the device along.
      testTimeout: 300_000,
      hookTimeout: 300_000,
      pool: 'forks',
      maxWorkers: isSoftware(name) ? maxWorkers : 1,
    },
  };
}

function projects(): TestProjectConfiguration[] {
  if (!process.env.VITEST) return [];
  const adapters = findNodeAdapters();
  return [
    {
      ...shared,
      test: {
        name: 'node',
        environment: 'node',
        include: ['test/**/*.test.ts'],
        exclude: [GPU_TESTS, 'test/browser/**', 'test/page/**'],
        // Study and pipeline tests train for seconds; a machine under load takes many times that.
        testTimeout: 300_000,
        maxWorkers,
      },
    },
    // With no adapter the project stays, and its tests say what is missing.
    ...(adapters.length > 0 ? adapters : [{ name: 'native', env: {} } satisfies NodeAdapter]).map(gpuProject),
    {
      ...shared,
      test: {
        name: 'browser',
        include: ['test/browser/**/*.test.ts'],
        testTimeout: 120_000,
        fileParallelism: false,
        browser: {
          enabled: true,
          headless: true,
          screenshotFailures: false,
          provider: playwright({
            launchOptions: { executablePath: findChromium() ?? undefined, args: CHROMIUM_FLAGS },
          }),
          instances: [{ browser: 'chromium' }],
        },
      },
    },
    {
      ...shared,
      test: {
        name: 'page',
        environment: 'node',
        include: REAL_PAGES,
        // npm test says so when there is none.
        exclude: findFirefox() === null ? ['test/page/firefox*.test.ts'] : [],
        globalSetup: 'test/page/setup.ts',
        testTimeout: 600_000,
        hookTimeout: 120_000,
        ...pages,
      },
    },
    {
      ...shared,
      test: {
        name: 'played',
        environment: 'node',
        include: ['test/page/**/*.test.ts'],
        exclude: REAL_PAGES,
        globalSetup: 'test/page/fakeSetup.ts',
        testTimeout: 600_000,
        hookTimeout: 120_000,
        ...pages,
      },
    },
  ];
}

export default defineConfig({ ...shared, test: { projects: projects() } });
