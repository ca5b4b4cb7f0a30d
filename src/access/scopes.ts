/** What a key may be allowed to do. */
export const scopes = {
  "drafts:read": "Read working copies.",
  "articles:write": "Create, change and delete articles, sections, tags and authors.",
  "articles:publish": "Publish, schedule and unpublish.",
  "articles:kill": "Withdraw articles for good.",
  "articles:purge": "Delete articles that are in the trash for good.",
  "embargo:read": "Read what is published under embargo before the public.",
  "comments:write": "Comment on articles for the desk, and resolve comments.",
  "shares:write": "Set and remove share counts, and record shares without the public's limit.",
  transfer: "Export everything, drafts included, and import it elsewhere.",
  "audit:read": "Read and export the audit log.",
  "webhooks:manage": "Set up webhooks of whatever key, and see and repeat what was sent to them.",
  "webhooks:own": "Set up webhooks of the key itself, and see and repeat what was sent to them.",
  "keys:manage": "List, make and revoke keys.",
} as const;

export type Scope = keyof typeof scopes;

export const allScopes = Object.keys(scopes) as [Scope, ...Scope[]];

/** The scopes that show no more of the newsroom than what is published, so that an entitlement can limit it. */
export const readingPublishedAlone: readonly Scope[] = ["embargo:read", "shares:write", "webhooks:own"];

/** The scopes by which what readers get is changed. */
export const changingPublished: readonly Scope[] = [
  "articles:write",
  "articles:publish",
  "articles:kill",
  "articles:purge",
  "shares:write",
  "transfer",
];
