// Every subject that page and worker use. Their declarations are Go's; workloads/web/subjects_test.go compares them.

export const subjects = {
  put: 'natster.global.web.put',
  shares: 'natster.global.my.shares',
  names: 'natster.global.my.names',
  imports: 'natster.global.accounts.imports',
  import: 'natster.global.accounts.import',
  unimport: 'natster.global.accounts.unimport',
  inbox: 'natster.local.inbox',
  unshare: 'natster.local.unshare',
  heartbeat: 'natster.local-events.heartbeat',
  offline: 'natster.local-events.offline',
  online: 'natster.global-events.heartbeat',
  news: 'natster.global-news.*'
} as const;

export const subjectOf = (catalog: string, verb: string): string => `natster.catalog.${catalog}.${verb}`;
/** atInstance is a verb that only the server hears that has the session. */
export const atInstance = (verb: string, instance: string): string => (instance ? `${verb}.${instance}` : verb);
export const mediaSubject = (catalog: string, session: string): string => `natster.media.${catalog}.${session}`;
