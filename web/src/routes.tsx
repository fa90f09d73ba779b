/** All addresses of the dashboard. Each page is a chunk of its own, fetched when a link to it is pointed at. */
import { actionStateSchema } from '@countersign/protocol/action-lifecycle';
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { z } from 'zod';
import { isFault } from './api/client.ts';
import { queryClient, session } from './api/queries.ts';
import { meQuery } from './api/session.ts';
import { Broken } from './components/broken.tsx';
import { NotFound } from './components/not-found.tsx';
import { Shell } from './components/shell.tsx';
import { Skeleton } from './ui/skeleton.tsx';

const optional = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: (props) => (
    <main>
      <Broken {...props} />
    </main>
  ),
});

/** Pages that only signed-in people see, in the frame. */
const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  component: Shell,
  beforeLoad: async ({ location }) => {
    try {
      await queryClient.ensureQueryData(meQuery);
    } catch (error) {
      if (!isFault(error, 'unauthenticated')) throw error;
      throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { next: location.href }, replace: true });
    }
  },
});

const overview = createRoute({
  getParentRoute: () => app,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview.tsx'), 'OverviewPage'),
});
const inbox = createRoute({
  getParentRoute: () => app,
  path: '/inbox',
  component: lazyRouteComponent(() => import('./pages/inbox.tsx'), 'InboxPage'),
});
const actions = createRoute({
  getParentRoute: () => app,
  path: '/actions',
  component: lazyRouteComponent(() => import('./pages/actions.tsx'), 'ActionsPage'),
  validateSearch: z.object({
    state: optional(actionStateSchema),
    server: optional(z.string().max(100)),
    open: optional(z.enum(['true', 'false'])),
  }),
});
const action = createRoute({
  getParentRoute: () => app,
  path: '/actions/$action',
  component: lazyRouteComponent(() => import('./pages/action.tsx'), 'ActionPage'),
  validateSearch: z.object({ ask: optional(z.enum(['approve', 'reject'])) }),
});
const servers = createRoute({
  getParentRoute: () => app,
  path: '/servers',
  component: lazyRouteComponent(() => import('./pages/servers.tsx'), 'ServersPage'),
  validateSearch: z.object({ state: optional(z.enum(['online', 'offline', 'awaiting_agent'])) }),
});
const addServer = createRoute({
  getParentRoute: () => app,
  path: '/servers/add',
  component: lazyRouteComponent(() => import('./pages/add-server.tsx'), 'AddServerPage'),
});
const serverTabs = ['overview', 'diagnose', 'playbooks', 'history', 'settings'] as const;
const server = createRoute({
  getParentRoute: () => app,
  path: '/servers/$server',
  component: lazyRouteComponent(() => import('./pages/server.tsx'), 'ServerPage'),
  validateSearch: z.object({ tab: optional(z.enum(serverTabs)) }),
});
const playbooks = createRoute({
  getParentRoute: () => app,
  path: '/playbooks',
  component: lazyRouteComponent(() => import('./pages/playbooks.tsx'), 'PlaybooksPage'),
});
const playbook = createRoute({
  getParentRoute: () => app,
  path: '/playbooks/$playbook',
  component: lazyRouteComponent(() => import('./pages/playbook.tsx'), 'PlaybookPage'),
});
const alerts = createRoute({
  getParentRoute: () => app,
  path: '/alerts',
  component: lazyRouteComponent(() => import('./pages/alerts.tsx'), 'AlertsPage'),
  validateSearch: z.object({ state: optional(z.enum(['firing', 'resolved', 'all'])) }),
});
const audit = createRoute({
  getParentRoute: () => app,
  path: '/audit',
  component: lazyRouteComponent(() => import('./pages/audit.tsx'), 'AuditPage'),
  validateSearch: z.object({
    event: optional(z.string().max(60)),
    server: optional(z.string().max(100)),
    action: optional(z.string().max(40)),
    since: optional(z.enum(['1h', '24h', '7d', '30d'])),
  }),
});
const policy = createRoute({
  getParentRoute: () => app,
  path: '/policy',
  component: lazyRouteComponent(() => import('./pages/policy.tsx'), 'PolicyPage'),
});
const lock = createRoute({
  getParentRoute: () => app,
  path: '/lock',
  component: lazyRouteComponent(() => import('./pages/lock.tsx'), 'LockPage'),
});
const connect = createRoute({
  getParentRoute: () => app,
  path: '/connect',
  component: lazyRouteComponent(() => import('./pages/connect.tsx'), 'ConnectPage'),
});
const telegram = createRoute({
  getParentRoute: () => app,
  path: '/telegram',
  component: lazyRouteComponent(() => import('./pages/telegram.tsx'), 'TelegramPage'),
});
const tokens = createRoute({
  getParentRoute: () => app,
  path: '/tokens',
  component: lazyRouteComponent(() => import('./pages/tokens.tsx'), 'TokensPage'),
});
const people = createRoute({
  getParentRoute: () => app,
  path: '/people',
  component: lazyRouteComponent(() => import('./pages/people.tsx'), 'PeoplePage'),
});
const account = createRoute({
  getParentRoute: () => app,
  path: '/account',
  component: lazyRouteComponent(() => import('./pages/account.tsx'), 'AccountPage'),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('./pages/setup.tsx'), 'SetupPage'),
});
const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./pages/sign-in.tsx'), 'SignInPage'),
  // Only a path of our own: an address of somebody else is never followed after signing in.
  validateSearch: z.object({ next: optional(z.string().regex(/^\/(?![/\\])/)) }),
});
const invitation = createRoute({
  getParentRoute: () => root,
  path: '/invitation',
  component: lazyRouteComponent(() => import('./pages/invitation.tsx'), 'InvitationPage'),
});
const invite = createRoute({
  getParentRoute: () => root,
  path: '/invite',
  beforeLoad: ({ location: { hash } }) => {
    throw redirect({ to: '/invitation', hash, replace: true });
  },
});

const inApp = [
  overview,
  inbox,
  actions,
  action,
  servers,
  addServer,
  server,
  playbooks,
  playbook,
  alerts,
  audit,
  policy,
  lock,
  connect,
  telegram,
  tokens,
  people,
  account,
] as const;

export const router = createRouter({
  routeTree: root.addChildren([app.addChildren(inApp), setup, signIn, invitation, invite]),
  defaultPreload: 'intent',
  defaultPendingComponent: () => <Skeleton lines={6} />,
  defaultPendingMs: 300,
  defaultErrorComponent: Broken,
  scrollRestoration: true,
});

session.onLost = () => {
  const { pathname, href } = router.state.location;
  if (['/sign-in', '/setup', '/invitation'].includes(pathname)) return;
  queryClient.clear();
  // Who signs out comes back to no place.
  void router.navigate({ to: '/sign-in', search: session.leaving || pathname === '/' ? {} : { next: href } });
};

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
