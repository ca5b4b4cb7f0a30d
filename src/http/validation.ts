import type { FastifySchemaCompiler } from "fastify";
import type { z } from "zod";
import { type FieldError, type Problem, invalidContent, invalidParameter, pathPointer } from "./problems.ts";

type Issue = z.core.$ZodIssue;

/**
 * Checks bodies and query parameters with the zod schema of the route.
 * What is wrong becomes a problem: 422 for a body, 400 for query parameters and headers.
 */
export const validateWithZod: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (data) => {
    const result = schema.safeParse(data);
    if (result.success) return { value: result.data };
    return { error: validationProblem(result.error.issues, httpPart === "body") };
  };
};

/**
 * Checks what did not come as a JSON body against the schema of one that did.
 *
 * @throws 422 with a pointer to each fault
 */
export function validContent<Schema extends z.ZodType>(
  schema: Schema,
  value: z.input<Schema>,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw validationProblem(result.error.issues, true);
}

/** What a schema found wrong, each with a JSON Pointer to its place. */
export function faultsOf({ issues }: z.ZodError): FieldError[] {
  return issues.flatMap((issue) => fieldErrors(issue, [], true));
}

function validationProblem(issues: Issue[], isBody: boolean): Problem {
  const errors = issues.flatMap((issue) => fieldErrors(issue, [], isBody)).slice(0, 100);
  return isBody ? invalidContent(errors) : invalidParameter(errors);
}

function fieldErrors(issue: Issue, above: PropertyKey[], isBody: boolean): FieldError[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      pointer: placeOf([...path, key], isBody),
      detail: isBody ? "is not a property that can be written here" : "is not a parameter of this operation",
    }));
  }
  if (issue.code === "invalid_union") {
    const branch = nearestBranch(issue.errors);
    if (branch !== undefined) return branch.flatMap((inner) => fieldErrors(inner, path, isBody));
  }
  const [, place] = path;
  const which = !isBody && typeof place === "number" ? `value ${place + 1} ` : "";
  return [{ pointer: placeOf(path, isBody), detail: which + detailOf(issue) }];
}

/** The alternative that the value was evidently meant for: the one that fails inside, not as a whole. */
function nearestBranch(branches: Issue[][]): Issue[] | undefined {
  return branches.find((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code !== "invalid_type"),
  );
}

function detailOf(issue: Issue): string {
  const missing =
    issue.code === "invalid_type" && issue.input === undefined && /received undefined/.test(issue.message);
  return missing
    ? "is missing"
    : issue.message.replace(/^Invalid input: /, "").replace(/^./, (first) => first.toLowerCase());
}

/** A place in the body is named by a JSON Pointer, a parameter by its name, whichever of its values is wrong. */
function placeOf(path: readonly PropertyKey[], isBody: boolean): string {
  return isBody ? pathPointer(path) : String(path[0] ?? "");
}
