import { z } from "zod";
import { Status, TargetStatus } from "../articles/schema.ts";
import { version } from "../editions/schema.ts";
import { Page, listOf, pageParameters } from "../http/paging.ts";
import { Id, Slug, TimeOut } from "../http/scalars.ts";

const id = "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e";
const backlink = {
  id,
  slug: "talks-conclude-in-istanbul",
  headline: "Talks conclude in Istanbul",
  url: "/v1/articles/talks-conclude-in-istanbul",
  publishedAt: "2025-04-10T09:30:00.000Z",
};

export const Backlink = z
  .object({
    id: Id,
    slug: Slug,
    headline: z.string(),
    url: z.string().describe("Where readers find it, or will."),
    publishedAt: TimeOut.nullable(),
    status: Status.optional().describe("With `version=draft`."),
    isLive: z
      .boolean()
      .optional()
      .describe("With `version=draft`: whether what readers get of it has the link."),
    isWorking: z
      .boolean()
      .optional()
      .describe("With `version=draft`: whether its working copy has the link."),
  })
  .meta({ id: "Backlink", description: "An article that links to another.", examples: [backlink] });

export const BacklinkList = listOf(Backlink).meta({
  id: "BacklinkList",
  examples: [{ data: [backlink], page: { limit: 20, next: null } }],
});

export const BacklinkQuery = z.strictObject({ ...pageParameters, version });

const kinds = {
  notLive: "leads to an article that readers cannot get, so readers do not see the link",
  unresolved: "is a title that no live article has",
  malformed: "has an address that is neither an http nor an https one, nor a path",
  external: "leads out of here; Dateline does not call it, so whether it answers is not known",
};
export type LinkFaultKind = keyof typeof kinds;
const kindNames = Object.keys(kinds) as [LinkFaultKind, ...LinkFaultKind[]];
const kindsDescription = Object.entries(kinds)
  .map(([name, meaning]) => `\`${name}\`: ${meaning}.`)
  .join(" ");

const finding = {
  kind: "notLive" as const,
  article: { id, slug: "talks-conclude-in-istanbul", headline: "Talks conclude in Istanbul" },
  link: { id, title: "Envoys meet again", url: null, articleId: id, targetStatus: "unpublished" as const },
};

const Finding = z
  .object({
    kind: z.enum(kindNames).describe(kindsDescription),
    article: z.object({ id: Id, slug: Slug, headline: z.string() }).describe("The live article that has it."),
    link: z.object({
      id: Id,
      title: z.string().nullable().describe("As it was written, or that of the article it leads to."),
      url: z.string().nullable(),
      articleId: Id.nullable(),
      targetStatus: TargetStatus.nullable(),
    }),
  })
  .meta({ id: "LinkFinding", examples: [finding] });

const count = z.int().min(0);

export const LinkHealth = z
  .object({
    data: z.array(Finding),
    counts: z
      .object({ notLive: count, unresolved: count, malformed: count, external: count })
      .optional()
      .describe("How many there are of each kind; with `count=true`."),
    page: Page,
  })
  .meta({ id: "LinkHealth", examples: [{ data: [finding], page: { limit: 20, next: null } }] });

export const LinkHealthQuery = z.strictObject({
  ...pageParameters,
  kind: z
    .enum(kindNames)
    .optional()
    .meta({ description: kindsDescription, examples: ["notLive"] }),
  article: z
    .string()
    .max(400)
    .optional()
    .meta({ description: "Only the links of this article: its id or slug.", examples: [backlink.slug] }),
});
