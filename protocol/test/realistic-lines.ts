/** Log lines without any secret, as nginx, PostgreSQL, systemd, the kernel, container engines and programs write them. */
import type { Random } from './seeded-random.ts';

const HEX = '0123456789abcdef';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const WORD = `${LOWER}${LOWER.toUpperCase()}0123456789`;

const hex = (r: Random, length: number) => r.text(length, HEX);
const ip4 = (r: Random) => `${10 + r.int(200)}.${r.int(256)}.${r.int(256)}.${r.int(256)}`;
const ip6 = (r: Random) => `2001:db8:${hex(r, 4)}:${hex(r, 4)}::${hex(r, 4)}`;
const uuid = (r: Random) => `${hex(r, 8)}-${hex(r, 4)}-4${hex(r, 3)}-a${hex(r, 3)}-${hex(r, 12)}`;
const time = (r: Random) =>
  `2026-11-${String(1 + r.int(28)).padStart(2, '0')}T${String(r.int(24)).padStart(2, '0')}:${String(r.int(60)).padStart(2, '0')}:${String(r.int(60)).padStart(2, '0')}`;
const host = (r: Random) => r.pick(['web-1', 'web-2', 'db-1', 'queue-7', 'ip-10-0-3-17', 'vps2719']);
const unit = (r: Random) =>
  r.pick([
    'nginx.service',
    'shop.service',
    'postgresql@16-main.service',
    'cron.service',
    'user@1000.service',
    'systemd-logind.service',
  ]);
const path = (r: Random) =>
  r.pick([
    '/var/www/shop/releases/20261120021307/public/index.php',
    '/srv/shop/node_modules/@fastify/static/lib/dirList.js',
    '/usr/lib/x86_64-linux-gnu/libsystemd.so.0.35.0',
    '/home/deploy/apps/Storefront2/src/Controller/CheckoutController2.php',
    '/usr/local/lib/python3.12/site-packages/sqlalchemy/engine/base.py',
    `/var/lib/docker/overlay2/${hex(r, 64)}/merged/etc/hosts`,
    `/nix/store/${r.text(32, 'abcdfghijklmnpqrsvwxyz0123456789')}-glibc-2.40-66/lib/libc.so.6`,
  ]);
const user = (r: Random) => r.pick(['root', 'deploy', 'www-data', 'postgres', 'admin', 'ada', 'git']);
const asset = (r: Random) =>
  `${r.pick(['index', 'main', 'vendor', 'chunk'])}-${r.text(8, `${WORD}_-`)}.${r.pick(['js', 'css', 'woff2'])}`;
const agent = (r: Random) =>
  r.pick([
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
    'curl/8.5.0',
    'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    'kube-probe/1.31',
  ]);

type Line = (r: Random) => string;

const lines: readonly Line[] = [
  (r) =>
    `${ip4(r)} - - [20/Nov/2026:02:13:07 +0000] "GET /assets/${asset(r)} HTTP/2.0" 200 ${r.int(99_999)} "https://shop.example.org/" "${agent(r)}"`,
  (r) =>
    `${ip6(r)} - - [20/Nov/2026:02:13:07 +0000] "POST /api/orders/${uuid(r)}/items?page=${r.int(9)}&sort=created_at HTTP/1.1" ${r.pick([200, 201, 422, 502])} ${r.int(999)} "-" "${agent(r)}"`,
  (r) =>
    `${time(r)} [error] ${r.int(9999)}#0: *${r.int(99_999)} connect() failed (111: Connection refused) while connecting to upstream, client: ${ip4(r)}, server: shop.example.org, request: "GET /login HTTP/1.1", upstream: "http://127.0.0.1:3000/login", host: "shop.example.org"`,
  (r) => `nginx: [emerg] unknown directive "worker_conections" in /etc/nginx/nginx.conf:${r.int(99)}`,
  (r) =>
    `${time(r)}.${r.int(999)} UTC [${r.int(9999)}] shop@shop LOG:  duration: ${r.int(9000)}.${r.int(999)} ms  statement: SELECT "orders"."id", "orders"."token_id" FROM "orders" WHERE "orders"."user_id" = ${r.int(99_999)} LIMIT 20`,
  (r) => `${time(r)} UTC [${r.int(9999)}] ERROR:  duplicate key value violates unique constraint "users_email_key"`,
  (r) => `${time(r)} UTC [${r.int(9999)}] DETAIL:  Key (id)=(${uuid(r)}) already exists.`,
  (r) =>
    `${time(r)} UTC [${r.int(9999)}] LOG:  checkpoint complete: wrote ${r.int(9999)} buffers (0.3%); 0 WAL file(s) added; lsn=2/${hex(r, 8).toUpperCase()}, redo lsn=2/${hex(r, 8).toUpperCase()}`,
  (r) => `${time(r)} UTC [${r.int(9999)}] FATAL:  password authentication failed for user "${user(r)}"`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} systemd[1]: ${unit(r)}: Main process exited, code=exited, status=${r.int(255)}/n/a`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} systemd[1]: Started ${unit(r)} - A high performance web server and a reverse proxy server.`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} systemd[1]: run-docker-runtime\\x2drunc-moby-${hex(r, 64)}-runc.${r.text(6, WORD)}.mount: Deactivated successfully.`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} sshd[${r.int(9999)}]: Failed password for invalid user ${user(r)} from ${ip4(r)} port ${r.int(60_000)} ssh2`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} sshd[${r.int(9999)}]: Accepted publickey for ${user(r)} from ${ip4(r)} port ${r.int(60_000)} ssh2: ED25519 SHA256:${r.text(43, `${WORD}+/`)}`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} sshd[${r.int(9999)}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${ip4(r)}  user=${user(r)}`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} sudo[${r.int(9999)}]:   ${user(r)} : TTY=pts/0 ; PWD=/home/deploy ; USER=root ; COMMAND=/usr/bin/systemctl restart nginx`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} kernel: [${r.int(99_999)}.${r.int(999_999)}] Out of memory: Killed process ${r.int(9999)} (node) total-vm:${r.int(9_999_999)}kB, anon-rss:${r.int(999_999)}kB, file-rss:0kB, shmem-rss:0kB, UID:33 pgtables:${r.int(999)}kB oom_score_adj:0`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} kernel: [UFW BLOCK] IN=eth0 OUT= MAC=${Array.from({ length: 14 }, () => hex(r, 2)).join(':')} SRC=${ip4(r)} DST=${ip4(r)} LEN=40 TOS=0x00 PREC=0x00 TTL=24${r.int(9)} ID=${r.int(65_535)} PROTO=TCP SPT=${r.int(65_535)} DPT=${r.int(65_535)} WINDOW=1024 RES=0x00 SYN URGP=0`,
  (r) =>
    `Nov 20 02:13:07 ${host(r)} kernel: usb 1-1: New USB device found, idVendor=${hex(r, 4)}, idProduct=${hex(r, 4)}, bcdDevice= 1.00`,
  (r) => `Nov 20 02:13:07 ${host(r)} CRON[${r.int(9999)}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)`,
  (r) =>
    `time="${time(r)}Z" level=info msg="Container ${hex(r, 64)} failed to exit within 10s of signal 15 - using the force"`,
  (r) => `time="${time(r)}Z" level=warning msg="cleaning up after shim disconnected" id=${hex(r, 64)} namespace=moby`,
  (r) => `Digest: sha256:${hex(r, 64)}`,
  (r) => `registry.example.org/shop/web@sha256:${hex(r, 64)}   ${hex(r, 12)}   2 days ago   ${r.int(900)}MB`,
  (r) =>
    `${hex(r, 12)}   registry.example.org/shop/web:${hex(r, 7)}   "docker-entrypoint.s…"   3 hours ago   Up 3 hours   0.0.0.0:3000->3000/tcp   shop-web-1`,
  (r) => `commit ${hex(r, 40)} (HEAD -> main, origin/main)`,
  (r) => `   ${hex(r, 7)}..${hex(r, 7)}  main       -> origin/main`,
  (r) =>
    `{"level":"info","time":${1_700_000_000_000 + r.int(99_999_999)},"pid":${r.int(9999)},"hostname":"${host(r)}","reqId":"req-${r.text(4, LOWER)}","req":{"method":"GET","url":"/api/products/${r.int(9999)}","remoteAddress":"${ip4(r)}"},"msg":"incoming request"}`,
  (r) =>
    `{"level":"error","msg":"job failed","job":"${uuid(r)}","queue":"mail","attempt":${r.int(9)},"err":{"name":"TimeoutError","message":"ResourceRequest timed out"}}`,
  (r) =>
    `${time(r)}Z INFO shop::http request{method=GET path=/health request_id=${uuid(r)}}: finished processing request latency=${r.int(99)} ms status=200`,
  (r) =>
    `${time(r)} INFO [o.s.b.w.embedded.tomcat.TomcatWebServer] (main) Tomcat started on port 8080 (http) with context path '/'`,
  (r) => `    at org.springframework.web.servlet.FrameworkServlet.processRequest(FrameworkServlet.java:${r.int(999)})`,
  (r) => `    at async file://${path(r)}:${r.int(999)}:${r.int(99)}`,
  (r) => `  File "${path(r)}", line ${r.int(999)}, in _execute_context`,
  (r) =>
    `PHP Fatal error:  Uncaught TypeError: count(): Argument #1 ($value) must be of type Countable|array, null given in ${path(r)}:${r.int(999)}`,
  (r) =>
    `[${time(r)}+00:00] production.INFO: Order shipped {"order_id":${r.int(99_999)},"tracking":"JJD${r.text(18, '0123456789')}"} []`,
  (r) =>
    `I, [${time(r)}.${r.int(999_999)} #${r.int(9999)}]  INFO -- : [${uuid(r)}] Completed 200 OK in ${r.int(999)}ms (Views: ${r.int(99)}.${r.int(9)}ms | ActiveRecord: ${r.int(99)}.${r.int(9)}ms)`,
  (r) =>
    `redis[${r.int(9999)}]: Background saving terminated with success; DB saved on disk; RDB: ${r.int(9)} MB of memory used by copy-on-write`,
  (r) =>
    `postfix/smtp[${r.int(9999)}]: ${r.text(10, '0123456789ABCDEF')}: to=<ada@example.org>, relay=mx.example.org[${ip4(r)}]:25, delay=0.9, dsn=2.0.0, status=sent (250 2.0.0 OK ${1_700_000_000 + r.int(9_999_999)} ${r.text(28, `${LOWER}0123456789`)}.${r.int(99)} - gsmtp)`,
  (r) =>
    `certbot: Certificate is saved at: /etc/letsencrypt/live/shop.example.org/fullchain.pem, expires on 2027-02-${10 + r.int(18)}`,
  () =>
    `Set-up of key exchange: kex: algorithm: curve25519-sha256, host key algorithm: ssh-ed25519, cipher: chacha20-poly1305@openssh.com`,
  (r) => `/dev/disk/by-uuid/${uuid(r)} on / type ext4 (rw,relatime,errors=remount-ro)`,
  (r) =>
    `Filesystem /dev/nvme0n1p${1 + r.int(9)} ${r.int(99)}G ${r.int(99)}G ${r.int(99)}G ${r.int(100)}% /var/lib/docker/volumes/${hex(r, 64)}/_data`,
  (r) =>
    `npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory. integrity sha512-${r.text(86, `${WORD}+/`)}==`,
  (r) =>
    `+    "node_modules/zod": { "version": "4.${r.int(9)}.${r.int(20)}", "integrity": "sha512-${r.text(86, `${WORD}+/`)}==" },`,
  (r) =>
    `traefik: ${time(r)} WRN Could not retrieve CanonizedHost, reject host=${ip4(r)} routerName=websecure-shop-${hex(r, 10)}@docker`,
  (r) =>
    `kubelet: "SyncLoop (PLEG): event for pod" pod="shop/web-${r.text(9, 'bcdfghjklmnpqrstvwxz2456789')}-${r.text(5, 'bcdfghjklmnpqrstvwxz2456789')}" event={"ID":"${uuid(r)}","Type":"ContainerStarted","Data":"${hex(r, 64)}"}`,
  (r) => `traceparent: 00-${hex(r, 32)}-${hex(r, 16)}-01`,
  (r) =>
    `ETag: "${hex(r, 8)}-${hex(r, 5)}"; last-modified: Fri, 20 Nov 2026 02:13:07 GMT; content-length: ${r.int(99_999)}`,
  (r) => `token bucket: limit 100, remaining ${r.int(100)}, reset in ${r.int(60)} s for client ${ip4(r)}`,
  (r) => `Invalid token at position ${r.int(999)} in /etc/shop/config.json; expected a comma`,
  (r) => `JWT expired at ${time(r)}Z. Current time: ${time(r)}Z, a difference of ${r.int(9999)} milliseconds.`,
  (r) => `auth: user ${user(r)} logged in, method=publickey, session opened (uid=${r.int(2000)})`,
  (r) => `cache: miss key=product:${r.int(9999)}:v2 shard=${r.int(16)} took=${r.int(50)}ms`,
  (r) => `kafka: partition_key=${uuid(r)} offset=${r.int(999_999)} topic=orders.v1 lag=${r.int(99)}`,
  (r) => `env: NODE_ENV=production PORT=3000 LOG_LEVEL=info TZ=Europe/Lisbon GIT_SHA=${hex(r, 40)}`,
  (r) => `MainPID=${r.int(9999)} ControlPID=0 InvocationID=${hex(r, 32)} Result=success NRestarts=${r.int(9)}`,
  (r) => `machine-id ${hex(r, 32)} boot-id ${uuid(r)} kernel 6.1.0-${r.int(30)}-amd64`,
  (r) => `borg: Archive name: web-1-${time(r)} fingerprint: ${hex(r, 64)} Time (start): Fri, 2026-11-20 02:13:07`,
  (r) => `dpkg: status installed libssl3:amd64 3.0.15-1~deb12u${r.int(9)} ${path(r)}`,
  (r) => `fail2ban.actions [${r.int(9999)}]: NOTICE  [sshd] Ban ${ip4(r)}`,
];

/** So many lines, of every sort in turn. */
export function realisticLines(count: number, random: Random): string[] {
  return Array.from({ length: count }, (_, index) => {
    const line = lines[index % lines.length];
    if (line === undefined) throw new RangeError('no line');
    return line(random);
  });
}
