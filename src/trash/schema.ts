import { z } from "zod";
import { Article } from "../articles/schema.ts";
import { listOf, pageParameters } from "../http/paging.ts";
import { TimeOut } from "../http/scalars.ts";

/** How long an article stays in the trash, in days. */
export const TRASH_DAYS = 30;

const [article] = (Article.meta()?.examples ?? []) as [z.output<typeof Article>];
const { body: _, ...summary } = article;
const example = {
  ...summary,
  status: "unpublished" as const,
  deletedAt: "2025-04-11T09:30:00.000Z",
  purgeAt: "2025-05-11T09:30:00.000Z",
};

export const TrashedArticle = Article.omit({ body: true })
  .extend({
    deletedAt: TimeOut.describe("When it was put into the trash."),
    purgeAt: TimeOut.describe(`From when on it is purged: ${TRASH_DAYS} days later.`),
  })
  .meta({ id: "TrashedArticle", description: "An article in the trash.", examples: [example] });

export const TrashList = listOf(TrashedArticle).meta({
  id: "TrashList",
  examples: [{ data: [example], page: { limit: 20, next: null } }],
});

export const TrashQuery = z.strictObject(pageParameters);
