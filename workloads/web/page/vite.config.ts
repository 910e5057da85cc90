import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The page. The worker is built by vite.worker.config.ts into the same directory.
export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: 'dist', emptyOutDir: true, target: 'es2022', modulePreload: { polyfill: false }, assetsInlineLimit: 0
  }
});
