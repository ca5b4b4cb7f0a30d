import { z } from "zod";

/**
 * Text of `least` to `most` characters (Unicode code points, as JSON Schema counts them), kept
 * exactly as sent but for NFC. NUL and lone surrogates are refused: PostgreSQL and UTF-8 cannot
 * hold them.
 */
export function text(most: number, least = 1) {
  return z
    .string()
    .normalize("NFC")
    .check((context) => {
      const fault = faultOf(context.value, most, least);
      if (fault !== undefined) context.issues.push({ code: "custom", message: fault, input: context.value });
    })
    .meta({ minLength: least, maxLength: most });
}

function faultOf(value: string, most: number, least: number): string | undefined {
  if (value.includes("\0")) return "must not contain NUL (U+0000)";
  if (!value.isWellFormed()) return "must not contain a lone surrogate, which is no character";
  if (least > 0 && !/[^\s\p{Cc}]/u.test(value)) return "must not be blank";
  if (value.length > most && Array.from(value).length > most) return `must have at most ${most} characters`;
  return undefined;
}

/** The longest slug, in characters. */
export const SLUG_LENGTH = 200;
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a path segment names a resource by its id rather than by its slug. */
export function isId(value: string): boolean {
  return uuidPattern.test(value);
}

export const Id = z
  .string()
  .regex(uuidPattern, "must be a UUID")
  .toLowerCase()
  .meta({ format: "uuid", examples: ["0199b2a0-5f5a-7c11-9d0e-6f1b8a3c2d4e"] });

export const Slug = z
  .string()
  .max(SLUG_LENGTH, `must have at most ${SLUG_LENGTH} characters`)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, "must be lower-case letters and digits parted by single hyphens")
  .refine((value) => !isId(value), "must not look like an id")
  .meta({ examples: ["talks-conclude-in-istanbul"] });

/** A moment; what comes in with any offset goes on in UTC with milliseconds. */
export const Time = z.iso
  .datetime({ offset: true, abort: true, error: "must be a time such as 2025-04-10T09:30:00Z (RFC 3339)" })
  .refine((value) => !Number.isNaN(Date.parse(value)), "must be a time that exists")
  .transform((value) => new Date(value).toISOString())
  .refine((value) => /^(?!0000)\d{4}-/.test(value), "must be a time from the year 1 to 9999")
  .meta({ format: "date-time", examples: ["2025-04-10T09:30:00.000Z"] });

/** A moment in an answer. */
export const TimeOut = z.iso.datetime().meta({ format: "date-time", examples: ["2025-04-10T09:30:00.000Z"] });

export const WebAddress = z
  .url({ protocol: /^https?$/, error: "must be an absolute http or https address", abort: true })
  .max(2048)
  .refine(
    (value) => !/[\s\0\p{Surrogate}]/u.test(value),
    "must not contain white space, NUL or a lone surrogate",
  )
  // Kept as it is sent, so in any script: RFC 3987's.
  .meta({ format: "iri", examples: ["https://example.com/story"] });

/** BCP 47, checked and written in its canonical form by ECMA-402. */
export const Language = z
  .string()
  .max(35)
  .check((context) => {
    if (canonicalLanguage(context.value) === undefined) {
      context.issues.push({
        code: "custom",
        message: "must be a language tag such as en or pt-BR (BCP 47)",
        input: context.value,
      });
    }
  })
  .overwrite((value) => canonicalLanguage(value) ?? value)
  .meta({ examples: ["en"] });

function canonicalLanguage(value: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(value)[0];
  } catch {
    return undefined;
  }
}
