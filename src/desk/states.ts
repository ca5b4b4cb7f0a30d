import type { ArticleStatus } from "../database/generated/client.ts";
import { problem } from "../http/problems.ts";

interface Rule {
  /** The states that it may be done in. */
  from: readonly ArticleStatus[];
  /** The state that it leads to; of two, the first for an article that has had no edition yet. */
  to: readonly [ArticleStatus] | readonly [ArticleStatus, ArticleStatus];
  meaning: string;
}

/** An article's way from draft to readers and back: what code, documentation and OpenAPI text come from. */
export const transitions = {
  submit: { from: ["draft", "unpublished"], to: ["in_review"], meaning: "hand it in for review" },
  return: {
    from: ["in_review"],
    to: ["draft", "unpublished"],
    meaning: "give it back to its author, with a note",
  },
  publish: {
    from: ["draft", "in_review", "scheduled", "published", "unpublished"],
    to: ["published"],
    meaning: "put it before readers now",
  },
  schedule: {
    from: ["draft", "in_review", "scheduled", "published", "unpublished"],
    to: ["scheduled"],
    meaning:
      "publish it at a time to come, or once its embargo ends; a live article stays published until then",
  },
  cancel: {
    from: ["scheduled", "published"],
    to: ["draft", "unpublished"],
    meaning: "give up what is planned; a live article stays published",
  },
  unpublish: { from: ["published"], to: ["unpublished"], meaning: "take it from readers" },
} as const satisfies Record<string, Rule>;

export type Action = keyof typeof transitions;

/** What may be done in a state. */
export function allowedIn(status: ArticleStatus): Action[] {
  return (Object.keys(transitions) as Action[]).filter((action) => isAllowed(action, status));
}

function isAllowed(action: Action, status: ArticleStatus): boolean {
  const from: readonly ArticleStatus[] = transitions[action].from;
  return from.includes(status);
}

/**
 * The state that an action leads to. What is live stays published when something is planned or a
 * plan given up.
 *
 * @throws 409 when the article's state does not allow it, with what it does allow
 */
export function stateAfter(
  action: Action,
  article: { status: ArticleStatus; version: number },
): ArticleStatus {
  const { status, version } = article;
  if (!isAllowed(action, status)) throw wrongState(action, status);
  if (status === "published" && (action === "schedule" || action === "cancel")) return status;
  const [first, later = first]: readonly ArticleStatus[] = transitions[action].to;
  return (version === 0 ? first : later) ?? status;
}

/** @param why when the state alone does not say it */
export function wrongState(action: Action, status: ArticleStatus, why = "") {
  const allowed = allowedIn(status);
  return problem(
    "wrong-state",
    `The article is ${status}${why}; ${action} needs it to be ${transitions[action].from.join(" or ")}. Allowed now: ${allowed.join(", ")}.`,
    { members: { allowed } },
  );
}

/** The table in words, for the documentation. */
export const statesInWords = Object.entries(transitions)
  .map(
    ([action, { from, to, meaning }]) =>
      `- \`${action}\`: ${meaning} (${from.join(", ")} → ${to.join(" or ")})`,
  )
  .join("\n");
