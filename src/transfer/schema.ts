import { z } from "zod";
import { Block } from "../articles/body.ts";
import { Article, LinkKind, MAX_ITEMS, Status } from "../articles/schema.ts";
import { Id, Language, Slug, Time, text } from "../http/scalars.ts";
import { MAX_COUNT, MAX_NETWORKS, Network } from "../shares/schema.ts";
import { MAX_TERMS } from "../taxonomy/schema.ts";

/** The shape of the lines; counted up when older files can no longer be read. */
export const FORMAT = 1;

const whole = z.int().min(0).max(2_147_483_647);
const moment = Time.nullable();
/** Stored text was checked when it was written; here only what the database could not hold is refused. */
const stored = (most: number) => text(most, 0).nullable();

const Term = {
  id: Id,
  slug: Slug,
  name: text(200),
  description: stored(2000),
  createdAt: Time,
  updatedAt: Time,
};

const HeldSlug = z.strictObject({ slug: Slug, publishedAt: moment });

const EditionDocument = Article.omit({ shareCounts: true, shareTotal: true }).loose();

const ArticleLine = z
  .strictObject({
    kind: z.literal("article"),
    id: Id,
    slug: Slug,
    status: Status,
    revision: whole.min(1),
    version: whole,
    publishedRevision: whole.min(1).nullable(),
    headline: text(500),
    standfirst: stored(2000),
    dateline: stored(200),
    language: Language,
    section: Id.nullable(),
    tags: z.array(Id).max(MAX_TERMS),
    authors: z.array(Id).max(MAX_TERMS),
    body: z.array(Block),
    keyPoints: z
      .array(z.strictObject({ id: Id, text: text(1000), blockId: text(64).nullable() }))
      .max(MAX_ITEMS),
    relatedLinks: z
      .array(
        z.strictObject({
          id: Id,
          kind: LinkKind,
          title: text(500).nullable(),
          url: text(2048).nullable(),
          articleId: Id.nullable(),
        }),
      )
      .max(MAX_ITEMS),
    firstPublishedAt: moment,
    publishedAt: moment,
    scheduledFor: moment.describe(
      "When an edition was to come before readers. It stays behind, and so does the plan.",
    ),
    embargoedUntil: moment,
    expiresAt: moment,
    createdAt: Time,
    updatedAt: Time,
    deletedAt: moment,
    slugs: z.array(HeldSlug).min(1),
    shareCounts: z
      .array(z.strictObject({ network: Network, count: z.int().min(0).max(MAX_COUNT), updatedAt: Time }))
      .max(MAX_NETWORKS),
    corrections: z.array(
      z.strictObject({ number: whole.min(1), text: text(2000), version: whole.min(1), publishedAt: Time }),
    ),
    editions: z.array(
      z.strictObject({
        version: whole.min(1),
        revision: whole.min(1).nullable(),
        createdAt: Time,
        publishedAt: Time,
        liveFrom: Time,
        liveUntil: moment,
        terms: z.array(Id),
        document: EditionDocument,
      }),
    ),
    importedFrom: z
      .array(
        z.strictObject({
          source: text(500),
          digest: z.string().regex(/^[0-9a-f]{64}$/),
          revision: whole.min(1),
        }),
      )
      .optional()
      .describe("What it was imported from, so that it is known again; absent where it was written."),
    live: z
      .strictObject({
        liveUntil: moment,
        links: z.array(
          z
            .strictObject({
              linkId: Id,
              targetId: Id.nullable(),
              titleKey: text(2000, 0).nullable(),
              url: text(2048).nullable(),
            })
            .refine(
              ({ url, targetId, titleKey }) => url === null || (targetId === null && titleKey === null),
              "must not have targetId or titleKey beside url",
            ),
        ),
      })
      .nullable(),
  })
  .superRefine((article, context) => {
    for (const { holds, path, message } of rulesOf(article)) {
      if (!holds) context.addIssue({ code: "custom", path, message, input: article });
    }
  });
export type ArticleLine = z.output<typeof ArticleLine>;

interface Rule {
  holds: boolean;
  path: string[];
  message: string;
}

/** What must hold within an article, as it does in the database that it was exported from. */
function rulesOf(
  article: {
    [Part in keyof Omit<ArticleLine, "editions" | "body">]: ArticleLine[Part];
  } & {
    editions: {
      version: number;
      liveFrom: string;
      liveUntil: string | null;
      document: { id: string; slug: string };
    }[];
    body: ArticleLine["body"];
  },
): Rule[] {
  const { id, status, version, revision, publishedRevision, live, editions, slugs, relatedLinks } = article;
  const blocks = new Set(article.body.map((block) => block.id));
  const links = new Set(relatedLinks.map((link) => link.id));
  const unique = (values: unknown[]) => new Set(values).size === values.length;
  const newest = editions.at(-1);
  return [
    {
      holds: editions.length === version && editions.every((edition, index) => edition.version === index + 1),
      path: ["editions"],
      message: "must be those from 1 to the article's version, in order",
    },
    {
      holds: editions.every(({ document }) => document.id === id),
      path: ["editions"],
      message: "must be of this article",
    },
    {
      holds: (status === "published") === (live !== null),
      path: ["live"],
      message: "must be there for a published article and for no other",
    },
    {
      holds: status !== "scheduled",
      path: ["status"],
      message: "must be what the article is until its time: draft or unpublished",
    },
    {
      holds: live === null || (newest !== undefined && article.deletedAt === null),
      path: ["live"],
      message: "must be null for an article that has no edition or is in the trash",
    },
    {
      holds: live?.liveUntil == null || newest === undefined || isAfter(live.liveUntil, newest.liveFrom),
      path: ["live", "liveUntil"],
      message: "must be after the liveFrom of the newest edition",
    },
    {
      holds: editions.every(({ liveFrom, liveUntil }) => liveUntil === null || !isAfter(liveFrom, liveUntil)),
      path: ["editions"],
      message: "must each have a liveUntil that is not before its liveFrom",
    },
    {
      holds: live === null || slugs.some(({ slug }) => slug === newest?.document.slug),
      path: ["slugs"],
      message: "must have that of the edition that is live",
    },
    {
      holds: article.corrections.every(
        (correction, index) => correction.number === index + 1 && correction.version <= version,
      ),
      path: ["corrections"],
      message: "must be numbered from 1, in order, each of an edition that is there",
    },
    {
      holds: version === 0 || (article.publishedAt !== null && article.firstPublishedAt !== null),
      path: ["publishedAt"],
      message: "must be there, and firstPublishedAt, where there are editions",
    },
    {
      holds: publishedRevision === null || publishedRevision <= revision,
      path: ["publishedRevision"],
      message: "must not be above the revision",
    },
    {
      holds: slugs.some(({ slug }) => slug === article.slug) && unique(slugs.map(({ slug }) => slug)),
      path: ["slugs"],
      message: "must have the article's own, each once",
    },
    {
      holds: unique([...article.tags, ...article.authors]) && blocks.size === article.body.length,
      path: [],
      message: "must name each tag, author and block once",
    },
    {
      holds: unique(article.shareCounts.map(({ network }) => network)),
      path: ["shareCounts"],
      message: "must have each network once",
    },
    {
      holds: live === null || unique(live.links.map(({ linkId }) => linkId)),
      path: ["live", "links"],
      message: "must have each link once",
    },
    {
      holds: article.keyPoints.every(({ blockId }) => blockId === null || blocks.has(blockId)),
      path: ["keyPoints"],
      message: "must name blocks of the body",
    },
    {
      holds: article.body.every((block) => block.type !== "relatedLink" || links.has(block.relatedLinkId)),
      path: ["body"],
      message: "must place links of the article",
    },
    {
      holds: relatedLinks.every(({ title, url, articleId }) =>
        url === null ? title !== null || articleId !== null : articleId === null,
      ),
      path: ["relatedLinks"],
      message: "must each name a url, an articleId or a title, and not both of the first two",
    },
  ];
}

function isAfter(one: string, other: string): boolean {
  return new Date(one) > new Date(other);
}

const Header = z.strictObject({ kind: z.literal("dateline"), format: z.literal(FORMAT) });
const End = z.strictObject({ kind: z.literal("end"), lines: whole });
const Tombstone = z.strictObject({
  kind: z.literal("tombstone"),
  id: Id,
  purgedAt: Time,
  slugs: z.array(z.strictObject({ slug: Slug, publishedAt: Time })),
});

const Withdrawal = z.strictObject({
  kind: z.literal("withdrawal"),
  id: Id,
  reason: text(2000),
  publicReason: text(2000).nullable(),
  actor: text(500),
  at: Time,
});

/** One line of an export. */
export const Line = z
  .discriminatedUnion("kind", [
    Header,
    z.strictObject({ kind: z.literal("section"), ...Term }),
    z.strictObject({ kind: z.literal("tag"), ...Term }),
    z.strictObject({ kind: z.literal("author"), ...Term }),
    Withdrawal,
    ArticleLine,
    Tombstone,
    End,
  ])
  .meta({ id: "TransferLine" });
export type Line = z.output<typeof Line>;
export type TermLine = Extract<Line, { kind: "section" | "tag" | "author" }>;
export type WithdrawalLine = z.output<typeof Withdrawal>;
export type TombstoneLine = z.output<typeof Tombstone>;
