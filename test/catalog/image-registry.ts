/** A registry with one image, as Docker fetches from it: real HTTP, real layers. Source: OCI distribution spec, image manifest v2. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

const digestOf = (bytes: Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export interface ImageRegistry extends AsyncDisposable {
  /** `10.77.1.1:41234/shop/web:latest` */
  readonly image: string;
  /** By which the image can be fetched again. */
  readonly digest: string;
}

/** Serves the image whose root file system is `layer`, a tar file, on an address of this machine. */
export async function serveImage(host: string, layer: Uint8Array): Promise<ImageRegistry> {
  const packed = gzipSync(layer);
  const rootfs = { type: 'layers', diff_ids: [digestOf(layer)] };
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: '2020-01-01T00:00:00Z',
      config: {},
      rootfs,
      history: [{}],
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: {
        mediaType: 'application/vnd.docker.container.image.v1+json',
        size: config.length,
        digest: digestOf(config),
      },
      layers: [
        {
          mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
          size: packed.length,
          digest: digestOf(packed),
        },
      ],
    }),
  );
  const blobs = new Map([config, packed].map((blob) => [`/v2/shop/web/blobs/${digestOf(blob)}`, blob]));
  for (const name of ['latest', digestOf(manifest)]) blobs.set(`/v2/shop/web/manifests/${name}`, manifest);
  const server = createServer((request, response) => {
    const blob = request.url === '/v2/' ? Buffer.from('{}') : blobs.get(request.url ?? '');
    const type = blob === manifest ? MANIFEST : 'application/octet-stream';
    response.writeHead(blob === undefined ? 404 : 200, {
      'content-type': type,
      'docker-distribution-api-version': 'registry/2.0',
      ...(blob === undefined ? {} : { 'docker-content-digest': digestOf(blob), 'content-length': blob.length }),
    });
    response.end(request.method === 'HEAD' ? undefined : blob);
  }).listen(0, host);
  await once(server, 'listening');
  const name = `${host}:${(server.address() as AddressInfo).port}/shop/web`;
  return {
    image: `${name}:latest`,
    digest: `${name}@${digestOf(manifest)}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
