/** The dashboard: the files that `web` was built into. Every page of it is `index.html`; the browser's router does the rest. */
import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Log } from '../ports.ts';
import { noRoute, sendFault } from './errors.ts';
import { precompress } from './precompress.ts';

const NOT_BUILT = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Countersign</title></head><body>
<h1>The dashboard is not built yet</h1>
<p>The control plane runs, but the files of its dashboard are missing. In the folder of Countersign, run</p>
<pre>npm run build</pre>
<p>and reload this page. <code>npm start</code> does it by itself.</p></body></html>
`;

/** Paths that are never pages of the dashboard: what is missing there is answered in JSON. */
const NO_PAGE = /^\/(api|mcp|agent|hooks|healthz|metrics|install\.sh|assets)(\/|$)/;

/** `/favicon.ico` and the like. Below a folder a dot may be part of a name: `/playbooks/service.restart`. */
const ROOT_FILE = /^\/[^/]+\.[a-z0-9]+$/i;

/** Serves the dashboard from `folder`. Files with a hash in their name are kept by browsers for good, the others asked for anew. */
export async function dashboard(app: FastifyInstance, folder: string, log: Log): Promise<void> {
  const built = () => existsSync(join(folder, 'index.html'));
  if (existsSync(folder)) {
    precompress(folder).catch((error: unknown) => log.info('dashboard.not_compressed', { error: String(error) }));
    await app.register(fastifyStatic, {
      root: folder,
      index: 'index.html',
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply, path) => {
        const hashed = path.includes(`${sep}assets${sep}`);
        reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  }
  app.setNotFoundHandler(async (request, reply) => {
    if (!isPage(request)) return sendFault(reply, noRoute(request));
    if (!built() || !('sendFile' in reply)) return notBuilt(reply);
    return reply.sendFile('index.html');
  });
}

function isPage({ method, url, headers }: FastifyRequest): boolean {
  const path = url.split('?')[0] ?? url;
  const wantsHtml = headers.accept === undefined || /text\/html|\*\/\*/.test(headers.accept);
  return (method === 'GET' || method === 'HEAD') && wantsHtml && !NO_PAGE.test(path) && !ROOT_FILE.test(path);
}

function notBuilt(reply: FastifyReply): FastifyReply {
  return reply.status(503).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(NOT_BUILT);
}
