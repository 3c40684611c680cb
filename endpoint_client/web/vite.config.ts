// Four pages (home, site, console, office) built into endpoint_client/static/.
//
// Nothing is inlined: the server sends `default-src 'self'; script-src 'self'; style-src 'self'`, so fonts and
// icons must be files and no script or style may sit in the HTML.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [svelte()],
  base: '/',
  build: {
    outDir: '../static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { index: 'index.html', site: 'site.html', console: 'console.html', office: 'office.html' } },
  },
});
