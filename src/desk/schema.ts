import { z } from "zod";
import { Status } from "../articles/schema.ts";
import { Page } from "../http/paging.ts";
import { text, TimeOut } from "../http/scalars.ts";
import { allowedIn, transitions } from "./states.ts";

const note = text(2000);

export const NoteInput = z
  .strictObject({ note: note.optional().describe("For whoever works on it next.") })
  .nullish()
  .meta({ id: "NoteWrite", examples: [{ note: "Ready from my side." }] });

export const ReturnInput = z
  .strictObject({ note: note.describe("What its author is to do.") })
  .meta({ id: "ReturnWrite", examples: [{ note: "Who says so? Name the source in the second paragraph." }] });

export const KillInput = z
  .strictObject({
    reason: note.describe("For the desk and the audit log."),
    publicReason: note.nullable().optional().describe("What readers are told."),
  })
  .meta({
    id: "KillWrite",
    examples: [{ reason: "Injunction of the regional court", publicReason: "Withdrawn by court order." }],
  });

const actions = Object.keys(transitions) as [keyof typeof transitions, ...(keyof typeof transitions)[]];

const Transition = z
  .object({
    action: z.string(),
    from: Status,
    to: Status,
    actor: z.string().describe("The name of the key that did it."),
    note: z.string().nullable(),
    at: TimeOut,
  })
  .meta({ id: "Transition" });

export const TransitionList = z
  .object({
    data: z.array(Transition),
    allowed: z.array(z.enum(actions)).describe("What may be done in its present state."),
    page: Page,
  })
  .meta({
    id: "TransitionList",
    examples: [
      {
        data: [
          {
            action: "submit",
            from: "draft",
            to: "in_review",
            actor: "Ana's desk",
            note: null,
            at: "2025-04-10T09:10:00.000Z",
          },
        ],
        allowed: allowedIn("in_review"),
        page: { limit: 1000, next: null },
      },
    ],
  });
