/** How the dashboard is built: static files for the control plane to serve; in development the API comes from a running one. */
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const controlPlane = process.env.COUNTERSIGN_URL ?? 'http://127.0.0.1:7070';

const TEXT = String.raw`(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")`;
const SUMMARY = new RegExp(String.raw`(\boperation\(\s*${TEXT},\s*${TEXT},\s*${TEXT},\s*)${TEXT}`, 'g');
const DESCRIPTION = new RegExp(String.raw`\.describe\(\s*${TEXT},?\s*\)`, 'g');

/**
 * The words of the operator API are for its document and for assistants, those of probes and changes for playbooks. Nobody meets
 * them on the dashboard, so they do not travel.
 */
const withoutWords: Plugin = {
  name: 'without-words',
  apply: 'build',
  enforce: 'pre',
  transform(code, id) {
    if (id.includes('/protocol/src/operator-api/'))
      return { code: code.replace(SUMMARY, "$1''").replace(DESCRIPTION, ''), map: null };
    if (!id.includes('/protocol/src/capabilities/')) return null;
    const [diagnostics = '', ...others] = code.split(/^(?=export const (?:probes|changes)\b)/m);
    return { code: diagnostics + others.join('').replace(DESCRIPTION, ''), map: null };
  },
};

export default defineConfig({
  plugins: [withoutWords, react(), tailwindcss()],
  build: {
    target: 'es2023',
    // Inlined assets would be data: URLs, which the content security policy refuses.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        // Three files that every page needs, instead of dozens of crumbs; the rest, and what only some pages need of them, is split by page.
        codeSplitting: {
          groups: [
            { name: 'react', test: /node_modules\/(react|react-dom|scheduler|@tanstack)\//, priority: 3 },
            {
              name: 'protocol',
              test: /node_modules\/zod\/|\/protocol\/src\/(?!unified-diff|redaction|random-words|quick-look|canonical)|web\/src\/api\/jitless/,
              priority: 2,
            },
            {
              name: 'ui',
              test: /web\/src\/ui\/(?!dialog|diff-view|file-button|output-view|qr|sparkline|switch|tabs|yaml)|lucide-react\/(?!.*icons\/(user-cog|sun|moon|monitor|log-out)\.)/,
              priority: 1,
            },
          ],
        },
      },
    },
  },
  server: { port: 5173, proxy: { '/api': controlPlane, '/healthz': controlPlane } },
});
