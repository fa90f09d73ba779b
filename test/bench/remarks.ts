/** What the figures do not say by themselves: why a goal may not be met, and what to try. Written by people, shown on the page. */
import type { GoalId } from './judge.ts';

/** About the runs as a whole. */
export const aboutTheRuns =
  'These figures were taken before anything was made faster, while several other programs worked on the same two cores (see the load). ' +
  'Both contenders of a row met that load, round by round; a figure that is asked for by itself, without a peer, met it alone and is too bad. ' +
  'Nothing was profiled yet: what is said below about causes is suspected from reading the code. ' +
  'sshd, Ansible, monit and puppet were those of Debian 12, run from a tree of their packages by chroot, since they are not installed on that machine. ' +
  'A quick run takes smaller sizes than some goals name; then a good figure is called well at a smaller size, not met; and its p99, of 8 to 60 calls, is the slowest of them.';

export const remarks: Readonly<Partial<Record<GoalId, string>>> = {
  G1: 'Suspected: the bundle is loaded whole, with zod’s schemas of every message and capability and with execa, although an idle link needs few of them. To try: load what only the runner or a request needs when it is needed; smaller heap flags of V8.',
  G2: 'Both take little enough that one look of monit more or less in a window shows, and the load of others makes each wake-up dearer. To try: measure on a quiet machine, then see by a trace what wakes the link between heartbeats.',
  G3: 'Suspected: the link builds all schemas before it dials, and its hello waits for the runner, a second Node, to say how it stands; the control plane loads its modules from sources. To try: load schemas when they are needed, begin with what the runner said last time, one bundle or a snapshot of the control plane.',
  G4: 'At small numbers the garbage of the handshakes counts as if agents kept it. To try: measure at 10,000 and 20,000 on a quiet machine; see by a heap snapshot what a session keeps.',
  G5: 'Suspected: a handshake makes and checks signatures and writes to the store on the thread that also answers tool calls, and all come at once; the simulated agents work on the same two cores. To try: take a few handshakes at a time and let the others wait; write hellos that changed nothing not at all, or many in one commit.',
  G6: 'What was found: zod keeps a memo of everything that it has seen (in weak maps) for each schema with a recursion in it, and any JSON is one; so a report cost more than the rest of its frame, and the whole message around it was kept in mind too. Now any JSON is looked through as it is, once for its depth and once for what it holds, without copies; all other members go through zod as before.',
  G7: 'Each append is a transaction with a sync of its own, also when a hundred wait; it goes through Kysely and several turns of the event loop. To try: group commit (those who wait share one transaction and one sync), the last hash kept in memory, statements prepared once.',
  G8: 'One call is two of MCP, a preview on the server, several durable transactions here and the runner’s journal with its own syncs there, one after the other. To try: count the syncs and join those that nobody waits for in between; answer `run_command` with the end where it comes at once, which saves a call.',
  G9: 'Besides the work of G8, preview and dispatch each cross the way and come back; the difference to G8 is that of four or five crossings to and fro, more than these two explain. To try: write down what crosses the proxy and when, and take away what waits for an answer that it does not need.',
  G10: 'As G8; and the runner takes 16 requests at a time and asks who comes then to come again. Output is redacted on both sides and stored in pieces. To try: see first where the time of 1 MB goes; larger pieces, several in one commit.',
  G11: 'Suspected: in the stateless era each call checks its token and builds its MCP server with all tools anew. To try: build the tools once per scope; keep what is known of a token in memory for a moment.',
  G12: 'Suspected: lists ask for the parts of each row in queries of their own; verification parses and hashes one entry after the other in JavaScript. To try: one query for the newest samples of a page; see the query plans of what waits; hash in a worker. The sizes of a full run (10 million entries, 1 million actions) are still to be measured.',
};
