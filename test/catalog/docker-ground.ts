/** Docker on a test host: the daemon as Debian has it, and images made of busybox, since no registry can be reached. */
import type { Host } from '../hosts/host.ts';

/**
 * In namespaces without a disk of its own: `vfs` needs no overlay on overlay; the host has no rules and no bridge for containers,
 * so they run with `network_mode: none`. The machine's control groups have no controllers here, so no limit has an effect.
 */
const DAEMON = {
  'storage-driver': 'vfs',
  iptables: false,
  bridge: 'none',
  'ip-forward': false,
  // The registry that a test serves on this side speaks plain HTTP.
  'insecure-registries': ['10.77.0.0/16'],
};

/** A root file system of busybox alone, and a second and a third that differ from it. `box:sick` fails the health check below. */
const IMAGES = `
set -e
mkdir -p /srv/box/bin
cp /bin/busybox /srv/box/bin/
for name in sh sleep test rm echo; do ln -sf busybox /srv/box/bin/$name; done
tar -C /srv/box -c . | docker import - box:1 >/dev/null
echo 2 >/srv/box/release
tar -C /srv/box -c . | docker import - box:2 >/dev/null
touch /srv/box/sick
tar -C /srv/box -c . | docker import - box:sick >/dev/null
`;

/** An image that says of itself that it is old, with a layer of so many bytes. Source: Docker image specification v1.2. */
const OLD_IMAGE = `
set -e
rm -rf /srv/old && mkdir -p /srv/old/layer && cd /srv/old
head -c $2 /dev/zero >layer/padding
echo "$1" >layer/name
tar -C layer -cf layer.tar . && rm -r layer
sum=$(sha256sum layer.tar | cut -d' ' -f1)
echo '{"architecture":"amd64","os":"linux","created":"2020-01-01T00:00:00Z","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:'$sum'"]},"history":[{"created":"2020-01-01T00:00:00Z"}]}' >config.json
echo '[{"Config":"config.json","RepoTags":["'$1'"],"Layers":["layer.tar"]}]' >manifest.json
tar -c . | docker load
rm -r /srv/old
`;

/** Starts the daemon and makes the images `box:1`, `box:2` and `box:sick`. */
export async function startDocker(host: Host): Promise<void> {
  await host.writeFile('/etc/docker/daemon.json', JSON.stringify(DAEMON));
  await host.exec(['systemctl', 'start', 'docker.service']);
  await host.exec(['sh', '-c', IMAGES]);
}

export async function loadOldImage(host: Host, tag: string, bytes: number): Promise<void> {
  await host.exec(['sh', '-c', OLD_IMAGE, 'sh', tag, String(bytes)]);
}

/** The root file system of `box:2` as a tar file. */
export async function boxLayer(host: Host): Promise<Uint8Array> {
  const script = 'rm -f /srv/box/sick && tar -C /srv/box -c . | base64 -w0';
  const { stdout } = await host.exec(['sh', '-c', script]);
  return Buffer.from(stdout, 'base64');
}

export async function docker(host: Host, ...args: string[]): Promise<string> {
  return (await host.exec(['docker', ...args])).stdout.trim();
}

/** One field of a container, by a template of docker-inspect(1). */
export const inspect = (host: Host, container: string, template: string) =>
  docker(host, 'container', 'inspect', '--format', template, container);

export async function waitForHealth(host: Host, container: string, health: string): Promise<void> {
  await host.waitFor(async () => (await inspect(host, container, '{{.State.Health.Status}}')) === health, {
    what: `${container} to be ${health}`,
  });
}
