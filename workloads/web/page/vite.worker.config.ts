import { defineConfig } from 'vite';

// The service worker: one file with a fixed name, at the root, so that its scope is the whole site.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: 'dist',
    emptyOutDir: false,
    target: 'es2022',
    lib: { entry: 'src/sw.ts', formats: ['iife'], name: 'natsterWorker', fileName: () => 'sw.js' }
  }
});
