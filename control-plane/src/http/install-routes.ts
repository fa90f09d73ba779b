/**
 * What a server fetches to install the agent: the script, the package and its checksum. All of it comes from here, nothing
 * from third parties. Open to anybody, since nothing in it is secret: what binds a server is the token in its command.
 */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fault } from '@countersign/protocol';
import type { FastifyInstance } from 'fastify';
import { noRoute } from './errors.ts';

export interface AgentPackage {
  readonly path: string;
  readonly fileName: string;
  /** Of the whole file: 64 lower-case hex digits. */
  readonly sha256: string;
  readonly version: string;
  readonly bytes: number;
}

export interface InstallRoutesDeps {
  /** Path of the install script. */
  readonly installScript: string;
  /** The package for a platform (`linux-x64`); `undefined` when there is none here. */
  readonly packageFor: (platform: string) => Promise<AgentPackage | undefined>;
}

const platforms = ['linux-x64', 'linux-arm64'] as const;

export function installRoutes(app: FastifyInstance, deps: InstallRoutesDeps): void {
  const packageFor = async (platform: string) => {
    const found = platforms.some((known) => known === platform) ? await deps.packageFor(platform) : undefined;
    if (found === undefined) throw fault('package_missing', { platform });
    return found;
  };

  app.get('/install.sh', async (_request, reply) =>
    reply
      .type('text/x-shellscript; charset=utf-8')
      .header('cache-control', 'no-cache')
      .send(await readFile(deps.installScript)),
  );

  app.get('/agent/manifest.json', async (_request, reply) => {
    const packages = await Promise.all(
      platforms.map(async (platform) => {
        const found = await deps.packageFor(platform);
        return found ? [{ platform, version: found.version, sha256: found.sha256, bytes: found.bytes }] : [];
      }),
    );
    return reply.header('cache-control', 'no-cache').send({ packages: packages.flat() });
  });

  app.get<{ Params: { file: string } }>('/agent/:file', async (request, reply) => {
    const [, platform, form] = /^([a-z0-9-]+)\.(tar\.gz|sha256)$/.exec(request.params.file) ?? [];
    if (platform === undefined) throw noRoute(request);
    const { path, fileName, sha256, bytes } = await packageFor(platform);
    reply.header('cache-control', 'no-cache').header('etag', `"${sha256}-${form}"`);
    if (form === 'sha256') return reply.type('text/plain; charset=utf-8').send(`${sha256}  ${fileName}\n`);
    return reply
      .type('application/gzip')
      .header('content-length', bytes)
      .header('content-disposition', `attachment; filename="${fileName}"`)
      .send(createReadStream(path));
  });
}
