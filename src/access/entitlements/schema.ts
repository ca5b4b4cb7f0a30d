import { z } from "zod";
import { Id, Language, Slug, Time, TimeOut } from "../../http/scalars.ts";

/** The forms that articles are given away in; what a key may have them in is named by these. */
export const deliveryFormats = [
  "json",
  "jsonld",
  "ninjs",
  "text",
  "markdown",
  "html",
  "rss",
  "atom",
  "jsonfeed",
  "sitemap",
] as const;
export type DeliveryFormat = (typeof deliveryFormats)[number];

/** How many sections, tags and languages an entitlement names at most, of each. */
const MAX_TERMS = 50;
/** The most requests a minute that a key can be given. */
const MAX_REQUESTS = 1_000_000;

const several = <Item extends z.ZodType>(item: Item, meaning: string) =>
  z.array(item).max(MAX_TERMS).describe(`${meaning}; any of them suffices. Empty: all.`);

const anyOf = {
  sections: several(Slug, "Sections by their slugs"),
  tags: several(Slug, "Tags by their slugs"),
  languages: several(Language, "Language tags, as the articles have them"),
};
const rest = {
  embargoed: z
    .boolean()
    .describe("Whether what is under embargo comes before its time; this needs the scope `embargo:read`."),
  content: z
    .enum(["full", "summary"])
    .describe(
      "`summary`: an article comes without its `body`, and in other forms with headline, standfirst, key points and links alone.",
    ),
  formats: z
    .array(z.enum(deliveryFormats))
    .max(deliveryFormats.length)
    .describe("The forms that it is given away in; others are 406. Empty: all."),
  requestsPerMinute: z
    .int()
    .min(1)
    .max(MAX_REQUESTS)
    .nullable()
    .describe("How many requests a minute the key may make; null: as many as any key."),
};
const from = "Articles that were published at this moment or later; null: all.";
const until = "Articles that were published before this moment; null: all.";

export const Entitlement = z
  .object({
    ...anyOf,
    ...rest,
    from: TimeOut.nullable().describe(from),
    until: TimeOut.nullable().describe(until),
  })
  .meta({
    id: "Entitlement",
    description:
      "What a partner gets of what is published. An article comes if it is of one of the sections, has one of the tags, is in one of the languages and was published within the span. What does not come looks as if it did not exist.",
    examples: [
      {
        sections: ["world"],
        tags: [],
        languages: ["en"],
        embargoed: false,
        content: "full",
        formats: ["json", "ninjs"],
        requestsPerMinute: 600,
        from: "2025-01-01T00:00:00.000Z",
        until: null,
      },
    ],
  });
export type ShownEntitlement = z.output<typeof Entitlement>;

/** An entitlement that limits nothing but embargoes. */
export const unlimited: ShownEntitlement = {
  sections: [],
  tags: [],
  languages: [],
  embargoed: false,
  content: "full",
  formats: [],
  requestsPerMinute: null,
  from: null,
  until: null,
};

const input = { ...anyOf, ...rest, from: Time.describe(from), until: Time.describe(until) };
const nullish = Object.fromEntries(
  Object.entries(input).map(([name, schema]) => [name, schema.nullish()]),
) as { [Name in keyof typeof input]: z.ZodOptional<z.ZodNullable<(typeof input)[Name]>> };

/** An entitlement as it is written: what is absent or null limits nothing; of a PATCH what is absent stays. */
export const EntitlementInput = z.strictObject(nullish).meta({
  id: "EntitlementWrite",
  examples: [{ sections: ["world"], languages: ["en"], formats: ["json", "ninjs"] }],
});
export type EntitlementInput = z.output<typeof EntitlementInput>;

export const AccessExplained = z
  .object({
    articleId: Id,
    key: z.object({ id: Id, name: z.string() }),
    allowed: z.boolean().describe("Whether the key gets the article at this moment."),
    edition: z
      .int()
      .nullable()
      .describe("The edition that it was found out of: the one that is live, or else the last."),
    rules: z
      .array(
        z.object({
          rule: z.enum(["published", "embargo", "section", "tag", "language", "from", "until"]),
          allowed: z.boolean(),
          detail: z.string(),
        }),
      )
      .describe("Each rule that says something of it; the key gets it when all allow it."),
  })
  .meta({
    id: "AccessExplained",
    examples: [
      {
        articleId: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e",
        key: { id: "0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e", name: "Coastal News" },
        allowed: false,
        edition: 3,
        rules: [
          { rule: "published", allowed: true, detail: "The article is live." },
          {
            rule: "section",
            allowed: false,
            detail: "The key is entitled to one of the sections world; the article is of sport.",
          },
        ],
      },
    ],
  });
