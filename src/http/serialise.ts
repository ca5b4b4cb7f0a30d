import fastJson from "fast-json-stringify";
import type { FastifySerializerCompiler } from "fastify";
import { z } from "zod";

/**
 * Compiles the serialiser of a response from its zod schema. It writes what the schema names and
 * nothing else; that the data fits is checked by the tests, not on each answer.
 */
export const serialiseWithZod: FastifySerializerCompiler<z.ZodType> = ({ schema }) => {
  const jsonSchema = z.toJSONSchema(schema, {
    io: "output",
    target: "draft-7",
    unrepresentable: "any",
    override: loosen,
  });
  return fastJson(jsonSchema as Parameters<typeof fastJson>[0]);
};

/** Unions are written as they are: which branch a block belongs to is known to be right. */
function loosen({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}): void {
  delete jsonSchema.id;
  if (zodSchema._zod.def.type === "union") {
    for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
  }
}
