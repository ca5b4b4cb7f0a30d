import type { Newsroom } from "../newsroom.ts";

/** The site that articles are read on. */
export function homeOf({ articleAddress }: Newsroom, origin: string): string {
  return new URL("/", new URL(articleAddress("home"), origin)).href;
}
